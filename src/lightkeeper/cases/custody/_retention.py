"""How long a case is kept, and what stands against its destruction."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from lightkeeper.cases.record import UNDECIDED, Case, CaseState

YEAR: Final = timedelta(days=366)
"""One year, whatever the calendar does.

References
----------
.. [1] 18 U.S.C. 2258A(h)(1): a report's contents are preserved for one year after submission.
"""

_UNDER_WAY: Final = frozenset({CaseState.TO_REPORT, CaseState.REPORTING})


def preserve_until(submitted: datetime, retention: timedelta = YEAR) -> datetime:
    """When a case that was reported may be destroyed at the earliest."""
    return submitted + retention


def is_past_retention(case: Case, now: datetime) -> bool:
    """Whether it need not be kept any longer, and is still there: a person decides about it."""
    if case.preserve_until is None or case.hold is not None:
        return False
    return case.state is not CaseState.DESTROYED and case.preserve_until <= now


def may_destroy(case: Case, *, now: datetime, lawful_request: bool) -> str | None:
    """Why a case may not be destroyed now; ``None`` where nothing stands against it.

    A hold and a report on its way stand against everything. The request of law enforcement (18
    U.S.C. 2258B(c)) goes before the time of preservation, and before an open review.
    """
    if case.state is CaseState.DESTROYED:
        return "its media and texts are gone already"
    if case.hold is not None:
        return "a legal hold stands on it"
    if case.state in _UNDER_WAY:
        return "a report of it is under way: finish or withdraw that first"
    if lawful_request:
        return None
    if case.state in UNDECIDED:
        return "nobody has decided about it yet"
    if case.state is CaseState.REPORTED and case.preserve_until is None:
        return "it was reported, and nobody knows how long it has to be kept"
    if case.preserve_until is not None and now < case.preserve_until:
        return f"it has to be kept until {case.preserve_until:%Y-%m-%d %H:%M} UTC"
    return None
