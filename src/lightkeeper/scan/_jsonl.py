"""Rows as JSON lines."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO, TYPE_CHECKING

from lightkeeper.errors import OutputError

if TYPE_CHECKING:
    from lightkeeper.scan._row import ScanRow


class JsonLines:
    """One line per file, each written whole and at once, so that another program may follow.

    Parameters
    ----------
    target : Path or text stream
        A stopped scan leaves the lines that were finished; each of them is a complete row.
    """

    def __init__(self, target: Path | IO[str]) -> None:
        self._owned = isinstance(target, Path)
        try:
            self._stream = (
                target.open("w", encoding="utf-8", newline="\n")
                if isinstance(target, Path)
                else target
            )
        except OSError as error:
            raise OutputError(f"cannot write {target}: {error.strerror}") from error
        if isinstance(self._stream, io.TextIOWrapper):
            # JSON is UTF-8 (RFC 8259), whatever the locale says.
            self._stream.reconfigure(encoding="utf-8")

    def add(self, row: ScanRow) -> None:
        """Write one line."""
        try:
            self._stream.write(row.to_json() + "\n")
            self._stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"cannot write JSON lines: {error.strerror}") from error

    def finish(self) -> None:
        """Close the file."""
        if self._owned:
            self._stream.close()

    abandon = finish
