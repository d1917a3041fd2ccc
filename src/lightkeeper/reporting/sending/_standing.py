"""Where the outbox stands, in numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from lightkeeper.reporting._ports import ReportStore
from lightkeeper.reporting.outbox import Submission, SubmissionState
from lightkeeper.reporting.sending._patience import Patience
from lightkeeper.reporting.sending._steps import deadline

UNFINISHED: Final = frozenset(
    {SubmissionState.DRAFT, SubmissionState.CONFIRMED, SubmissionState.DEAD}
)
SOON: Final = timedelta(hours=2)
"""A report that its receiver deletes within this time needs a person: the longest wait between two
attempts is one hour."""

_MOST: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Reports that are not finished. A dead one counts as dead alone."""

    drafts: int
    """To be confirmed by a person."""
    waiting: int
    """Confirmed, and not opened at the receiver yet."""
    unfinished: int
    """Opened at the receiver, which deletes it unless it is finished in time."""
    dead: int
    """Given up: a person has to look."""
    oldest: datetime | None
    """When the oldest of those that were confirmed was confirmed."""
    deadline: datetime | None
    """When the receiver deletes the first of them."""
    due: datetime | None
    """When the first of those that wait should have been opened."""

    def needs_person(self, now: datetime) -> bool:
        """Whether something stands still until a person acts, or will be lost soon."""
        late = self.deadline is not None and self.deadline - now < SOON
        return bool(self.drafts or self.dead or late or self.is_overdue(now))

    def is_overdue(self, now: datetime) -> bool:
        """No worker has run, or this is a restored backup: the next worker sets it aside."""
        return self.due is not None and self.due < now - Patience().overdue


def standing_of(store: ReportStore) -> Standing:
    """Where the outbox of a store stands; up to 1,000 reports are counted."""
    with store.reading() as unit:
        return standing(unit.submissions_in(UNFINISHED, limit=_MOST))


def standing(submissions: Iterable[Submission]) -> Standing:
    """Count submissions by what they wait for."""
    by_state: dict[SubmissionState, list[Submission]] = {state: [] for state in SubmissionState}
    for each in submissions:
        by_state[each.state].append(each)
    confirmed, dead = by_state[SubmissionState.CONFIRMED], by_state[SubmissionState.DEAD]
    opened = [each for each in confirmed if each.report_id is not None]
    due = [each.next_attempt for each in confirmed if each.report_id is None]
    begun = [each.confirmed_at for each in (*confirmed, *dead) if each.confirmed_at is not None]
    return Standing(
        drafts=len(by_state[SubmissionState.DRAFT]),
        waiting=len(confirmed) - len(opened),
        unfinished=len(opened),
        dead=len(dead),
        oldest=min(begun, default=None),
        due=min(filter(None, due), default=None),
        deadline=min(filter(None, map(expires, (*confirmed, *dead))), default=None),
    )


def expires(submission: Submission) -> datetime | None:
    """When the receiver deletes it; ``None`` where it holds nothing of it that could be."""
    return None if submission.report_id is None else deadline(submission)
