"""One decision for all near-duplicates.

A decision reaches the members of its items' clusters in other open cases that arose in the same
way and lie in queues where the person may decide. It never spreads between different ways of
arising, and never over what a person has decided about a case itself. Where it would say once more
what stands there already, the case stays as it is: whoever works on it would else have to look
again at every decision about its like, and might never get to decide.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

from lightkeeper.cases.audit import Action, EventDraft
from lightkeeper.cases.decision import Decision
from lightkeeper.cases.desk._bench import new_id
from lightkeeper.cases.desk._labels import carried_over
from lightkeeper.cases.desk._standing import by_item, outcome_of, state_after
from lightkeeper.cases.record import CaseState
from lightkeeper.cases.triage import CaseFilter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from lightkeeper.cases._ports import CaseReader, CaseWriter
    from lightkeeper.cases.decision import ItemDecision
    from lightkeeper.cases.item import Item
    from lightkeeper.cases.people import Actor
    from lightkeeper.cases.record import Case

_MOST_CASES = 500
"""Reached by one decision; the rest stay open and are shown with the earlier decision."""


def relatives(reader: CaseReader, actor: Actor, case: Case, *, now: datetime) -> list[str]:
    """Open cases that a decision about this one would reach, by identifier.

    They are locked in this order, and so no two decisions wait for each other.
    """
    which = CaseFilter(
        queues=actor.queues,
        states=frozenset({CaseState.OPEN}),
        arising=frozenset({case.arising}),
    )
    found: set[str] = set()
    for cluster in sorted({item.cluster for item in reader.items(case.id) if item.cluster}):
        left = _MOST_CASES - len(found)
        if left > 0:
            found.update(reader.cluster_cases(cluster, which, now=now, limit=left))
    return sorted(found - {case.id})


def spread(writer: CaseWriter, decision: Decision, others: Sequence[str], *, now: datetime) -> None:
    """Write a decision's labels to its near-duplicates in other cases.

    Such a case moves on only when everything in it is decided, no signal stands, and nobody has
    claimed it or had it handed over.
    """
    clusters = {item.id: item.cluster for item in writer.items(decision.case)}
    parts: dict[str, ItemDecision] = {}
    for part in sorted(decision.items, key=lambda part: part.spread_from is not None):
        cluster = clusters.get(part.item)
        if cluster is not None:
            parts.setdefault(cluster, part)
    for case_id in others:
        case = writer.lock_case(case_id)
        if case is not None and case.state is CaseState.OPEN:
            _spread_to(writer, case, decision, parts, now)


def _spread_to(
    writer: CaseWriter,
    case: Case,
    decision: Decision,
    parts: dict[str, ItemDecision],
    now: datetime,
) -> None:
    items, before = writer.items(case.id), writer.decisions(case.id)
    reached = _reached(items, before, parts)
    if not reached:
        return
    copy = Decision(
        id=new_id(),
        case=case.id,
        person=decision.person,
        made=now,
        outcome=decision.outcome,
        confidence=decision.confidence,
        items=tuple(carried_over(parts[item.cluster or ""], item) for item in reached),
        spread_from=decision.id,
    )
    moved = _moved(case, items, (*before, copy), decision.person, now)
    if moved.state is case.state and not _is_news(copy, before):
        return
    writer.add_decision(copy)
    writer.save_case(moved)
    writer.append(
        [
            EventDraft(
                at=now,
                actor=decision.person,
                action=Action.SPREAD,
                object=f"decision:{copy.id}",
                case=case.id,
                details={"from": decision.id, "state": moved.state.value},
            )
        ]
    )


def _reached(
    items: Sequence[Item], before: Sequence[Decision], parts: dict[str, ItemDecision]
) -> list[Item]:
    named = by_item(before)
    own = {item for item, (decision, _) in named.items() if decision.spread_from is None}
    return [item for item in items if item.cluster in parts and item.id not in own]


def _is_news(copy: Decision, before: Sequence[Decision]) -> bool:
    """Whether it says more than what stands, whoever has said it and however surely."""
    named = by_item(before)
    for part in copy.items:
        if part.item not in named:
            return True
        decision, known = named[part.item]
        same = _values(known) == _values(part) and known.annotations == part.annotations
        if decision.outcome is not copy.outcome or not same:
            return True
    return False


def _values(part: ItemDecision) -> list[object]:
    return [getattr(part.labels, field.name).value for field in fields(part.labels)]


def _moved(
    case: Case, items: Sequence[Item], decisions: Sequence[Decision], person: str, now: datetime
) -> Case:
    claim = case.claim
    claimed = claim is not None and claim.until > now and claim.person != person
    outcome = outcome_of(items, decisions)
    if outcome is None or case.signals or claimed or case.assigned not in (None, person):
        return case
    return replace(case, state=state_after(outcome), claim=None, assigned=None)
