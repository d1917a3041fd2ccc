"""Exchange formats of hash lists: read as streams of rows, written with their provenance."""

from lightkeeper.matching.formats._mapping import Mapping, load_mapping
from lightkeeper.matching.formats._open import ListFormat, detect_format, read_rows
from lightkeeper.matching.formats._row import DAMAGE, Row
from lightkeeper.matching.formats._write import plain_entry, write_csv, write_jsonl

__all__ = [
    "DAMAGE",
    "ListFormat",
    "Mapping",
    "Row",
    "detect_format",
    "load_mapping",
    "plain_entry",
    "read_rows",
    "write_csv",
    "write_jsonl",
]
