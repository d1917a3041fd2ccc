"""Cases, one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from lightkeeper.cases.record import CaseState
from lightkeeper.errors import CaseNotFound, StaleCase
from lightkeeper.storage.cases._case_values import case_values, source_digest
from lightkeeper.storage.cases._rows import Rows
from lightkeeper.storage.cases._tables_cases import case_item, case_record

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from lightkeeper.cases.record import Case


class CaseRows(Rows):
    """See :class:`lightkeeper.cases.CaseWriter`."""

    def case(self, case_id: str) -> Case | None:
        """See the port."""
        return self._one_case(case_record.c.id == case_id)

    def case_of_source(self, source: str, source_id: str) -> Case | None:
        """See the port."""
        return self._one_case(case_record.c.source_digest == source_digest(source, source_id))

    def lock_case(self, case_id: str) -> Case | None:
        """See the port. Whoever locks several locks them by their identifiers' order."""
        return self._one_case(case_record.c.id == case_id, lock=True)

    def add_case(self, case: Case) -> None:
        """See the port.

        Raises
        ------
        StaleCase
            Somebody else has opened it in between.
        """
        try:
            self._connection.execute(insert(case_record).values(case_values(case)))
        except IntegrityError:
            raise StaleCase("somebody else has opened the case in between") from None

    def save_case(self, case: Case) -> Case:
        """See the port."""
        saved = replace(case, version=case.version + 1)
        same = (case_record.c.id == case.id, case_record.c.version == case.version)
        changed = update(case_record).where(*same).values(case_values(saved))
        if not self._connection.execute(changed).rowcount:
            if self.case(case.id) is None:
                raise CaseNotFound("there is no such case")
            raise StaleCase("somebody else has changed the case in between")
        self._move_items(case)
        return saved

    def _move_items(self, case: Case) -> None:
        """Items wait at the rank of their case, and not at all once it is destroyed."""
        kept = case.state is not CaseState.DESTROYED
        if kept and self._ranks.get(case.id) == (case.version, case.triage.rank):
            return
        rank = None if case.state is CaseState.DESTROYED else case.triage.rank
        waits = case_item.c.waiting_rank
        moved = update(case_item).where(case_item.c.case_id == case.id)
        moved = moved.where(waits.is_not(None) if rank is None else waits != rank)
        self._connection.execute(moved.values(waiting_rank=rank))

    def _one_case(self, which: ColumnElement[bool], *, lock: bool = False) -> Case | None:
        asked = select(case_record.c.record).where(which)
        if lock:
            # Without "no key", items could not be added to the case meanwhile.
            asked = asked.with_for_update(key_share=True)
            self._forget()
        record = self._connection.scalar(asked)
        return None if record is None else self._loaded(record)
