"""Reusing decisions: the one thing that happens to a case without a person, if an operator says so.

A person has decided about every near-duplicate in it before, in cases that arose in the same way,
no signal stands, nobody works on it, and nobody has decided about it or undone
a reuse: then the case moves on
as theirs did. It is never sent anywhere by that: a report waits for a person.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lightkeeper.cases.audit import Action, EventDraft
from lightkeeper.cases.decision import Confidence, Decision
from lightkeeper.cases.desk._bench import new_id
from lightkeeper.cases.desk._earlier import decided_before
from lightkeeper.cases.desk._labels import carried_over
from lightkeeper.cases.desk._outline import retriaged
from lightkeeper.cases.desk._standing import STRICTEST_FIRST, state_after
from lightkeeper.cases.item import ItemState
from lightkeeper.cases.people import SERVICE
from lightkeeper.cases.record import CaseState

if TYPE_CHECKING:
    from datetime import datetime

    from lightkeeper.cases._ports import CaseWriter
    from lightkeeper.cases.decision import ItemDecision
    from lightkeeper.cases.desk._requests import Rules
    from lightkeeper.cases.item import Item
    from lightkeeper.cases.record import Case

_SUREST_LAST = list(Confidence)


def moved_by_policy(writer: CaseWriter, case: Case, *, rules: Rules, now: datetime) -> Case:
    """The case after its items have changed: triaged anew, and moved on where all of the
    conditions above hold."""
    case = retriaged(writer, case, now=now)
    items = writer.items(case.id)
    examined = all(item.state is ItemState.EXAMINED for item in items)
    if not (rules.reuse_known_decisions and examined and _is_left_alone(writer, case, now)):
        return case
    earlier = decided_before(writer, case, items, now=now)
    if earlier is None:
        return case
    decision = _decision(case, items, earlier, now)
    writer.add_decision(decision)
    writer.append(
        [
            EventDraft(
                at=now,
                actor=SERVICE.id,
                action=Action.SPREAD,
                object=f"decision:{decision.id}",
                case=case.id,
                details={"from": decision.spread_from or "", "policy": "reuse-known-decisions"},
            )
        ]
    )
    return replace(case, state=state_after(decision.outcome), claim=None)


def _is_left_alone(writer: CaseWriter, case: Case, now: datetime) -> bool:
    claimed = case.claim is not None and case.claim.until > now
    if case.state is not CaseState.OPEN or case.signals or claimed or case.assigned is not None:
        return False
    return all(d.stands and d.person == SERVICE.id for d in writer.decisions(case.id))


def _decision(
    case: Case,
    items: tuple[Item, ...],
    earlier: dict[str, tuple[Decision, ItemDecision]],
    now: datetime,
) -> Decision:
    """The strictest outcome, the least confidence, and the newest decision as the source."""
    decisions = [decision for decision, _ in earlier.values()]
    newest = max(decisions, key=lambda decision: (decision.made, decision.id))
    parts = [carried_over(earlier[i.cluster][1], i) for i in items if i.cluster in earlier]
    sources = ", ".join(sorted({f"{d.id} of case {d.case}" for d in decisions}))
    return Decision(
        id=new_id(),
        case=case.id,
        person=SERVICE.id,
        made=now,
        outcome=min((d.outcome for d in decisions), key=STRICTEST_FIRST.index),
        confidence=min((d.confidence for d in decisions), key=_SUREST_LAST.index),
        items=tuple(parts),
        comment=f"Policy 'reuse-known-decisions': decided before, as {sources}.",
        spread_from=newest.id,
    )
