"""Cases in the order of a queue, a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, literal, select, tuple_, union_all

from lightkeeper.cases import Page
from lightkeeper.storage.cases._case_values import CASES
from lightkeeper.storage.cases._cursor import from_cursor, to_cursor
from lightkeeper.storage.cases._filters import conditions, free_for, states_of
from lightkeeper.storage.cases._rows import Rows
from lightkeeper.storage.cases._tables_cases import ORDERS, case_item, case_record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Select, Subquery

    from lightkeeper.cases.record import Case
    from lightkeeper.cases.triage import CaseFilter, Sort
    from lightkeeper.storage.cases._cursor import Place

_CANDIDATES = 64
"""How many cases are tried at once for somebody who asks for the next."""


class QueueRows(Rows):
    """See :class:`lightkeeper.cases.CaseWriter`."""

    def page(
        self,
        which: CaseFilter,
        *,
        sort: Sort,
        now: datetime,
        after: str | None = None,
        limit: int = 50,
    ) -> Page:
        """See the port."""
        place = None if after is None else from_cursor(sort, after)
        asked = conditions(which, now=now)
        places = self._places(which, asked, sort, place, limit + 1)
        shown = places[:limit]
        more = len(places) > limit and shown
        ids = [str(place[-1]) for place in shown]
        return Page(self._cases(ids), to_cursor(sort, shown[-1]) if more else None)

    def count(self, which: CaseFilter, *, now: datetime, most: int = 10_000) -> int:
        """See the port."""
        return self.counts([which], now=now, most=most)[0]

    def counts(
        self, filters: Sequence[CaseFilter], *, now: datetime, most: int = 10_000
    ) -> tuple[int, ...]:
        """See the port. One statement: the pages of a queue ask for five at a time."""
        counted = [
            select(func.count()).select_from(_some(which, now, most)).scalar_subquery()
            for which in filters
        ]
        return tuple(self._connection.execute(select(*counted)).one()) if counted else ()

    def next_unclaimed(
        self, which: CaseFilter, *, person: str, sort: Sort, now: datetime
    ) -> Case | None:
        """See the port. Cases that others are about to claim are passed over, not waited for."""
        asked = conditions(which, now=now) + free_for(person, now=now)
        columns = [case_record.c[name] for name in ORDERS[sort]]
        place: Place | None = None
        while places := self._places(which, asked, sort, place, _CANDIDATES):
            record = self._connection.scalar(
                select(case_record.c.record)
                .where(case_record.c.id.in_([place[-1] for place in places]))
                .where(case_record.c.state.in_(states_of(which)), *asked)
                .order_by(*columns)
                .limit(1)
                .with_for_update(key_share=True, skip_locked=True)
            )
            if record is not None:
                return self._loaded(record)
            place = places[-1]
        return None

    def cluster_cases(
        self, cluster_id: str, which: CaseFilter, *, now: datetime, limit: int
    ) -> tuple[str, ...]:
        """See the port."""
        members = select(case_item.c.case_id).where(case_item.c.cluster == cluster_id)
        found = (
            select(case_record.c.id)
            .where(case_record.c.id.in_(members), case_record.c.state.in_(states_of(which)))
            .where(*conditions(which, now=now))
            .order_by(case_record.c.opened, case_record.c.id)
            .limit(limit)
        )
        return tuple(self._connection.scalars(found))

    def _places(
        self,
        which: CaseFilter,
        asked: Sequence[ColumnElement[bool]],
        sort: Sort,
        after: Place | None,
        limit: int,
    ) -> list[Place]:
        """Places of the next cases: the first of each state, merged."""
        columns = [case_record.c[name] for name in ORDERS[sort]]
        wanted = select(*columns).where(*asked).order_by(*columns).limit(limit)
        if after is not None:
            bound = [literal(v, c.type) for v, c in zip(after, columns, strict=True)]
            wanted = wanted.where(tuple_(*columns) > tuple_(*bound))
        state: ColumnElement[str] = case_record.c.state
        if which.subject is not None or which.claimed_by is not None or which.past_retention:
            # Few cases are: without statistics SQLite would read a whole order to find them.
            state = state.concat("")
        parts = [wanted.where(state == name) for name in states_of(which)]
        if not parts:
            return []
        found: Select[Any] | Any = parts[0]
        if len(parts) > 1:
            found = union_all(*(select(part.subquery()) for part in parts))
        return sorted(tuple(row) for row in self._connection.execute(found))[:limit]

    def _cases(self, ids: Sequence[str]) -> tuple[Case, ...]:
        rows = self._connection.execute(
            select(case_record.c.id, case_record.c.record).where(case_record.c.id.in_(ids))
        )
        records = {row.id: row.record for row in rows}
        return tuple(CASES.load(records[case_id]) for case_id in ids)


def _some(which: CaseFilter, now: datetime, most: int) -> Subquery:
    of_states = case_record.c.state.in_(states_of(which))
    some = select(literal(1)).select_from(case_record)
    return some.where(of_states, *conditions(which, now=now)).limit(most).subquery()
