from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightkeeper.evidence.detectors.statistics import (
    auc,
    auc_difference,
    auc_interval,
    average_precision_interval,
    roc,
    threshold_at,
)
from lightkeeper.evidence.detectors.statistics._ranking import average_precision

FEW = settings(max_examples=40, deadline=None)
# Few distinct values, so that ties are common; an abstention is minus infinity.
scores = st.lists(
    st.one_of(st.integers(-3, 3).map(float), st.floats(-5, 5), st.just(-math.inf)),
    min_size=1,
    max_size=25,
).map(np.array)


@FEW
@given(scores, scores)
def test_auc_counts_the_pairs_that_are_in_order(generated, real) -> None:  # type: ignore[no-untyped-def]
    wins = sum((g > r) + (g == r) / 2 for g in generated for r in real)
    assert auc(generated, real) == pytest.approx(wins / (generated.size * real.size))


@FEW
@given(scores, scores)
def test_average_precision_follows_its_definition(generated, real) -> None:  # type: ignore[no-untyped-def]
    total, recall_before = 0.0, 0.0
    for threshold in sorted({*generated, *real}, reverse=True):
        found = (generated >= threshold).sum()
        recall, precision = found / generated.size, found / (found + (real >= threshold).sum())
        total += (recall - recall_before) * precision
        recall_before = recall
    assert average_precision(generated, real) == pytest.approx(total)


@FEW
@given(scores, scores)
def test_the_area_under_the_drawn_curve_is_the_auc(generated, real) -> None:  # type: ignore[no-untyped-def]
    false, true = roc(generated, real)
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(true, false) == pytest.approx(auc(generated, real))


@FEW
@given(scores, st.floats(0, 1))
def test_a_threshold_never_lets_more_through_than_asked(real, rate: float) -> None:  # type: ignore[no-untyped-def]
    threshold = threshold_at(real, rate)
    assert (real >= threshold).mean() <= rate + 1e-9
    # And no lower one would do: the next lower score is reached by more than that.
    below = real[real < threshold]
    if below.size and math.isfinite(below.max()):
        assert (real >= below.max()).sum() > math.floor(rate * real.size + 1e-9)


def test_a_textbook_case() -> None:
    generated, real = np.array([0.35, 0.8]), np.array([0.1, 0.4])
    assert auc(generated, real) == 0.75
    assert average_precision(generated, real) == pytest.approx(5 / 6)


def test_the_bootstrap_agrees_with_the_standard_error_of_hanley_and_mcneil() -> None:
    rng = np.random.default_rng(3)
    generated, real = rng.normal(1, 1, 300), rng.normal(0, 1, 400)
    interval = auc_interval(generated, real, rng=np.random.default_rng(0), resamples=800)
    a = interval.value
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    variance = (a * (1 - a) + 299 * (q1 - a * a) + 399 * (q2 - a * a)) / (300 * 400)
    expected = 2 * 1.96 * math.sqrt(variance)
    assert interval.high - interval.low == pytest.approx(expected, rel=0.15)


@FEW
@given(scores, scores, st.integers(0, 9))
def test_an_interval_holds_its_value_and_is_the_same_for_the_same_seed(
    generated,
    real,
    seed: int,  # type: ignore[no-untyped-def]
) -> None:
    for statistic in (auc_interval, average_precision_interval):
        first, second = (
            statistic(generated, real, rng=np.random.default_rng(seed), resamples=20)
            for _ in range(2)
        )
        assert first == second
        assert first.low <= first.value <= first.high


def test_pairs_are_resampled_as_pairs() -> None:
    base = np.random.default_rng(1).normal(0, 10, 200)
    interval = auc_interval(
        base + 1, base, rng=np.random.default_rng(0), resamples=200, paired=True
    )
    apart = auc_interval(base + 1, base, rng=np.random.default_rng(0), resamples=200)
    # What both halves share does not widen the interval.
    assert interval.high - interval.low < (apart.high - apart.low) / 2


def test_a_detector_does_not_differ_from_itself() -> None:
    rng = np.random.default_rng(5)
    side = rng.normal(1, 1, 50), rng.normal(0, 1, 60)
    assert auc_difference(side, side, rng=rng, resamples=50) == (0.0, 0.0)


def test_without_scores_there_is_no_area() -> None:
    with pytest.raises(ValueError, match="both classes"):
        auc(np.array([]), np.array([1.0]))
