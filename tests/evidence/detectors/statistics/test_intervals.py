from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightkeeper.evidence.detectors.statistics import Rate, clopper_pearson
from lightkeeper.evidence.detectors.statistics._intervals import incomplete_beta


def upper_tail(count: int, of: int, share: Fraction) -> float:
    """P(X >= count) of a binomial, in exact arithmetic."""
    terms = (comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(count, of + 1))
    return float(sum(terms, Fraction(0)))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.data())
def test_the_bounds_leave_exactly_a_fortieth_on_each_side(of: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, of))
    low, high = clopper_pearson(count, of)
    if count > 0:
        assert upper_tail(count, of, Fraction(low)) == pytest.approx(0.025, rel=1e-9)
    if count < of:
        assert 1 - upper_tail(count + 1, of, Fraction(high)) == pytest.approx(0.025, rel=1e-9)


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [
        # Closed form for no success: 1 - (alpha / 2) ** (1 / n).
        (0, 10, 0.0, 1 - 0.025**0.1),
        (0, 3000, 0.0, 1 - 0.025 ** (1 / 3000)),
        (7, 7, 0.025 ** (1 / 7), 1.0),
        # Published tables.
        (5, 100, 0.0164, 0.1128),
        (1, 20, 0.0013, 0.2487),
        (50, 100, 0.3983, 0.6017),
    ],
)
def test_known_intervals(count: int, of: int, low: float, high: float) -> None:
    assert clopper_pearson(count, of) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize("x", [0.001, 0.2, 0.5, 0.83, 0.999])
@pytest.mark.parametrize("a", [0.5, 1, 3.7, 40, 2500])
def test_the_beta_function_has_its_closed_forms(x: float, a: float) -> None:
    assert incomplete_beta(x, a, 1) == pytest.approx(x**a, rel=1e-10, abs=1e-300)
    assert incomplete_beta(x, 1, a) == pytest.approx(1 - (1 - x) ** a, rel=1e-10)
    assert incomplete_beta(x, a, 7) + incomplete_beta(1 - x, 7, a) == pytest.approx(1)
    assert incomplete_beta(0.5, a, a) == pytest.approx(0.5)


def test_nothing_observed_says_nothing() -> None:
    assert Rate.observed(0, 0) == Rate(0, 0, 0.0, 0.0, 1.0)


def test_one_in_a_thousand_takes_three_thousand_photographs() -> None:
    assert Rate.needed_for(1e-3) == 3000
    assert Rate.needed_for(1e-2) == 300
    # The rule of three: an error-free sample of that size has that one-sided 95 % bound.
    assert clopper_pearson(0, 3000, confidence=0.9)[1] <= 1e-3


def test_more_successes_than_trials_are_refused() -> None:
    with pytest.raises(ValueError, match="number of trials"):
        clopper_pearson(4, 3)
