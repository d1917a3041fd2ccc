"""Where rows go."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from lightkeeper.errors import OutputError

if TYPE_CHECKING:
    from lightkeeper.scan._row import ScanRow


class Output(Protocol):
    """Takes rows one at a time, and ends in one of two ways."""

    def add(self, row: ScanRow) -> None:
        """Write one row.

        Raises
        ------
        OutputError
        """

    def finish(self) -> None:
        """All rows are there: make the result visible."""

    def abandon(self) -> None:
        """The scan was stopped: leave nothing that could pass for a whole result."""


class AtomicFile:
    """A file that appears under its name only when it is complete.

    Raises
    ------
    OutputError
        The folder cannot be written to.
    """

    def __init__(self, path: Path, *, text: bool = False) -> None:
        self._path = path
        try:
            descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}") from error
        self._temporary = Path(name)
        self.stream: IO[Any] = (
            os.fdopen(descriptor, "w", encoding="utf-8", newline="\n")
            if text
            else os.fdopen(descriptor, "wb")
        )

    def commit(self) -> None:
        """Close it and put it in its place, replacing what was there."""
        try:
            self.stream.flush()
            os.fsync(self.stream.fileno())
            os.fchmod(self.stream.fileno(), 0o666 & ~_umask())
            self.stream.close()
            self._temporary.replace(self._path)
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {error.strerror}") from error

    def discard(self) -> None:
        """Close it and remove it."""
        self.stream.close()
        self._temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
