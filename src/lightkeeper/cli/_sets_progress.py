"""How far an import is, on standard error. Counts only: no line ever names a hash."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from lightkeeper.matching._transfer import Transfer

_PLAIN_SECONDS = 5.0


class ImportProgress:
    """Rows, rate and time left, told by how much of the file was read."""

    def __init__(self, stream: BinaryIO, size: int, *, doing: str, quiet: bool) -> None:
        self._stream = stream
        self._size = size
        self._doing = doing
        self._quiet = quiet
        self._live = sys.stderr.isatty()
        self._started = self._said = time.monotonic()

    def update(self, found: Transfer) -> None:
        """One more batch."""
        now = time.monotonic()
        if self._quiet or (not self._live and now - self._said < _PLAIN_SECONDS):
            return
        self._said = now
        text = self._text(found, now - self._started)
        sys.stderr.write(f"\r\x1b[K{text}" if self._live else f"{text}\n")
        sys.stderr.flush()

    def finish(self) -> None:
        """Clear the line."""
        if self._live and not self._quiet:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _text(self, found: Transfer, seconds: float) -> str:
        done = min(1.0, self._stream.tell() / self._size) if self._size else 1.0
        text = f"{self._doing}: {found.rows:,} rows, {found.rows / max(seconds, 1e-3):,.0f}/s"
        if 0 < done < 1:
            left = round(seconds / done - seconds)
            text += f", {done:.0%}, {left // 60}:{left % 60:02} left"
        return f"{text}, {found.rejected.total():,} rejected"
