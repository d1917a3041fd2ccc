"""What the decisions of a case amount to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lightkeeper.cases.decision import Decision, ItemDecision, Outcome
from lightkeeper.cases.item import Item, ItemKind
from lightkeeper.cases.record import CaseState

STRICTEST_FIRST = (Outcome.REPORT, Outcome.REFER, Outcome.CLOSE)


def needs_decision(item: Item) -> bool:
    """A model is a reference; everything else has to be decided about."""
    return item.kind is not ItemKind.MODEL


def state_after(outcome: Outcome) -> CaseState:
    """Where a decided case goes."""
    return CaseState.TO_REPORT if outcome is Outcome.REPORT else CaseState.CLOSED


def opinions(decisions: Iterable[Decision]) -> list[Decision]:
    """Standing decisions but blind second ones, newest first."""
    found = [decision for decision in decisions if decision.stands and not decision.second]
    return found[::-1]


def second_opinion(decisions: Iterable[Decision]) -> Decision | None:
    """The newest blind second opinion that stands."""
    found = [decision for decision in decisions if decision.stands and decision.second]
    return found[-1] if found else None


def by_item(decisions: Iterable[Decision]) -> dict[str, tuple[Decision, ItemDecision]]:
    """For each item the newest standing decision that names it; blind second ones only compare."""
    found: dict[str, tuple[Decision, ItemDecision]] = {}
    for decision in opinions(decisions):
        for part in decision.items:
            found.setdefault(part.item, (decision, part))
    return found


def outcome_of(items: Sequence[Item], decisions: Iterable[Decision]) -> Outcome | None:
    """The strictest outcome of the decisions that cover a case; ``None`` if an item is left."""
    named = by_item(decisions)
    if any(needs_decision(item) and item.id not in named for item in items):
        return None
    outcomes = {named[item.id][0].outcome for item in items if item.id in named}
    return next((outcome for outcome in STRICTEST_FIRST if outcome in outcomes), None)


def differ(first: Decision, second: Decision) -> bool:
    """Whether two people came to other outcomes, or to another industry class of an item."""
    classes = {part.item: part.labels.industry_class.value for part in first.items}
    return first.outcome is not second.outcome or any(
        part.labels.industry_class.value != classes.get(part.item) for part in second.items
    )


def in_dispute(decisions: Sequence[Decision]) -> bool:
    """Two people differ, and nobody has decided since."""
    second = second_opinion(decisions)
    if second is None:
        return False
    before = decisions[: decisions.index(second)]
    first = next(iter(opinions(before)), None)
    since = opinions(decisions[decisions.index(second) :])
    settled = any(decision.spread_from is None for decision in since)
    return first is not None and not settled and differ(first, second)
