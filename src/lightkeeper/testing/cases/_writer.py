"""Writing into a copy of what the store holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lightkeeper.cases.audit import GENESIS, EventDraft, link
from lightkeeper.errors import CaseError, CaseNotFound, InvalidTransition, StaleCase
from lightkeeper.reporting.outbox import Receipt, Submission, SubmissionState
from lightkeeper.testing.cases._reader import Reader
from lightkeeper.testing.cases._selection import is_claimed

if TYPE_CHECKING:
    from lightkeeper.cases.decision import Decision
    from lightkeeper.cases.item import Item, View
    from lightkeeper.cases.record import Case
    from lightkeeper.cases.triage import CaseFilter, SavedQueue, Sort

_LIVE = frozenset(
    {
        SubmissionState.DRAFT,
        SubmissionState.CONFIRMED,
        SubmissionState.FINISHED,
        SubmissionState.DEAD,
    }
)


class Writer(Reader):
    """Implements :class:`lightkeeper.reporting.ReportWriter`."""

    def add_case(self, case: Case) -> None:
        """A new case; a source's own identifier is used once."""
        taken = case.source_id is not None and self.case_of_source(case.source, case.source_id)
        if case.id in self._state.cases or taken:
            raise CaseError("this case is there already")
        self._state.cases[case.id] = case

    def save_case(self, case: Case) -> Case:
        """Replace the case of the same version."""
        known = self._state.cases.get(case.id)
        if known is None:
            raise CaseNotFound("there is no such case")
        if known.version != case.version:
            raise StaleCase("somebody else has changed the case in between")
        saved = replace(case, version=case.version + 1)
        self._state.cases[case.id] = saved
        return saved

    def lock_case(self, case_id: str) -> Case | None:
        """One writes at a time here, so every case is locked."""
        return self.case(case_id)

    def next_unclaimed(
        self, which: CaseFilter, *, person: str, sort: Sort, now: datetime
    ) -> Case | None:
        """First of a queue that is free for a person."""
        free = (
            case
            for case in self._select(which, now, sort)
            if not is_claimed(case, now)
            and case.assigned in (None, person)
            and self._state.skips.get((case.id, person), now) <= now
        )
        return next(free, None)

    def add_skip(self, case_id: str, person: str, *, until: datetime) -> None:
        """Do not give a case to a person before; the last word counts."""
        self._state.skips[case_id, person] = until

    def add_item(self, item: Item, *, cluster_key: str | None = None) -> None:
        """A new item of a case that is there."""
        if item.id in self._state.items or item.case not in self._state.cases:
            raise CaseError("this item is there already, or its case is not")
        self._keep_item(item, cluster_key)

    def save_item(self, item: Item, *, cluster_key: str | None = None) -> None:
        """Replace an item."""
        if item.id not in self._state.items:
            raise CaseNotFound("there is no such item")
        self._keep_item(item, cluster_key)

    def _keep_item(self, item: Item, cluster_key: str | None) -> None:
        self._state.items[item.id] = item
        if cluster_key is not None and item.cluster is not None and item.likeness is not None:
            self._state.cluster_keys.setdefault((item.likeness, cluster_key), item.cluster)
        numbered = self._state.numbered
        joins = item.media is not None and item.media.pdq is not None and item.cluster is not None
        if joins and item.id not in numbered.values():
            numbered[len(numbered) + 1] = item.id

    def add_decision(self, decision: Decision) -> None:
        """A new decision."""
        if decision.id in self._state.decisions:
            raise CaseError("this decision is there already")
        self._state.decisions[decision.id] = decision

    def save_decision(self, decision: Decision) -> None:
        """Undo a decision."""
        known = self._state.decisions.get(decision.id)
        if known is None:
            raise CaseNotFound("there is no such decision")
        undone = replace(
            known,
            undone=decision.undone,
            undone_by=decision.undone_by,
            undone_because=decision.undone_because,
        )
        if undone != decision:
            raise CaseError("a decision is undone, never changed")
        self._state.decisions[decision.id] = decision

    def add_view(self, view: View) -> None:
        """A new view."""
        self._state.views[view.id] = view

    def save_view(self, view: View) -> None:
        """Replace a view."""
        if view.id not in self._state.views:
            raise CaseNotFound("there is no such view")
        self._state.views[view.id] = view

    def save_queue(self, queue: SavedQueue) -> None:
        """Keep a filter under a name."""
        self._state.queues[queue.id] = queue

    def drop_queue(self, queue_id: str) -> None:
        """Forget it."""
        self._state.queues.pop(queue_id, None)

    def save_preferences(self, person: str, values: Mapping[str, str]) -> None:
        """Replace all of a person's settings."""
        self._state.preferences[person] = dict(values)

    def append(self, drafts: Sequence[EventDraft]) -> None:
        """Chain events."""
        events = self._state.events
        for draft in drafts:
            previous = events[len(events)].digest if events else GENESIS
            events[len(events) + 1] = link(previous, len(events) + 1, draft)

    # Submissions
    def add_submission(self, submission: Submission) -> None:
        """A new submission, where none of the case is live."""
        others = self.submissions(submission.case)
        if submission.state in _LIVE and any(other.state in _LIVE for other in others):
            raise InvalidTransition("there is a report of this case already")
        self._state.submissions[submission.id] = submission

    def save_submission(self, submission: Submission) -> Submission:
        """Replace the submission of the same version."""
        known = self._state.submissions.get(submission.id)
        if known is None or known.version != submission.version:
            raise StaleCase("somebody else has changed the report in between")
        saved = replace(submission, version=submission.version + 1)
        self._state.submissions[submission.id] = saved
        return saved

    def add_receipt(self, submission_id: str, receipt: Receipt) -> None:
        """Keep an answer."""
        before = self._state.receipts.get(submission_id, ())
        self._state.receipts[submission_id] = (*before, receipt)

    def lease_submission(self, *, now: datetime, lasts: timedelta) -> Submission | None:
        """The next submission to send."""
        for submission in self.submissions_in(
            frozenset({SubmissionState.CONFIRMED}), limit=len(self._state.submissions)
        ):
            if submission.next_attempt is not None and submission.next_attempt <= now:
                return self.save_submission(replace(submission, next_attempt=now + lasts))
        return None
