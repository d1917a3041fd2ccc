"""Which format a file is in, and its rows."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, BinaryIO, Final

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.matching.formats._csv import read_csv
from lightkeeper.matching.formats._jsonl import HEADER, read_jsonl
from lightkeeper.matching.formats._ncmec import read_ncmec
from lightkeeper.matching.formats._row import Block
from lightkeeper.matching.formats._threatexchange import read_threatexchange

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from lightkeeper.matching.formats._mapping import Mapping
    from lightkeeper.matching.formats._row import Row


class ListFormat(StrEnum):
    """Formats that can be imported."""

    JSONL = "jsonl"
    CSV = "csv"
    THREATEXCHANGE = "threatexchange"
    NCMEC = "ncmec"


_SUFFIXES: Final = {".xml": ListFormat.NCMEC, ".csv": ListFormat.CSV, ".tsv": ListFormat.CSV}
_FOREIGN: Final = (b'"indicator"', b'"signal_type"', b'"signals"', b'"should_delete"', b'"data"')


def detect_format(path: Path, *, mapping: Mapping | None = None) -> ListFormat:
    """Tell the format: a mapping means CSV, then content, then the suffix.

    Raises
    ------
    InvalidConfiguration
        The file does not say.
    """
    if mapping is not None:
        return ListFormat.CSV
    with path.open("rb") as stream:
        start = stream.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<"):
        return ListFormat.NCMEC
    if start.startswith(b"["):
        return ListFormat.THREATEXCHANGE
    if start.startswith(b"{"):
        own = HEADER.encode() in start or not any(name in start for name in _FOREIGN)
        return ListFormat.JSONL if own else ListFormat.THREATEXCHANGE
    if start.startswith((b"signal_type,signal_str",)):
        return ListFormat.THREATEXCHANGE
    found = _SUFFIXES.get(path.suffix.lower())
    if found is None:
        raise InvalidConfiguration(
            f"{path.name}: neither content nor suffix says what format this is",
            hint="give --format, or --mapping for a list of your own",
        )
    return found


def read_rows(
    stream: BinaryIO,
    list_format: ListFormat,
    *,
    source: str | None,
    now: datetime,
    mapping: Mapping | None = None,
) -> Iterator[Row]:
    """Rows of a list, streamed in bounded memory."""
    for part in read_parts(stream, list_format, source=source, now=now, mapping=mapping):
        if isinstance(part, Block):
            yield from part.rows()
        else:
            yield part


def read_parts(
    stream: BinaryIO,
    list_format: ListFormat,
    *,
    source: str | None,
    now: datetime,
    mapping: Mapping | None = None,
) -> Iterator[Row | Block]:
    """Rows of a list, many at a time where they are like most: what an import reads.

    Parameters
    ----------
    source : str or None
        Organisation on whose behalf the list is read; ``None`` keeps the mentions of the own
        format as written.
    now : datetime
        When the list was received.
    """
    if list_format is ListFormat.CSV:
        return read_csv(stream, source=source, now=now, mapping=mapping)
    if list_format is ListFormat.THREATEXCHANGE:
        return read_threatexchange(stream, source=source, now=now)
    if list_format is ListFormat.NCMEC:
        return read_ncmec(stream, source=source, now=now)
    return read_jsonl(stream, source=source, now=now)
