"""What comes back where a decision was undone.

A near-duplicate may owe its labels to one of several decisions that said the same, or to the newest
of several that said different things. When that one is undone, the newest of the others counts: a
case that a decision had reached carries, as long as nobody decides about it itself, what the newest
standing decision about its like says, and nothing once none stands.

Decisions count that have spread, in queues where whoever undoes may decide. Nothing comes back to a
case out of which a person has taken such labels. The case whose own decision was undone is told
too, and stays open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lightkeeper.cases.desk._bench import DECIDED
from lightkeeper.cases.desk._spreading import (
    copy_for,
    is_news,
    keep_copy,
    moved_on,
    parts_by_cluster,
)
from lightkeeper.cases.desk._standing import by_item, in_dispute
from lightkeeper.cases.people import Actor, Permission
from lightkeeper.cases.record import UNDECIDED, CaseState
from lightkeeper.cases.triage import CaseFilter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from lightkeeper.cases._ports import CaseReader, CaseWriter
    from lightkeeper.cases.decision import Decision, ItemDecision
    from lightkeeper.cases.record import Case

_LOOKED_THROUGH: Final = 100
"""Decisions about one cluster, the newest."""
_SPREAD_ALREADY: Final = frozenset(CaseState) - {CaseState.SECOND_OPINION}


def decisions_alike(
    reader: CaseReader, actor: Actor, case: Case, decision: Decision, *, now: datetime
) -> dict[str, list[Decision]]:
    """By cluster, standing decisions about other cases that speak for the same, newest first."""
    if decision.spread_from is not None:
        return {}
    which = CaseFilter(
        queues=actor.queues, arising=frozenset({case.arising}), states=_SPREAD_ALREADY
    )
    named = {part.item for part in decision.items}
    clusters = {item.cluster for item in reader.items(case.id) if item.id in named}
    return {
        cluster: [
            each
            for each in reader.cluster_decisions(cluster, which, now=now, limit=_LOOKED_THROUGH)
            if each.case != case.id and _speaks(reader, each, cluster)
        ]
        for cluster in filter(None, clusters)
    }


def bring_back(
    writer: CaseWriter, actor: Actor, undone: Decision, cases: Iterable[str], *, now: datetime
) -> None:
    """Write into cases what others say that still stands, as far as it is news there."""
    home = writer.case(undone.case)
    if home is None:
        return
    alike = decisions_alike(writer, actor, home, undone, now=now)
    for case_id in cases:
        case = writer.case(case_id)
        within_reach = case is not None and actor.may(Permission.REVIEW, case.queue)
        if within_reach and not _is_refused(writer, case_id):
            _bring_back_to(writer, actor, undone, case_id, alike, now)


def _bring_back_to(
    writer: CaseWriter,
    actor: Actor,
    undone: Decision,
    case_id: str,
    alike: Mapping[str, Sequence[Decision]],
    now: datetime,
) -> None:
    for decision, parts in _counting(writer, case_id, alike):
        case, before = writer.case(case_id), writer.decisions(case_id)
        if case is None or case.state not in UNDECIDED | DECIDED:
            return
        copy = copy_for(writer, case, decision, parts, now)
        if copy is None or not is_news(copy, before):
            continue
        moved = case
        if case.id != undone.case and case.state is not CaseState.SECOND_OPINION:
            moved = moved_on(case, writer.items(case.id), (*before, copy), actor.id, now)
        told = {"after-undoing": undone.id}
        keep_copy(writer, moved, copy, by=actor.id, now=now, **told)


def _counting(
    reader: CaseReader, case_id: str, alike: Mapping[str, Sequence[Decision]]
) -> list[tuple[Decision, dict[str, ItemDecision]]]:
    """The newest decision about each cluster, with what it says of those, the oldest first."""
    found: dict[str, tuple[Decision, dict[str, ItemDecision]]] = {}
    for cluster, decisions in alike.items():
        newest = next((each for each in decisions if each.case != case_id), None)
        if newest is not None:
            part = parts_by_cluster(reader, newest)[cluster]
            found.setdefault(newest.id, (newest, {}))[1][cluster] = part
    return sorted(found.values(), key=lambda pair: pair[0].made)


def _speaks(reader: CaseReader, decision: Decision, cluster: str) -> bool:
    """Whether it is what its own case says of a cluster, and nobody has yet to agree with it."""
    decisions = reader.decisions(decision.case)
    part = parts_by_cluster(reader, decision).get(cluster)
    if part is None or not decision.stands or in_dispute(decisions):
        return False
    counts, _ = by_item(decisions).get(part.item, (None, None))
    return counts is not None and counts.id == decision.id


def _is_refused(reader: CaseReader, case_id: str) -> bool:
    """A person has taken a decision out of this very case, and it stands elsewhere."""
    taken = [d.spread_from for d in reader.decisions(case_id) if not d.stands and d.spread_from]
    sources = map(reader.decision, taken)
    return any(source is not None and source.stands for source in sources)
