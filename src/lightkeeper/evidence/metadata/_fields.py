"""Typed access to a parsed JSON object whose types nobody has promised."""

from __future__ import annotations

import json
import math
import re
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lightkeeper.evidence.metadata._record import Number

_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{0,30})?(e[+-]?\d{1,3})?", re.IGNORECASE)
_MAX_TEXT = 2_000
_MAX_REST = 128


class Fields:
    """One JSON object; remembers what was asked for, so that the rest can be kept."""

    def __init__(self, value: object) -> None:
        self._value: dict[str, object] = value if isinstance(value, dict) else {}
        self._read: set[str] = set()

    def text(self, *names: str) -> str | None:
        """First of these that is a text."""
        return next((v for v in self._values(names) if isinstance(v, str)), None)

    def number(self, *names: str) -> Number | None:
        """First of these that is a finite number, also where it was written as a text."""
        found = (_number(v) for v in self._values(names))
        return next((v for v in found if v is not None), None)

    def seed(self, *names: str) -> Number | str | None:
        """A number where it is one, otherwise the text."""
        found = self.number(*names)
        return self.text(*names) if found is None else found

    def side(self, name: str) -> int | None:
        """A positive whole number of pixels."""
        found = self.number(name)
        return int(found) if found is not None and found > 0 and found == int(found) else None

    def items(self, *names: str) -> list[object]:
        """First of these that is an array, empty where none is."""
        return next((v for v in self._values(names) if isinstance(v, list)), [])

    def inner(self, *names: str) -> Fields:
        """First of these that is an object, empty where none is."""
        return Fields(next((v for v in self._values(names) if isinstance(v, dict)), {}))

    def rest(self) -> dict[str, object]:
        """What nobody asked for, without empty values and without bulk."""
        left = (
            (name, value)
            for name, value in self._value.items()
            if name not in self._read and value not in (None, "", [], {}) and _is_small(value)
        )
        return dict(islice(left, _MAX_REST))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __contains__(self, name: str) -> bool:
        return name in self._value

    def _values(self, names: tuple[str, ...]) -> list[object]:
        self._read.update(names)
        return [self._value[n] for n in names if n in self._value]


def _number(value: object) -> Number | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        match = _NUMBER.fullmatch(value.strip()[:80])
        if not match:
            return None
        value = float(value) if match[1] or match[2] else int(value)
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return None


def _is_small(value: object) -> bool:
    text = json.dumps(value) if isinstance(value, (list, dict)) else str(value)
    return len(text) <= _MAX_TEXT
