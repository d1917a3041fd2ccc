from __future__ import annotations

from collections.abc import Hashable
from datetime import UTC, datetime
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.assessment import Classification
from lightkeeper.cases.decision import (
    Confidence,
    Decision,
    ItemDecision,
    Outcome,
    agreement,
    krippendorff_alpha,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
# The example of Krippendorff (2011), section C: four coders, twelve units, missing values.
EXAMPLE = [
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
]


def units_of(rows: list[str]) -> list[list[str]]:
    return [
        [v for v in column if v != "."] for column in zip(*(r.split() for r in rows), strict=True)
    ]


def test_alpha_is_that_of_the_published_example() -> None:
    assert krippendorff_alpha(units_of(EXAMPLE)) == pytest.approx(0.743, abs=5e-4)


UNITS = st.lists(st.lists(st.sampled_from("abc"), max_size=4), max_size=12)


@given(UNITS)
def test_alpha_equals_observed_over_expected_disagreement_counted_pair_by_pair(
    units: list[list[str]],
) -> None:
    kept = [unit for unit in units if len(unit) > 1]
    values = [value for unit in kept for value in unit]
    observed = sum(sum(a != b for a, b in permutations(unit, 2)) / (len(unit) - 1) for unit in kept)
    expected = sum(a != b for a, b in permutations(values, 2))
    found = krippendorff_alpha(units)
    if expected == 0:
        assert found is None
    else:
        n = len(values)
        assert found == pytest.approx(1 - (observed / n) / (expected / (n * (n - 1))))


def decision(case: str, person: str, outcome: Outcome, **labels: Hashable) -> Decision:
    said = Classification()
    for name, value in labels.items():
        said = said.decide(name, value, person=person)  # type: ignore[arg-type]
    return Decision(
        id=f"{case}-{person}",
        case=case,
        person=person,
        made=NOW,
        outcome=outcome,
        confidence=Confidence.HIGH,
        items=(ItemDecision(item=f"{case}-item", labels=said),),
    )


def test_only_cases_that_two_people_decided_count() -> None:
    found = agreement(
        [
            decision("one", "ada", Outcome.REPORT, computer_generated=True),
            decision("one", "bo", Outcome.CLOSE, computer_generated=True),
            decision("two", "ada", Outcome.CLOSE, computer_generated=False),
            decision("two", "bo", Outcome.CLOSE, computer_generated=False),
            decision("three", "ada", Outcome.REPORT, computer_generated=True),
        ]
    )
    by_question = {one.question: one for one in found}
    assert by_question["outcome"].units == 2
    assert by_question["outcome"].alpha == pytest.approx(0.0)
    assert by_question["computer_generated"].alpha == pytest.approx(1.0)
    assert by_question["age_group"].alpha is None
