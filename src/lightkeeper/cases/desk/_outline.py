"""A case's outline and triage, made anew from its items."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lightkeeper.assessment import Origin, Strength
from lightkeeper.cases.desk._earlier import decided_before
from lightkeeper.cases.desk._standing import in_dispute
from lightkeeper.cases.item import ItemKind, ItemState
from lightkeeper.cases.record import Case, Outline, TriageReason
from lightkeeper.cases.triage import set_origins, triage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from lightkeeper.cases._ports import CaseReader
    from lightkeeper.cases.item import Item

DISPUTED = TriageReason("disputed", 0, "Two people decided differently: a lead decides.")


def retriaged(reader: CaseReader, case: Case, *, now: datetime) -> Case:
    """The case with the outline and triage that its items, and what was decided, give."""
    items = reader.items(case.id)
    waits = any(item.state is ItemState.WAITING for item in items)
    before = None if waits else decided_before(reader, case, items, now=now)
    disputed = in_dispute(reader.decisions(case.id))
    return renewed(case, items, decided_before=before is not None, disputed=disputed)


def renewed(
    case: Case, items: Sequence[Item], *, decided_before: bool = False, disputed: bool = False
) -> Case:
    """The case with the outline and the triage that its items give."""
    case = replace(case, outline=_outline(items))
    urgency = triage(case, items, decided_before=decided_before)
    if disputed:
        urgency = replace(urgency, reasons=(*urgency.reasons, DISPUTED))
    return replace(case, triage=urgency)


def _outline(items: Sequence[Item]) -> Outline:
    strength, origin = max(_origins(items), default=(None, None))
    return Outline(
        items=len(items),
        media=sum(item.kind is ItemKind.MEDIA for item in items),
        waiting=sum(item.state is ItemState.WAITING for item in items),
        origin=origin,
        strength=None if strength is None else list(Strength)[strength].value,
        conflicts=sum(len(_assessment(item).get("conflicts") or ()) for item in items),
        set_origins=set_origins(items),
        clusters=len({item.cluster or item.id for item in items}),
    )


def _origins(items: Sequence[Item]) -> Iterator[tuple[int, str]]:
    for item in items:
        assessment = _assessment(item)
        origin, strength = assessment.get("origin"), assessment.get("strength")
        if origin is not None and strength is not None and origin != Origin.UNDETERMINED.value:
            yield Strength(strength).rank, origin


def _assessment(item: Item) -> dict[str, Any]:
    return (item.examination or {}).get("assessment") or {}
