"""What the cases need from the outside; implemented in ``storage``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from lightkeeper.cases.audit import Event, EventDraft, Head
    from lightkeeper.cases.decision import Decision
    from lightkeeper.cases.item import Item, View
    from lightkeeper.cases.record import Case
    from lightkeeper.cases.triage import CaseFilter, SavedQueue, Sort


class Clock(Protocol):
    """Now, in UTC."""

    def __call__(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a queue. ``next`` continues it; ``None`` at its end."""

    cases: tuple[Case, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Member:
    """An item of a cluster, with what is needed to join others to it."""

    item: str
    case: str
    cluster: str
    pdq: str | None
    pdq_quality: int | None


class CaseReader(Protocol):
    """One consistent view of all cases."""

    def case(self, case_id: str) -> Case | None: ...

    def case_of_source(self, source: str, source_id: str) -> Case | None: ...

    def item(self, item_id: str) -> Item | None: ...

    def items(self, case_id: str) -> tuple[Item, ...]:
        """In the order in which they came."""

    def items_of(self, case_ids: Collection[str]) -> tuple[Item, ...]:
        """Items of many cases, asked for at once; those of a case in their order."""

    def decisions(self, case_id: str) -> tuple[Decision, ...]:
        """Oldest first, undone ones too."""

    def decision(self, decision_id: str) -> Decision | None: ...

    def spread(self, decision_id: str) -> tuple[Decision, ...]:
        """Decisions of other cases that were spread from this one."""

    def views(self, item_id: str) -> tuple[View, ...]: ...

    def case_views(self, case_id: str) -> tuple[View, ...]:
        """Who looked at any item of a case, oldest first."""

    def view(self, view_id: str) -> View | None: ...

    def views_of(self, person: str, since: datetime) -> tuple[View, ...]:
        """What a person looked at, oldest first."""

    def views_since(self, since: datetime) -> Iterator[View]: ...

    def page(
        self,
        which: CaseFilter,
        *,
        sort: Sort,
        now: datetime,
        after: str | None = None,
        limit: int = 50,
    ) -> Page:
        """Part of a queue, in milliseconds whatever its length."""

    def count(self, which: CaseFilter, *, now: datetime, most: int = 10_000) -> int:
        """How many cases, counted up to ``most``."""

    def counts(
        self, filters: Sequence[CaseFilter], *, now: datetime, most: int = 10_000
    ) -> tuple[int, ...]:
        """How many of each filter."""

    def counts_by_arising(self, *, since: datetime) -> Mapping[str, int]:
        """Arrivals, each kind apart."""

    def opened_by_day(self, *, since: datetime) -> Mapping[tuple[str, str], int]:
        """Arrivals by (ISO date, arising)."""

    def ages(self, *, now: datetime) -> Mapping[tuple[str, str], int]:
        """Open cases by (queue, age band): ``under-1h``, ``1h-1d``, ``1d-3d``, ``over-3d``."""

    def items_waiting(self, limit: int) -> tuple[str, ...]:
        """Identifiers of items not yet examined, the most urgent case first."""

    def cluster(self, cluster_id: str) -> tuple[Item, ...]:
        """Members of a cluster, of any case, oldest first."""

    def cluster_sizes(self, cluster_ids: Collection[str]) -> Mapping[str, int]:
        """How many members each cluster has."""

    def cluster_cases(
        self, cluster_id: str, which: CaseFilter, *, now: datetime, limit: int
    ) -> tuple[str, ...]:
        """Identifiers of the cases of a filter that hold a member, oldest case first."""

    def cluster_decisions(
        self, cluster_id: str, which: CaseFilter, *, now: datetime, limit: int
    ) -> tuple[Decision, ...]:
        """Decisions about the cases of a filter that hold a member, but those that were spread;
        undone ones too, newest first."""

    def cluster_of_digest(self, sha256: str) -> str | None:
        """Cluster of an item with exactly this content."""

    def cluster_of_key(self, likeness: str, key: str) -> str | None:
        """Cluster of the first item that was kept with this ``cluster_key`` and this likeness."""

    def members_since(self, number: int) -> Iterator[tuple[int, Member]]:
        """Items with a PDQ hash that came after a running number: feeds an index in memory.

        An item gets its number when it is first kept with a PDQ hash and a cluster.
        """

    def due_for_destruction(self, now: datetime, limit: int) -> tuple[str, ...]:
        """Cases whose time of preservation has passed and on which no hold stands."""

    def saved_queues(self, person: str) -> tuple[SavedQueue, ...]: ...

    def preferences(self, person: str) -> Mapping[str, str]: ...

    def events(
        self, *, after: int = 0, case: str | None = None, limit: int | None = None
    ) -> Iterator[Event]: ...

    def head(self) -> Head | None: ...


class CaseWriter(CaseReader, Protocol):
    """A transaction: all of it is durable at its end, or nothing happened."""

    def add_case(self, case: Case) -> None: ...

    def save_case(self, case: Case) -> Case:
        """Replace the case of the same version; returned with the next one.

        Raises
        ------
        StaleCase
            Somebody else has changed it in between.
        """

    def lock_case(self, case_id: str) -> Case | None:
        """Like ``case``; nobody else changes it until the transaction ends."""

    def next_unclaimed(
        self, which: CaseFilter, *, person: str, sort: Sort, now: datetime
    ) -> Case | None:
        """First of a queue that nobody has claimed or is about to, locked.

        It is handed over to nobody but ``person``, who has not skipped it.
        """

    def add_skip(self, case_id: str, person: str, *, until: datetime) -> None:
        """``next_unclaimed`` does not give the case to the person before; the last word counts."""

    def add_item(self, item: Item, *, cluster_key: str | None = None) -> None:
        """``cluster_key``, with the item's likeness, is what ``cluster_of_key`` looks for."""

    def save_item(self, item: Item, *, cluster_key: str | None = None) -> None:
        """Replace an item; without a ``cluster_key`` the one that it has stays."""

    def add_decision(self, decision: Decision) -> None: ...

    def save_decision(self, decision: Decision) -> None:
        """Only the fields of being undone may differ."""

    def add_view(self, view: View) -> None: ...

    def save_view(self, view: View) -> None: ...

    def save_queue(self, queue: SavedQueue) -> None: ...

    def drop_queue(self, queue_id: str) -> None: ...

    def save_preferences(self, person: str, values: Mapping[str, str]) -> None: ...

    def append(self, drafts: Sequence[EventDraft]) -> None:
        """Chain events in this transaction (:mod:`lightkeeper.cases.audit`)."""


class CaseStore(Protocol):
    """Cases, for any number of threads and processes."""

    def reading(self) -> AbstractContextManager[CaseReader]: ...

    def writing(self) -> AbstractContextManager[CaseWriter]: ...
