"""Values of a JSON file of any size: one per line, in an array, or in pages under ``data``."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from lightkeeper.matching.formats._lines import CHUNK_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

_OBJECT_CHARACTERS: Final = 1 << 20
_PAGE = re.compile(r'\{\s*"data"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")

_parse = json.JSONDecoder().raw_decode


def json_objects(stream: BinaryIO) -> Iterator[tuple[int, Any]]:
    """Number and value of each object; a text in place of a value is the reason of a failure.

    After damage reading goes on at the next line; where there is none, the rest is lost and the
    last reason is ``truncated``.
    """
    return _Objects(stream).run()


class _Objects:
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._text = ""
        self._at = 0
        self._ended = False
        self._open: list[str] = []
        """Brackets that are open around the values: ``array`` or ``page``."""

    def run(self) -> Iterator[tuple[int, Any]]:
        number = 0
        while self._step():
            number += 1
            yield number, self._value()
        if self._open:
            yield number + 1, "truncated"

    def _step(self) -> bool:
        """Move to the next value, through brackets and page frames; false at the end."""
        while True:
            self._skip_between()
            char = self._text[self._at : self._at + 1]
            if not char:
                return False
            if char == "[" and not self._open:
                self._open.append("array")
                self._at += 1
            elif page := self._page():
                self._open.append("page")
                self._at = page
            elif char == "]" and self._open:
                self._at += 1
                if self._open.pop() == "page" and not self._rest_of_page():
                    self._open.append("page")
                    return False
            else:
                return True

    def _page(self) -> int | None:
        self._need(64)
        found = None if self._open else _PAGE.match(self._text, self._at)
        return found.end() if found else None

    def _rest_of_page(self) -> bool:
        """Pass ``}`` or ``, "paging": {…}}`` after the array of a page."""
        self._skip_blank()
        if self._text.startswith("}", self._at):
            self._at += 1
            return True
        if not self._text.startswith(",", self._at):
            return False
        self._text = "{" + self._text[self._at + 1 :]
        self._at = 0
        return isinstance(self._value(), dict)

    def _value(self) -> Any:
        while True:
            try:
                value, self._at = _parse(self._text, self._at)
            except (ValueError, RecursionError):
                if len(self._text) - self._at > _OBJECT_CHARACTERS or not self._more():
                    return self._recover()
            else:
                if isinstance(value, str):
                    return None
                return value

    def _recover(self) -> str:
        """Give up this value and go on at the next line."""
        newline = self._text.find("\n", self._at)
        while newline < 0 and not self._ended:
            self._text, self._at = "", 0
            self._more()
            newline = self._text.find("\n")
        if newline < 0:
            self._text, self._at = "", 0
            self._open.clear()
            return "truncated"
        self._at = newline + 1
        return "not-json"

    def _skip_between(self) -> None:
        self._skip(_BETWEEN)

    def _skip_blank(self) -> None:
        self._skip(re.compile(r"\s*"))

    def _skip(self, pattern: re.Pattern[str]) -> None:
        while True:
            found = pattern.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text) or not self._more():
                return

    def _need(self, characters: int) -> None:
        if len(self._text) - self._at < characters:
            self._more()

    def _more(self) -> bool:
        """Read on; what was used is let go."""
        if self._ended:
            return False
        chunk = self._stream.read(CHUNK_BYTES)
        self._ended = not chunk
        self._text = self._text[self._at :] + chunk.decode("latin-1")
        self._at = 0
        return not self._ended
