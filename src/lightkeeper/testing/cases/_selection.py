"""Which cases a filter lets through, and in which order they come."""

from __future__ import annotations

from datetime import datetime

from lightkeeper.cases.custody._retention import is_past_retention
from lightkeeper.cases.record import UNDECIDED, Case
from lightkeeper.cases.triage import CaseFilter, Sort


def admits(which: CaseFilter, case: Case, now: datetime) -> bool:
    """Whether a case is one of a filter's."""
    return _is_of_kind(which, case) and _is_at_hand(which, case, now)


def position(case: Case, sort: Sort) -> tuple[float, float, str]:
    """Where a case stands in an order; ties go to the older one, then to the identifier."""
    opened = case.opened.timestamp()
    first = {
        Sort.RANK: case.triage.rank,
        Sort.SCORE: -case.triage.score,
        Sort.OLDEST: opened,
        Sort.NEWEST: -opened,
        Sort.REPORTS: -case.times_reported,
        Sort.DUE: case.triage.due.timestamp(),
    }[sort]
    return first, opened, case.id


def is_claimed(case: Case, now: datetime) -> bool:
    """Whether a claim stands on it."""
    return case.claim is not None and case.claim.until > now


def _is_of_kind(which: CaseFilter, case: Case) -> bool:
    known = bool(case.outline.set_origins)
    return all(
        (
            which.queues is None or case.queue in which.queues,
            not which.states or case.state in which.states,
            not which.arising or case.arising in which.arising,
            not which.intake or case.intake in which.intake,
            not which.signals or bool(which.signals & case.signals),
            not which.origins or case.outline.origin in which.origins,
            which.known is None or which.known == known,
            which.subject_kind is None or case.subject.kind is which.subject_kind,
            which.subject is None or case.subject.identifier == which.subject,
        )
    )


def _is_at_hand(which: CaseFilter, case: Case, now: datetime) -> bool:
    claimed = is_claimed(case, now)
    claimant = case.claim.person if claimed and case.claim else None
    return all(
        (
            which.least_score is None or case.triage.score >= which.least_score,
            which.opened_before is None or case.opened < which.opened_before,
            which.claimed_by is None or claimant == which.claimed_by,
            not which.unclaimed or (not claimed and case.assigned is None),
            which.assigned is None or case.assigned == which.assigned,
            not which.overdue or (case.state in UNDECIDED and case.triage.due < now),
            not which.past_retention or is_past_retention(case, now),
        )
    )
