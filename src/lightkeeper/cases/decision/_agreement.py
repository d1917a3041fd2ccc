"""How far independent reviewers agree, beyond chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from lightkeeper.cases.decision._decision import Decision

_LABELS = (
    "industry_class",
    "computer_generated",
    "indistinguishable_from_photographs",
    "portrays_explicit_sexual_activity",
    "modelled_after_person",
    "age_group",
)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Krippendorff's alpha of one question, over ``units`` that two people or more answered."""

    question: str
    alpha: float | None
    """1 is perfect, 0 what chance gives, ``None`` where it is not defined: no unit, or one
    answer throughout."""
    units: int


def krippendorff_alpha(units: Iterable[Sequence[Hashable]]) -> float | None:
    """Krippendorff's alpha for nominal data.

    Parameters
    ----------
    units : iterable of sequences
        For each unit the values that coders gave, missing ones left out. Units with fewer than
        two values tell nothing and are ignored.

    Returns
    -------
    float or None
        ``None`` where all values are the same or there are none: alpha is not defined then.

    References
    ----------
    .. [1] Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011.
    """
    totals: Counter[Hashable] = Counter()
    disagreeing = 0.0
    for unit in units:
        n = len(unit)
        if n < 2:
            continue
        values = Counter(unit)
        totals.update(values)
        # Ordered pairs of different values, each unit weighed by 1 / (n - 1).
        disagreeing += (n * n - sum(count * count for count in values.values())) / (n - 1)
    n = totals.total()
    expected = n * n - sum(count * count for count in totals.values())
    if expected == 0:
        return None
    return 1.0 - (n - 1) * disagreeing / expected


def agreement(decisions: Iterable[Decision]) -> tuple[Agreement, ...]:
    """Agreement of first and second opinions, question by question.

    Parameters
    ----------
    decisions : iterable of Decision
        Of any number of cases. Spread and undone ones are nobody's own opinion and are left out;
        of several by one person on a case the last counts.
    """
    own: dict[str, dict[str, Decision]] = {}
    for decision in decisions:
        if decision.stands and decision.spread_from is None:
            own.setdefault(decision.case, {})[decision.person] = decision
    pairs = [tuple(people.values()) for people in own.values() if len(people) > 1]
    outcomes = [tuple(decision.outcome for decision in pair) for pair in pairs]
    found = [Agreement("outcome", krippendorff_alpha(outcomes), len(outcomes))]
    for label in _LABELS:
        units = [unit for pair in pairs for unit in _answers(pair, label)]
        found.append(Agreement(label, krippendorff_alpha(units), len(units)))
    return tuple(found)


def _answers(pair: Sequence[Decision], label: str) -> list[tuple[Hashable, ...]]:
    by_item: dict[str, list[Hashable]] = {}
    for decision in pair:
        for item in decision.items:
            value = getattr(item.labels, label).value
            if item.spread_from is None and value is not None:
                by_item.setdefault(item.item, []).append(value)
    return [tuple(values) for values in by_item.values() if len(values) > 1]
