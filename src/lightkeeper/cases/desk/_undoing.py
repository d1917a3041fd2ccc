"""Taking decisions back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lightkeeper.cases.audit import Action
from lightkeeper.cases.desk._bench import DECIDED, Bench, not_found
from lightkeeper.cases.desk._outline import retriaged
from lightkeeper.cases.desk._returning import bring_back, decisions_alike
from lightkeeper.cases.desk._standing import outcome_of, state_after
from lightkeeper.cases.people import Actor, Permission
from lightkeeper.cases.record import UNDECIDED, Case, CaseState
from lightkeeper.errors import InvalidTransition, StaleCase

if TYPE_CHECKING:
    from lightkeeper.cases._ports import CaseReader, CaseWriter
    from lightkeeper.cases.decision import Decision


class UndoingDesk(Bench):
    """Undoes decisions, with all that was spread from them."""

    def undo(self, actor: Actor, decision_id: str, *, because: str) -> Case:
        """Undo a decision and all that was spread from it; not once a report has been sent.

        What other people's standing decisions say of the near-duplicates comes back in its place.
        A case to which it was spread, and whose report is on its way, keeps it: its reporter
        finds that in the audit.
        """
        actor.require(Permission.REVIEW)
        with self._store.writing() as writer:
            decision, case = self._reached(writer, actor, decision_id)
            involved = self._involved(writer, actor, case, decision)
            for other in sorted(involved):
                writer.lock_case(other)
            decision, case = self._reached(writer, actor, decision_id)
            if not self._involved(writer, actor, case, decision) <= involved:
                raise StaleCase(
                    "its near-duplicates have changed meanwhile; nothing was undone",
                    hint="Undo it once more.",
                )
            _check_undoable(actor, case, decision)
            self._undo_all(writer, actor, decision, because)
            return self._case(writer, actor, case.id, Permission.REVIEW)

    def _undo_all(self, writer: CaseWriter, actor: Actor, decision: Decision, because: str) -> None:
        copies = writer.spread(decision.id)
        kept = [c for c in copies if not self._undo_one(writer, actor, c, because)]
        self._undo_one(writer, actor, decision, because, kept=len(kept))
        # A person who takes a copy out of one case has looked at that case: nothing comes back.
        if decision.spread_from is None:
            cases = {copy.case for copy in copies if copy not in kept} | {decision.case}
            bring_back(writer, actor, decision, sorted(cases), now=self.now())

    def _reached(self, reader: CaseReader, actor: Actor, decision_id: str) -> tuple[Decision, Case]:
        decision = reader.decision(decision_id)
        if decision is None:
            raise not_found()
        return decision, self._case(reader, actor, decision.case, Permission.REVIEW)

    def _involved(
        self, reader: CaseReader, actor: Actor, case: Case, decision: Decision
    ) -> set[str]:
        """Cases that lose something by it, and those whose decisions may come back."""
        copies = {copy.case for copy in reader.spread(decision.id)}
        alike = decisions_alike(reader, actor, case, decision, now=self.now())
        return {case.id} | copies | {each.case for some in alike.values() for each in some}

    def _undo_one(
        self, writer: CaseWriter, actor: Actor, decision: Decision, because: str, kept: int = 0
    ) -> bool:
        """Undo it in its own case; false where that has been reported or destroyed."""
        case = writer.case(decision.case)
        if not decision.stands or case is None or case.state not in UNDECIDED | DECIDED:
            return False
        now = self.now()
        writer.save_decision(
            replace(decision, undone=now, undone_by=actor.id, undone_because=because)
        )
        writer.add_skip(case.id, decision.person, until=now)
        left = outcome_of(writer.items(case.id), writer.decisions(case.id))
        if decision.spread_from is None:
            case = replace(case, state=CaseState.OPEN, claim=None, assigned=None)
        elif left is None and case.state is not CaseState.OPEN:
            case = replace(case, state=CaseState.OPEN, claim=None)
        elif left is not None and case.state in DECIDED:
            case = replace(case, state=state_after(left))
        writer.save_case(retriaged(writer, case, now=now))
        details = {"because": because} | ({"kept-elsewhere": str(kept)} if kept else {})
        thing = f"decision:{decision.id}"
        writer.append([self._event(actor, Action.UNDONE, case, thing, **details)])
        return True


def _check_undoable(actor: Actor, case: Case, decision: Decision) -> None:
    if decision.person != actor.id:
        actor.require(Permission.LEAD, case.queue)
    if not decision.stands:
        raise InvalidTransition("this decision has been undone already")
    if case.state not in UNDECIDED | DECIDED:
        raise InvalidTransition("a report of this case is under way or was sent")
