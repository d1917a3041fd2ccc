"""What a person keeps: queues, settings, and cases not to be given next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, or_, select

from lightkeeper.cases.triage import SavedQueue
from lightkeeper.storage._rows import to_time
from lightkeeper.storage.cases._encoding import Encoding
from lightkeeper.storage.cases._rows import Rows
from lightkeeper.storage.cases._tables_cases import case_preference, case_queue, case_skip

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Table

_QUEUES: Final = Encoding(SavedQueue)
_PREFERENCES: Final = Encoding(dict[str, str])


class PersonalRows(Rows):
    """See :class:`lightkeeper.cases.CaseWriter`."""

    def saved_queues(self, person: str) -> tuple[SavedQueue, ...]:
        """See the port."""
        own = or_(case_queue.c.owner.is_(None), case_queue.c.owner == person)
        found = select(case_queue.c.record).where(own).order_by(case_queue.c.name, case_queue.c.id)
        return tuple(_QUEUES.load(record) for record in self._connection.scalars(found))

    def save_queue(self, queue: SavedQueue) -> None:
        """See the port."""
        record = _QUEUES.dump(queue)
        self._put(case_queue, id=queue.id, name=queue.name, owner=queue.owner, record=record)

    def drop_queue(self, queue_id: str) -> None:
        """See the port."""
        self._connection.execute(delete(case_queue).where(case_queue.c.id == queue_id))

    def preferences(self, person: str) -> Mapping[str, str]:
        """See the port."""
        asked = select(case_preference.c.record).where(case_preference.c.person == person)
        record = self._connection.scalar(asked)
        return {} if record is None else _PREFERENCES.load(record)

    def save_preferences(self, person: str, values: Mapping[str, str]) -> None:
        """See the port."""
        self._put(case_preference, person=person, record=_PREFERENCES.dump(dict(values)))

    def add_skip(self, case_id: str, person: str, *, until: datetime) -> None:
        """See the port."""
        self._put(case_skip, case_id=case_id, person=person, until=to_time(until))

    def _put(self, table: Table, **values: Any) -> None:
        """Add a row, or replace the one with the same key."""
        keys = [column.name for column in table.primary_key]
        changed = {name: value for name, value in values.items() if name not in keys}
        added = self._upsert(table).values(values)
        self._connection.execute(added.on_conflict_do_update(index_elements=keys, set_=changed))
