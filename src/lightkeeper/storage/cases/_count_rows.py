"""Cases, counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import case, func, select

from lightkeeper.cases.record import UNDECIDED, CaseState
from lightkeeper.storage._rows import DAY, HOUR, from_time, to_time
from lightkeeper.storage.cases._rows import Rows
from lightkeeper.storage.cases._tables_cases import case_record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_row = case_record.c


class CountRows(Rows):
    """See :class:`lightkeeper.cases.CaseReader`."""

    def counts_by_arising(self, *, since: datetime) -> Mapping[str, int]:
        """See the port."""
        counted = (
            select(_row.arising, func.count())
            .where(_row.opened >= to_time(since))
            .group_by(_row.arising)
        )
        rows: Any = self._connection.execute(counted)
        return dict(rows.all())

    def opened_by_day(self, *, since: datetime) -> Mapping[tuple[str, str], int]:
        """See the port."""
        day = (_row.opened // DAY).label("day")
        counted = (
            select(day, _row.arising, func.count())
            .where(_row.opened >= to_time(since))
            .group_by(day, _row.arising)
        )
        return {
            (from_time(day * DAY).date().isoformat(), arising): number
            for day, arising, number in self._connection.execute(counted)
        }

    def ages(self, *, now: datetime) -> Mapping[tuple[str, str], int]:
        """See the port."""
        age = to_time(now) - _row.opened
        band = case(
            (age < HOUR, "under-1h"),
            (age < DAY, "1h-1d"),
            (age < 3 * DAY, "1d-3d"),
            else_="over-3d",
        ).label("band")
        counted = (
            select(_row.queue, band, func.count())
            .where(_row.state.in_(sorted(state.value for state in UNDECIDED)))
            .group_by(_row.queue, band)
        )
        rows: Any = self._connection.execute(counted)
        return {(queue, band): number for queue, band, number in rows}

    def due_for_destruction(self, now: datetime, limit: int) -> tuple[str, ...]:
        """See the port."""
        due = (
            select(_row.id)
            .where(_row.preserve_until <= to_time(now), ~_row.held)
            .where(_row.state != CaseState.DESTROYED.value)
            .order_by(_row.preserve_until, _row.id)
            .limit(limit)
        )
        return tuple(self._connection.scalars(due))
