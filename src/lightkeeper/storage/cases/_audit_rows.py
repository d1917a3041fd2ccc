"""The audit. Events wait until the end of their transaction, so that its lock is held briefly."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select, update

from lightkeeper.cases.audit import Event, Head, extend
from lightkeeper.storage._rows import from_time, to_time
from lightkeeper.storage.cases._rows import Rows
from lightkeeper.storage.cases._tables_cases import case_event, case_head, case_item

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lightkeeper.cases.audit import EventDraft

_CHUNK: Final = 1000
_row = case_event.c


class AuditRows(Rows):
    """See :class:`lightkeeper.cases.CaseWriter`."""

    def append(self, drafts: Sequence[EventDraft]) -> None:
        """See the port."""
        self._drafts.extend(drafts)

    def head(self) -> Head | None:
        """See the port."""
        self.settle()
        row = self._connection.execute(select(case_head)).first()
        return Head(row.sequence, row.digest, row.mac) if row and row.sequence else None

    def events(
        self, *, after: int = 0, case: str | None = None, limit: int | None = None
    ) -> Iterator[Event]:
        """See the port."""
        self.settle()
        asked = select(case_event).order_by(_row.sequence)
        if case is not None:
            asked = asked.where(_row.case_id == case)
        while limit is None or limit > 0:
            size = _CHUNK if limit is None else min(limit, _CHUNK)
            rows = self._connection.execute(asked.where(_row.sequence > after).limit(size)).all()
            yield from map(_to_event, rows)
            if len(rows) < size:
                return
            after = rows[-1].sequence
            limit = None if limit is None else limit - size

    def settle(self) -> None:
        """Chain the events and number the members that wait for it; the last act of a writer."""
        if not self._drafts and not self._new_members:
            return
        head = self._connection.execute(select(case_head).with_for_update()).one()
        changes: dict[str, Any] = {"last_member": self._number_members(head.last_member)}
        if self._drafts:
            end = self._chain(Head(head.sequence, head.digest, head.mac))
            changes |= {"sequence": end.sequence, "digest": end.digest, "mac": end.mac}
        self._connection.execute(update(case_head).values(changes))

    def _chain(self, head: Head) -> Head:
        # A head that somebody has moved must not be followed: the next seal would hide it.
        events, end = extend(head if head.sequence else None, self._drafts, self._audit_key)
        self._drafts.clear()
        self._connection.execute(insert(case_event), [_values(event) for event in events])
        return end

    def _number_members(self, last: int) -> int:
        """In the order of commits, as whoever follows the numbers would else miss some."""
        if not self._new_members:
            return last
        new = (case_item.c.id.in_(self._new_members), case_item.c.member.is_(None))
        found = select(case_item.c.number).where(*new).order_by(case_item.c.number)
        for number in self._connection.scalars(found).all():
            last += 1
            numbered = update(case_item).where(case_item.c.number == number)
            self._connection.execute(numbered.values(member=last))
        self._new_members.clear()
        return last


def _values(event: Event) -> dict[str, Any]:
    return {
        "sequence": event.sequence,
        "at": to_time(event.at),
        "actor": event.actor,
        "action": event.action,
        "object": event.object,
        "case_id": event.case,
        "details": _written(event.details),
        "previous": event.previous,
        "digest": event.digest,
    }


def _to_event(row: Any) -> Event:
    """What stands there, altered or not: whoever verifies the chain has to see it."""
    return Event(
        sequence=row.sequence,
        at=_moment(row.at),
        actor=row.actor,
        action=row.action,
        object=row.object,
        case=row.case_id,
        details=_read(row.details),
        previous=row.previous,
        digest=row.digest,
    )


def _written(details: dict[str, str]) -> str:
    return json.dumps(details, separators=(",", ":"), ensure_ascii=False)


def _read(stored: str) -> dict[str, str]:
    # Another spelling of the same details is a change too.
    with suppress(ValueError, RecursionError):
        details: dict[str, str] = json.loads(stored)
        if _written(details) == stored:
            return details
    return {"altered": stored}


def _moment(stored: int) -> datetime:
    try:
        return from_time(stored)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)
