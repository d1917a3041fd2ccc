from __future__ import annotations

import numpy as np
import pytest

from lightkeeper.evidence.detectors.evaluation._reliability import reliability
from lightkeeper.evidence.detectors.evaluation._splits import disjoint_folds
from lightkeeper.evidence.detectors.statistics import calibration_error, fit_temperature
from lightkeeper.evidence.detectors.statistics._temperature import Temperature


def test_temperature_finds_the_likelihood_ratio_of_two_normal_classes() -> None:
    # For N(2, 1) against N(0, 1) and even odds the log odds are 2x - 2.
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.normal(2, 1, 6000), rng.normal(0, 1, 2000)])
    fitted = fit_temperature(scores, np.arange(8000) < 6000)
    assert (fitted.scale, fitted.bias) == pytest.approx((2, -2), abs=0.12)


def test_a_detector_that_is_the_wrong_way_round_ends_at_even_odds() -> None:
    scores, generated = np.array([0.0, 0.1, 5.0, 5.1]), np.array([True, True, False, False])
    fitted = fit_temperature(scores, generated)
    assert fitted == Temperature(0.0, 0.0)
    assert fitted.probability(scores).tolist() == [0.5] * 4


def test_separable_scores_do_not_run_away() -> None:
    fitted = fit_temperature(np.array([0.0, 1.0]), np.array([False, True]))
    assert np.isfinite(fitted.probability(np.array([0.0, 0.5, 1.0]))).all()


def test_calibration_error_by_hand() -> None:
    # Classes weigh one half each: one generated picture weighs as much as two photographs.
    probabilities = np.array([0.95, 0.05, 0.95])
    error, bins = calibration_error(probabilities, np.array([True, False, False]))
    # Low bin: weight 1/4, off by .05. High bin: weight 3/4, observed 2/3, off by .95 - 2/3.
    assert error == pytest.approx(0.25 * 0.05 + 0.75 * (0.95 - 2 / 3))
    assert [(b.pictures, b.predicted, b.observed) for b in bins] == [
        (1, 0.05, 0.0),
        (2, 0.95, pytest.approx(2 / 3, abs=1e-6)),
    ]


def test_calibration_is_fitted_on_other_generators_and_sources() -> None:
    rng = np.random.default_rng(2)
    groups = np.repeat(["a", "b", "lake", "street"], 300)
    generated = np.repeat([True, True, False, False], 300)
    same = rng.normal(0, 1, 1200) + np.where(generated, 2, 0)
    # The second generator and source are shifted: what is fitted on the first ones misleads.
    shifted = same + np.tile(np.repeat([0, 4], 300), 2)
    assert reliability(same, generated, groups).ece < 0.05
    assert reliability(shifted, generated, groups).ece > 0.2


def test_scores_that_are_no_probabilities_have_no_raw_error() -> None:
    generated, groups = np.array([True, False]), np.array(["a", "lake"])
    assert reliability(np.array([3.0, -1.0]), generated, groups).raw_ece is None
    assert reliability(np.array([0.9, 0.1]), generated, groups).raw_ece == pytest.approx(0.1)


def test_one_source_is_not_enough_to_hold_one_out() -> None:
    found = reliability(
        np.array([1.0, 2.0, 0.0]), np.array([True, True, False]), np.array(["a", "b", "lake"])
    )
    assert (found.folds, found.ece) == (0, None)


def test_folds_share_no_group_and_test_every_picture_once() -> None:
    rng = np.random.default_rng(0)
    generated = rng.random(400) < 0.5
    groups = np.array([f"{'g' if g else 's'}{rng.integers(7)}" for g in generated])
    tested = np.zeros(400, int)
    for fitted, held_out in disjoint_folds(groups, generated):
        assert not set(groups[fitted]) & set(groups[held_out])
        for mask in (fitted, held_out):
            assert generated[mask].any()
            assert not generated[mask].all()
        tested += held_out
    assert (tested == 1).all()
