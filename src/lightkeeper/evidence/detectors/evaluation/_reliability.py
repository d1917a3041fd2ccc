"""How far probabilities are off on generators and sources that they were not fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.detectors.evaluation._splits import disjoint_folds

# Cards are read back by this type, so it is needed at run time.
from lightkeeper.evidence.detectors.statistics import (
    ReliabilityBin,
    calibration_error,
    fit_temperature,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Reliability:
    """Expected calibration error for a prior of one half, on held-out groups."""

    raw_ece: float | None
    """Of the scores themselves, where all of them lie between 0 and 1."""
    ece: float | None
    """After temperature and bias fitted on other generators and other sources."""
    folds: int
    informative: float | None
    """Mean distance of a probability from one half, times two; near 0 it says nothing."""
    bins: tuple[ReliabilityBin, ...] = ()


def reliability(
    scores: NDArray[np.float64], generated: NDArray[np.bool_], groups: NDArray[np.str_]
) -> Reliability:
    """Measure calibration across splits that share no generator and no source."""
    raw = None
    if scores.size and generated.any() and not generated.all() and _are_probabilities(scores):
        raw = round(calibration_error(scores, generated)[0], 6)
    probabilities = np.full(scores.size, np.nan)
    folds = 0
    for fitted, tested in disjoint_folds(groups, generated):
        temperature = fit_temperature(scores[fitted], generated[fitted])
        probabilities[tested] = temperature.probability(scores[tested])
        folds += 1
    if not folds:
        return Reliability(raw, None, 0, None)
    error, bins = calibration_error(probabilities, generated)
    informative = round(float(2 * np.abs(probabilities - 0.5).mean()), 6)
    return Reliability(raw, round(error, 6), folds, informative, bins)


def _are_probabilities(scores: NDArray[np.float64]) -> bool:
    return bool((scores >= 0).all() and (scores <= 1).all())
