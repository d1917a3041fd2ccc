"""Rows as a Parquet table, for data frames and warehouses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lightkeeper.errors import MissingExtra
from lightkeeper.plain import name_bytes
from lightkeeper.scan._output import AtomicFile
from lightkeeper.scan._row import SCHEMA, json_line, valid_text
from lightkeeper.scan._summary import known_sets, marks, models, tools

if TYPE_CHECKING:
    from pathlib import Path

    from lightkeeper.scan._row import ScanRow

_GROUP_ROWS = 4_096
_GROUP_BYTES = 32 << 20
_LISTS = ("conflicts", "tools", "models", "marks", "known_sets", "problems")
_FINDING_TEXTS = ("claim", "basis", "summary", "examiner", "version", "source", "supports")


class Parquet:
    """One flat row per file; findings are a list of structures, their details JSON.

    Row groups are written as they fill, so memory stays flat. The file appears when it is whole.

    Raises
    ------
    MissingExtra
        ``pyarrow`` is not installed.
    OutputError
        The folder cannot be written to.
    """

    def __init__(self, path: Path) -> None:
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError as error:
            raise MissingExtra("Parquet output", extra="parquet") from error
        self._arrow = pyarrow
        self._schema = _schema(pyarrow)
        self._file = AtomicFile(path)
        self._writer = pyarrow.parquet.ParquetWriter(
            self._file.stream, self._schema, compression="zstd"
        )
        self._rows: list[dict[str, Any]] = []
        self._bytes = 0

    def add(self, row: ScanRow) -> None:
        """Keep one row until its group is full."""
        flat = _flat(row)
        self._rows.append(flat)
        self._bytes += sum(len(f["details"] or "") + 512 for f in flat["findings"]) + 512
        if len(self._rows) >= _GROUP_ROWS or self._bytes >= _GROUP_BYTES:
            self._write_group()

    def finish(self) -> None:
        """Write the last group and put the file in its place."""
        if self._rows:
            self._write_group()
        self._writer.close()
        self._file.commit()

    def abandon(self) -> None:
        """Remove what was written."""
        self._writer.close()
        self._file.discard()

    def _write_group(self) -> None:
        table = self._arrow.Table.from_pylist(self._rows, schema=self._schema)
        self._writer.write_table(table)
        self._rows.clear()
        self._bytes = 0


def _schema(arrow: Any) -> Any:
    text, number, real = arrow.string(), arrow.int64(), arrow.float64()
    texts = arrow.list_(text)
    finding = arrow.struct(
        [
            *((name, text) for name in _FINDING_TEXTS),
            ("log10_lr", real),
            ("p_value", real),
            ("tests", number),
            ("null_size", number),
            ("calibration", text),
            ("limits", texts),
            ("details", text),
        ]
    )
    columns = [
        *((name, text) for name in ("file", "file_bytes", "status")),
        *((name, text) for name in ("error_code", "error_message", "format")),
        *((name, number) for name in ("width", "height", "size_bytes")),
        *((name, text) for name in ("md5", "sha1", "sha256", "blake3", "pdq", "pdq_variant")),
        ("pdq_quality", number),
        *((name, text) for name in ("origin", "strength")),
        ("log10_lr", real),
        ("priority", number),
        *((name, texts) for name in _LISTS),
        ("findings", arrow.list_(finding)),
        ("assessment", text),
        ("generator", text),
        ("attribution", text),
        ("seconds", real),
    ]
    return arrow.schema(columns, metadata={"lightkeeper.schema": SCHEMA})


def _flat(row: ScanRow) -> dict[str, Any]:
    error, digests, pdq = row.error or {}, row.digests or {}, row.pdq or {}
    assessment = row.assessment or {}
    flat = {
        "file": row.file,
        "file_bytes": name_bytes(row.file),
        "status": row.status,
        "error_code": error.get("code"),
        "error_message": error.get("message"),
        "format": row.format,
        "width": row.width,
        "height": row.height,
        **digests,
        "pdq": pdq.get("hash"),
        "pdq_quality": pdq.get("quality"),
        "pdq_variant": pdq.get("variant"),
        "origin": assessment.get("origin"),
        "strength": assessment.get("strength"),
        "log10_lr": assessment.get("log10_lr"),
        "priority": assessment.get("routing", {}).get("priority"),
        "conflicts": [conflict["code"] for conflict in assessment.get("conflicts", ())],
        "tools": tools(row),
        "models": models(row),
        "marks": marks(row),
        "known_sets": known_sets(row),
        "problems": [problem["code"] for problem in row.problems],
        "findings": [_finding(finding) for finding in row.findings],
        "assessment": json_line(row.assessment) if row.assessment else None,
        "generator": (row.attribution or {}).get("generator"),
        "attribution": json_line(row.attribution) if row.attribution else None,
        "seconds": row.seconds,
    }
    return {key: _storable(value) for key, value in flat.items()}


def _finding(finding: dict[str, Any]) -> dict[str, Any]:
    details = finding["details"]
    stored = {key: _storable(value) for key, value in finding.items()}
    return stored | {"details": json_line(details) if details is not None else None}


def _storable(value: Any) -> Any:
    """Arrow refuses half a surrogate pair, which a path or a prompt may hold."""
    if isinstance(value, str):
        return valid_text(value)
    if isinstance(value, list):
        return [_storable(item) for item in value]
    return value
