"""Decisions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sqlalchemy import insert, select, update

from lightkeeper.cases.decision import Decision
from lightkeeper.errors import CaseError, CaseNotFound
from lightkeeper.storage.cases._encoding import Encoding
from lightkeeper.storage.cases._filters import conditions, states_of
from lightkeeper.storage.cases._rows import Rows
from lightkeeper.storage.cases._tables_cases import case_decision, case_item, case_record

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from lightkeeper.cases.triage import CaseFilter

_DECISIONS: Final = Encoding(Decision)
_row = case_decision.c


class DecisionRows(Rows):
    """See :class:`lightkeeper.cases.CaseWriter`."""

    def decision(self, decision_id: str) -> Decision | None:
        """See the port."""
        found = self._decisions(_row.id == decision_id)
        return found[0] if found else None

    def decisions(self, case_id: str) -> tuple[Decision, ...]:
        """See the port."""
        if case_id not in self._decisions_of:
            self._decisions_of[case_id] = self._decisions(_row.case_id == case_id)
        return self._decisions_of[case_id]

    def spread(self, decision_id: str) -> tuple[Decision, ...]:
        """See the port."""
        return self._decisions(_row.spread_from == decision_id)

    def cluster_decisions(
        self, cluster_id: str, which: CaseFilter, *, now: datetime, limit: int
    ) -> tuple[Decision, ...]:
        """See the port."""
        members = select(case_item.c.case_id).where(case_item.c.cluster == cluster_id)
        made = (
            select(_row.record)
            .join(case_record, case_record.c.id == _row.case_id)
            .where(_row.case_id.in_(members), _row.spread_from.is_(None))
            .where(case_record.c.state.in_(states_of(which)), *conditions(which, now=now))
            .order_by(_row.number.desc())
            .limit(limit)
        )
        return tuple(_DECISIONS.load(record) for record in self._connection.scalars(made))

    def add_decision(self, decision: Decision) -> None:
        """See the port."""
        values = {
            "id": decision.id,
            "case_id": decision.case,
            "spread_from": decision.spread_from,
            "record": _DECISIONS.dump(decision),
        }
        self._connection.execute(insert(case_decision).values(values))
        self._forget()

    def save_decision(self, decision: Decision) -> None:
        """See the port."""
        known = self.decision(decision.id)
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
        changed = update(case_decision).where(_row.id == decision.id)
        self._connection.execute(changed.values(record=_DECISIONS.dump(decision)))
        self._forget()

    def _decisions(self, which: ColumnElement[bool]) -> tuple[Decision, ...]:
        found = select(_row.record).where(which).order_by(_row.number)
        return tuple(_DECISIONS.load(record) for record in self._connection.scalars(found))
