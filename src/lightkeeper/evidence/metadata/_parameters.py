"""Parameters taken out of a payload one by one; what nobody takes is ``extra``."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING

from lightkeeper.evidence.metadata._numbers import number, whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lightkeeper.evidence.metadata._record import Number

_ABSENT = frozenset({"", "None", "none", "null"})
_EMPTY: tuple[object, ...] = (None, "", [], {})
_MAX_REST = 128
_MAX_REST_TEXT = 4_000


class Parameters:
    """Case-insensitive view of a payload's fields that remembers which were understood."""

    def __init__(self, fields: Mapping[str, object]) -> None:
        self._left = dict(fields)
        self._names = {key.lower(): key for key in fields if isinstance(key, str)}

    @classmethod
    def of(cls, value: object) -> Parameters:
        """Parameters of a parsed value, none where it is not an object."""
        return cls(value if isinstance(value, dict) else {})

    def peek(self, name: str) -> object | None:
        """Value under this name, left in place."""
        key = self._names.get(name)
        return None if key is None else self._left.get(key)

    def take(self, name: str) -> object | None:
        """Value under this name, understood from now on."""
        key = self._names.get(name)
        return None if key is None else self._left.pop(key, None)

    def prompt(self, *names: str) -> str | None:
        """Take the first of these names that holds text, exactly as it stands and maybe empty."""
        for name in names:
            value = self.peek(name)
            if isinstance(value, str):
                self.take(name)
                return value
        return None

    def text(self, *names: str) -> str | None:
        """Take the first of these names that holds text and means something."""
        for name in names:
            value = self.peek(name) if name in self._names else None
            if isinstance(value, str) and value.strip() not in _ABSENT:
                self.take(name)
                return value
        return None

    def number(self, *names: str) -> Number | None:
        """Take the first of these names that holds a finite number or its decimal text."""
        for name in names:
            value = number(self.peek(name))
            if value is not None:
                self.take(name)
                return value
        return None

    def side(self, *names: str) -> int | None:
        """Take a picture's width or height."""
        for name in names:
            value = whole(self.peek(name))
            if value is not None:
                self.take(name)
                return value
        return None

    def size(self, name: str) -> tuple[int | None, int | None]:
        """Take ``WxH``, ``W x H`` or ``(W, H)``."""
        value = self.peek(name)
        if not isinstance(value, str):
            return None, None
        parts = value.strip("() ").replace(",", "x").split("x")
        width, height = (whole(parts[0]), whole(parts[1])) if len(parts) == 2 else (None, None)
        if width is None or height is None:
            return None, None
        self.take(name)
        return width, height

    def array(self, name: str) -> list[object]:
        """Take a list."""
        value = self.peek(name)
        if not isinstance(value, list):
            return []
        self.take(name)
        return value

    def table(self, name: str) -> dict[str, object]:
        """Take an object."""
        value = self.peek(name)
        if not isinstance(value, dict):
            return {}
        self.take(name)
        return value

    def inner(self, name: str) -> Parameters:
        """Take an object as parameters of its own."""
        return Parameters(self.table(name))

    def starting(self, *prefixes: str) -> Iterator[tuple[str, str | Number]]:
        """Take every scalar whose name starts with one of these, under the tool's own name."""
        for lowered in [name for name in self._names if name.startswith(prefixes)]:
            key = self._names[lowered]
            value = self._left.get(key)
            if isinstance(value, (str, int, float)):
                self.take(lowered)
                found = number(value)
                yield key, str(value) if found is None else found

    def rest(self) -> dict[str, object]:
        """What nobody took and is not empty, without bulk: the payload itself is kept as well."""
        left = ((k, v) for k, v in self._left.items() if v not in _EMPTY and _is_small(v))
        return dict(islice(left, _MAX_REST))


def _is_small(value: object) -> bool:
    text = json.dumps(value) if isinstance(value, (list, dict)) else str(value)
    return len(text) <= _MAX_REST_TEXT
