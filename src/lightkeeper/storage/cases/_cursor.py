"""Where a page of a queue ended, as text that nobody has to understand."""

from __future__ import annotations

import base64
import json
import math
from typing import TYPE_CHECKING

from lightkeeper.errors import CaseError

if TYPE_CHECKING:
    from lightkeeper.cases.triage import Sort

_MOST = 2**63
Place = tuple[float | int | str, ...]
"""The values of an order's columns."""


def to_cursor(sort: Sort, place: Place) -> str:
    """Text for a place in a queue of this order."""
    written = json.dumps([sort.value, *place], separators=(",", ":"))
    return base64.urlsafe_b64encode(written.encode()).decode().rstrip("=")


def from_cursor(sort: Sort, cursor: str) -> Place:
    """The place.

    Raises
    ------
    CaseError
        It is of another order, or was never given out.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        written = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        order, *numbers, case_id = written
        if order != sort.value or len(numbers) not in (1, 2) or not _is_place(numbers, case_id):
            raise ValueError(cursor)
    except (ValueError, TypeError, RecursionError):
        raise CaseError("this is no place in the queue", hint="begin at its first page") from None
    return (*numbers, case_id)


def _is_place(numbers: list[object], case_id: object) -> bool:
    if not isinstance(case_id, str) or "\0" in case_id or not case_id.isascii():
        return False
    return all(
        type(number) in (int, float) and math.isfinite(number) and abs(number) < _MOST  # type: ignore[arg-type]
        for number in numbers
    )
