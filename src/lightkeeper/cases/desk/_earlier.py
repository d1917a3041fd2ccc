"""What people have decided before about the same near-duplicates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lightkeeper.cases.desk._standing import by_item, needs_decision
from lightkeeper.cases.record import CaseState
from lightkeeper.cases.triage import CaseFilter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from lightkeeper.cases._ports import CaseReader
    from lightkeeper.cases.decision import Decision, ItemDecision
    from lightkeeper.cases.item import Item
    from lightkeeper.cases.record import Case

_DECIDED: Final = frozenset(CaseState) - {CaseState.OPEN, CaseState.SECOND_OPINION}
_LOOKED_THROUGH = 20
"""Cases of a cluster; the oldest one is nearly always the one that a person decided."""


def earlier_decision(
    reader: CaseReader,
    cluster: str,
    case: Case,
    *,
    queues: frozenset[str] | None,
    now: datetime,
) -> tuple[Decision, ItemDecision] | None:
    """A person's standing decision about a member of another case that arose in the same way.

    What was spread is left out: it is nobody's own look.
    """
    which = CaseFilter(queues=queues, arising=frozenset({case.arising}), states=_DECIDED)
    for case_id in reader.cluster_cases(cluster, which, now=now, limit=_LOOKED_THROUGH):
        if case_id == case.id:
            continue
        members = {item.id for item in reader.items(case_id) if item.cluster == cluster}
        for item_id, (decision, part) in by_item(reader.decisions(case_id)).items():
            if item_id in members and decision.spread_from is None:
                return decision, part
    return None


def decided_before(
    reader: CaseReader, case: Case, items: Sequence[Item], *, now: datetime
) -> dict[str, tuple[Decision, ItemDecision]] | None:
    """The earlier decision for every cluster; ``None`` where one has none."""
    found: dict[str, tuple[Decision, ItemDecision]] = {}
    for item in filter(needs_decision, items):
        if item.cluster is None:
            return None
        if item.cluster not in found:
            earlier = earlier_decision(reader, item.cluster, case, queues=None, now=now)
            if earlier is None:
                return None
            found[item.cluster] = earlier
    return found or None
