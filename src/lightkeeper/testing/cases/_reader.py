"""Reading what the store holds: the plainest reading of the ports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lightkeeper.cases import Member, Page
from lightkeeper.cases.audit import Event, Head, seal
from lightkeeper.cases.custody._retention import is_past_retention
from lightkeeper.cases.item import Item, ItemState, View
from lightkeeper.cases.record import UNDECIDED, Case, CaseState
from lightkeeper.cases.triage import CaseFilter, SavedQueue, Sort
from lightkeeper.testing.cases._selection import admits, position
from lightkeeper.testing.cases._webhooks import Webhooks

if TYPE_CHECKING:
    from lightkeeper.cases.decision import Decision
    from lightkeeper.reporting.outbox import Receipt, Submission, SubmissionState
    from lightkeeper.testing.cases._state import State

AUDIT_KEY = b"a key for tests, thirty-two bytes"
_BANDS = (
    ("under-1h", timedelta(hours=1)),
    ("1h-1d", timedelta(days=1)),
    ("1d-3d", timedelta(days=3)),
)


class Reader(Webhooks):
    """Implements :class:`lightkeeper.reporting.ReportReader` over one state."""

    def __init__(self, state: State) -> None:
        self._state = state

    # Cases and what they hold
    def case(self, case_id: str) -> Case | None:
        """One case."""
        return self._state.cases.get(case_id)

    def case_of_source(self, source: str, source_id: str) -> Case | None:
        """The case that a source has opened under its own identifier."""
        wanted = (source, source_id)
        cases = self._state.cases.values()
        return next((c for c in cases if (c.source, c.source_id) == wanted), None)

    def item(self, item_id: str) -> Item | None:
        """One item."""
        return self._state.items.get(item_id)

    def items(self, case_id: str) -> tuple[Item, ...]:
        """Of a case, in the order in which they came."""
        return tuple(item for item in self._state.items.values() if item.case == case_id)

    def items_of(self, case_ids: Collection[str]) -> tuple[Item, ...]:
        """Of many cases."""
        return tuple(item for item in self._state.items.values() if item.case in set(case_ids))

    def decisions(self, case_id: str) -> tuple[Decision, ...]:
        """Of a case, oldest first."""
        return tuple(d for d in self._state.decisions.values() if d.case == case_id)

    def decision(self, decision_id: str) -> Decision | None:
        """One decision."""
        return self._state.decisions.get(decision_id)

    def spread(self, decision_id: str) -> tuple[Decision, ...]:
        """Decisions that were spread from one."""
        return tuple(d for d in self._state.decisions.values() if d.spread_from == decision_id)

    # Views
    def views(self, item_id: str) -> tuple[View, ...]:
        """Of an item."""
        return self._views(v for v in self._state.views.values() if v.item == item_id)

    def case_views(self, case_id: str) -> tuple[View, ...]:
        """Of a case."""
        return self._views(v for v in self._state.views.values() if v.case == case_id)

    def view(self, view_id: str) -> View | None:
        """One view."""
        return self._state.views.get(view_id)

    def views_of(self, person: str, since: datetime) -> tuple[View, ...]:
        """By a person."""
        return self._views(view for view in self.views_since(since) if view.person == person)

    def views_since(self, since: datetime) -> Iterator[View]:
        """By anybody."""
        found = (view for view in self._state.views.values() if view.started >= since)
        return iter(self._views(found))

    def _views(self, views: Iterable[View]) -> tuple[View, ...]:
        return tuple(sorted(views, key=lambda view: view.started))

    # Queues
    def page(
        self,
        which: CaseFilter,
        *,
        sort: Sort,
        now: datetime,
        after: str | None = None,
        limit: int = 50,
    ) -> Page:
        """Part of a queue; continued after the last case of the part before."""
        cases = self._select(which, now, sort)
        if after is not None and (last := self.case(after)) is not None:
            cases = [case for case in cases if position(case, sort) > position(last, sort)]
        more = len(cases) > limit
        shown = tuple(cases[:limit])
        return Page(shown, shown[-1].id if more and shown else None)

    def count(self, which: CaseFilter, *, now: datetime, most: int = 10_000) -> int:
        """How many cases of a filter."""
        return min(len(self._select(which, now)), most)

    def counts(
        self, filters: Sequence[CaseFilter], *, now: datetime, most: int = 10_000
    ) -> tuple[int, ...]:
        """How many of each filter."""
        return tuple(self.count(which, now=now, most=most) for which in filters)

    def counts_by_arising(self, *, since: datetime) -> Mapping[str, int]:
        """Arrivals."""
        return Counter(c.arising.value for c in self._state.cases.values() if c.opened >= since)

    def opened_by_day(self, *, since: datetime) -> Mapping[tuple[str, str], int]:
        """Arrivals by day."""
        return Counter(
            (case.opened.date().isoformat(), case.arising.value)
            for case in self._state.cases.values()
            if case.opened >= since
        )

    def ages(self, *, now: datetime) -> Mapping[tuple[str, str], int]:
        """Undecided cases by queue and age."""
        waiting = (case for case in self._state.cases.values() if case.state in UNDECIDED)
        return Counter((case.queue, _band(now - case.opened)) for case in waiting)

    def items_waiting(self, limit: int) -> tuple[str, ...]:
        """Items not yet examined, the most urgent case first."""
        cases = self._state.cases
        waiting = [
            item
            for item in self._state.items.values()
            if item.state is ItemState.WAITING and cases[item.case].state is not CaseState.DESTROYED
        ]
        waiting.sort(key=lambda item: position(cases[item.case], Sort.RANK))
        return tuple(item.id for item in waiting[:limit])

    def _select(self, which: CaseFilter, now: datetime, sort: Sort = Sort.OLDEST) -> list[Case]:
        found = [case for case in self._state.cases.values() if admits(which, case, now)]
        return sorted(found, key=lambda case: position(case, sort))

    # Clusters
    def cluster(self, cluster_id: str) -> tuple[Item, ...]:
        """Members, oldest first."""
        found = [item for item in self._state.items.values() if item.cluster == cluster_id]
        return tuple(sorted(found, key=lambda item: item.added))

    def cluster_sizes(self, cluster_ids: Collection[str]) -> Mapping[str, int]:
        """How many members each has."""
        clusters = (item.cluster for item in self._state.items.values() if item.cluster)
        return Counter(cluster for cluster in clusters if cluster in cluster_ids)

    def cluster_cases(
        self, cluster_id: str, which: CaseFilter, *, now: datetime, limit: int
    ) -> tuple[str, ...]:
        """Cases of a filter with a member, oldest first."""
        holders = {item.case for item in self.cluster(cluster_id)}
        found = [case.id for case in self._select(which, now) if case.id in holders]
        return tuple(found[:limit])

    def cluster_decisions(
        self, cluster_id: str, which: CaseFilter, *, now: datetime, limit: int
    ) -> tuple[Decision, ...]:
        """Made in cases of a filter with a member, newest first."""
        cases = set(self.cluster_cases(cluster_id, which, now=now, limit=len(self._state.cases)))
        made = [d for d in self._state.decisions.values() if d.case in cases]
        return tuple([d for d in made if d.spread_from is None][::-1][:limit])

    def cluster_of_digest(self, sha256: str) -> str | None:
        """Cluster of exactly this content."""
        return next(
            (
                item.cluster
                for item in self._state.items.values()
                if item.media and item.media.sha256 == sha256 and item.cluster is not None
            ),
            None,
        )

    def cluster_of_key(self, likeness: str, key: str) -> str | None:
        """Cluster of the first item with this key."""
        return self._state.cluster_keys.get((likeness, key))

    def members_since(self, number: int) -> Iterator[tuple[int, Member]]:
        """Items with a PDQ hash, by running number."""
        for n, item_id in self._state.numbered.items():
            item = self._state.items[item_id]
            if n > number and item.media is not None and item.cluster is not None:
                pdq, quality = item.media.pdq, item.media.pdq_quality
                yield n, Member(item.id, item.case, item.cluster, pdq, quality)

    # Custody, personal settings, audit
    def due_for_destruction(self, now: datetime, limit: int) -> tuple[str, ...]:
        """Cases that need not be kept any longer."""
        due = [case.id for case in self._state.cases.values() if is_past_retention(case, now)]
        return tuple(due[:limit])

    def saved_queues(self, person: str) -> tuple[SavedQueue, ...]:
        """A person's own and those of all."""
        return tuple(q for q in self._state.queues.values() if q.owner in (None, person))

    def preferences(self, person: str) -> Mapping[str, str]:
        """Personal settings."""
        return dict(self._state.preferences.get(person, {}))

    def events(
        self, *, after: int = 0, case: str | None = None, limit: int | None = None
    ) -> Iterator[Event]:
        """The chain."""
        found = [
            event
            for event in self._state.events.values()
            if event.sequence > after and case in (None, event.case)
        ]
        return iter(found[:limit])

    def head(self) -> Head | None:
        """Where the chain ends."""
        events = self._state.events
        return seal(events[len(events)], AUDIT_KEY) if events else None

    # Submissions
    def submission(self, submission_id: str) -> Submission | None:
        """One submission."""
        return self._state.submissions.get(submission_id)

    def submissions(self, case_id: str) -> tuple[Submission, ...]:
        """Of a case, oldest first."""
        return tuple(s for s in self._state.submissions.values() if s.case == case_id)

    def submissions_in(
        self, states: frozenset[SubmissionState], *, limit: int = 100, troubled: bool = False
    ) -> tuple[Submission, ...]:
        """By state; those that change next come first, those without a time last."""
        found = [s for s in self._state.submissions.values() if s.state in states]
        found = [s for s in found if s.problem or not troubled]
        found.sort(key=lambda s: (s.next_attempt is None, s.next_attempt or s.prepared_at))
        return tuple(found[:limit])

    def receipts(self, submission_id: str) -> tuple[Receipt, ...]:
        """Answers, in the order of the requests."""
        return self._state.receipts.get(submission_id, ())


def _band(age: timedelta) -> str:
    return next((name for name, end in _BANDS if age < end), "over-3d")
