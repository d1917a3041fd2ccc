"""Who looked at what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select, tuple_, update

from lightkeeper.cases.item import View, ViewMode
from lightkeeper.errors import CaseNotFound
from lightkeeper.storage._rows import from_time, to_time
from lightkeeper.storage.cases._rows import Rows
from lightkeeper.storage.cases._tables_cases import case_view

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import ColumnElement

_CHUNK: Final = 1000
_row = case_view.c


class ViewRows(Rows):
    """See :class:`lightkeeper.cases.CaseWriter`."""

    def view(self, view_id: str) -> View | None:
        """See the port."""
        found = self._views(_row.id == view_id)
        return found[0] if found else None

    def views(self, item_id: str) -> tuple[View, ...]:
        """See the port."""
        return self._views(_row.item_id == item_id)

    def case_views(self, case_id: str) -> tuple[View, ...]:
        """See the port."""
        return self._views(_row.case_id == case_id)

    def views_of(self, person: str, since: datetime) -> tuple[View, ...]:
        """See the port."""
        return self._views(_row.person == person, _row.started >= to_time(since))

    def views_since(self, since: datetime) -> Iterator[View]:
        """See the port."""
        place = (to_time(since), -1)
        while True:
            later = tuple_(_row.started, _row.number) > tuple_(*place)
            some = select(case_view).where(later).order_by(_row.started, _row.number)
            rows = self._connection.execute(some.limit(_CHUNK)).all()
            yield from map(_to_view, rows)
            if len(rows) < _CHUNK:
                return
            place = (rows[-1].started, rows[-1].number)

    def add_view(self, view: View) -> None:
        """See the port."""
        self._connection.execute(insert(case_view).values(_values(view)))

    def save_view(self, view: View) -> None:
        """See the port."""
        changed = update(case_view).where(_row.id == view.id).values(_values(view))
        if not self._connection.execute(changed).rowcount:
            raise CaseNotFound("there is no such view")

    def _views(self, *which: ColumnElement[bool]) -> tuple[View, ...]:
        found = select(case_view).where(*which).order_by(_row.started, _row.number)
        return tuple(_to_view(row) for row in self._connection.execute(found))


def _values(view: View) -> dict[str, Any]:
    return {
        "id": view.id,
        "item_id": view.item,
        "case_id": view.case,
        "person": view.person,
        "mode": view.mode.value,
        "started": to_time(view.started),
        "seconds": view.seconds,
        "entire": view.entire,
        "severity": view.severity,
    }


def _to_view(row: Any) -> View:
    return View(
        id=row.id,
        item=row.item_id,
        case=row.case_id,
        person=row.person,
        mode=ViewMode(row.mode),
        started=from_time(row.started),
        seconds=row.seconds,
        entire=row.entire,
        severity=row.severity,
    )
