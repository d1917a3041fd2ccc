"""Numbers as tools write them: an integer stays one, a float stays one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lightkeeper.evidence.metadata._record import Number

_MAX_DIGITS = 40
_NUMERIC = frozenset("0123456789+-.eE")


def number(value: object) -> Number | None:
    """A finite number, from a number or from its decimal text; ``None`` for anything else."""
    if isinstance(value, str):
        return _from_text(value.strip())
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if isinstance(value, int) or math.isfinite(value) else None


def whole(value: object) -> int | None:
    """A non-negative whole number that a picture's side or a count can be."""
    found = number(value)
    if found is None or found != int(found) or not 0 <= found <= 1 << 31:
        return None
    return int(found)


def _from_text(text: str) -> Number | None:
    if not text or len(text) > _MAX_DIGITS or not _NUMERIC.issuperset(text):
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None
