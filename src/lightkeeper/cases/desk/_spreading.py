"""One decision for all near-duplicates.

A decision reaches the members of its items' clusters in other open cases that arose in the same
way and lie in queues where the person may decide. It never spreads between different ways of
arising, and never over what a person has decided about a case itself. Where it would say once more
what stands there already, the case stays as it is: whoever works on it would else have to look
again at every decision about its like, and might never get to decide. Once the decision is undone
that had been first to say it, the others come back in its place.
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
    from collections.abc import Mapping, Sequence
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
    parts = parts_by_cluster(writer, decision)
    for case_id in others:
        case = writer.lock_case(case_id)
        if case is not None and case.state is CaseState.OPEN:
            _spread_to(writer, case, decision, parts, now)


def parts_by_cluster(reader: CaseReader, decision: Decision) -> dict[str, ItemDecision]:
    """What a decision says of each cluster: of an item that was really looked at, if it can be."""
    clusters = {item.id: item.cluster for item in reader.items(decision.case)}
    parts: dict[str, ItemDecision] = {}
    for part in sorted(decision.items, key=lambda part: part.spread_from is not None):
        cluster = clusters.get(part.item)
        if cluster is not None:
            parts.setdefault(cluster, part)
    return parts


def copy_for(
    reader: CaseReader,
    case: Case,
    decision: Decision,
    parts: Mapping[str, ItemDecision],
    now: datetime,
) -> Decision | None:
    """A decision as it reaches another case; ``None`` where it reaches nothing in it."""
    named = by_item(reader.decisions(case.id))
    own = {item for item, (known, _) in named.items() if known.spread_from is None}
    reached = [
        item for item in reader.items(case.id) if item.cluster in parts and item.id not in own
    ]
    if not reached:
        return None
    return Decision(
        id=new_id(),
        case=case.id,
        person=decision.person,
        made=now,
        outcome=decision.outcome,
        confidence=decision.confidence,
        items=tuple(carried_over(parts[item.cluster or ""], item) for item in reached),
        spread_from=decision.id,
    )


def is_news(copy: Decision, before: Sequence[Decision]) -> bool:
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


def moved_on(
    case: Case, items: Sequence[Item], decisions: Sequence[Decision], person: str, now: datetime
) -> Case:
    """The case after what a person has done elsewhere; as it was, where something stands
    against moving on."""
    claim = case.claim
    claimed = claim is not None and claim.until > now and claim.person != person
    outcome = outcome_of(items, decisions)
    if outcome is None or case.signals or claimed or case.assigned not in (None, person):
        return case
    return replace(case, state=state_after(outcome), claim=None, assigned=None)


def keep_copy(
    writer: CaseWriter, case: Case, copy: Decision, *, by: str, now: datetime, **details: str
) -> None:
    """Write a copy into the case that it reaches, which has moved on, with its trace."""
    writer.add_decision(copy)
    writer.save_case(case)
    writer.append(
        [
            EventDraft(
                at=now,
                actor=by,
                action=Action.SPREAD,
                object=f"decision:{copy.id}",
                case=case.id,
                details={"from": copy.spread_from or "", "state": case.state.value, **details},
            )
        ]
    )


def _spread_to(
    writer: CaseWriter,
    case: Case,
    decision: Decision,
    parts: Mapping[str, ItemDecision],
    now: datetime,
) -> None:
    copy = copy_for(writer, case, decision, parts, now)
    if copy is None:
        return
    before = writer.decisions(case.id)
    moved = moved_on(case, writer.items(case.id), (*before, copy), decision.person, now)
    if moved.state is not case.state or is_news(copy, before):
        keep_copy(writer, moved, copy, by=decision.person, now=now)


def _values(part: ItemDecision) -> list[object]:
    return [getattr(part.labels, field.name).value for field in fields(part.labels)]
