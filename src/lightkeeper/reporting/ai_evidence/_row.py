"""Reading the row of a scan: our own keys, but values that a stranger wrote."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from lightkeeper.reporting.ai_evidence._block import Excerpt, Hash
from lightkeeper.scan._row import valid_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lightkeeper.reporting.ai_evidence._block import Scalar

LONGEST_NAME: Final = 160
_EXACT: Final = 2**53
"""Beyond this, readers that keep numbers as doubles would change them."""


def name(value: object) -> str | None:
    """A short text; cut where it is long."""
    if not isinstance(value, str) or not value:
        return None
    text = valid_text(value)
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"


def number(value: object) -> float | None:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, int) and abs(value) >= _EXACT:
        return None
    return float(value) if math.isfinite(value) else None


def count(value: object) -> int | None:
    """A whole number."""
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= _EXACT:
        return None
    return value


def scalar(value: object) -> Scalar | None:
    """A value as it was written; numbers that other readers would change become text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) >= _EXACT:
        # More digits than this say nothing, and Python refuses to write very many.
        return str(value) if value.bit_length() <= 256 else None
    if isinstance(value, (int, float)):
        return value if math.isfinite(value) else None
    return name(value)


def excerpt(value: object, longest: int) -> Excerpt | None:
    """The beginning of a text."""
    if not isinstance(value, str):
        return None
    return Excerpt(valid_text(value[:longest]), len(value))


def objects(value: object) -> Iterator[dict[str, Any]]:
    """The objects of a list, whatever it is."""
    if isinstance(value, list):
        yield from (each for each in value if isinstance(each, dict))


def hashes(value: Mapping[str, Any], key: str, most: int) -> tuple[Hash, ...]:
    """Hashes of a model."""
    found = (
        Hash(kind=name(h.get("kind")) or "unknown", value=name(h.get("value")) or "")
        for h in objects(value.get(key))
    )
    return tuple(found)[:most]
