"""From scores to probabilities: temperature, and how far they are off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BINS = 10
_STEPS = 60
_RIDGE = 1e-3


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Pictures whose predicted probability lies in one tenth."""

    pictures: int
    predicted: float
    observed: float


@dataclass(frozen=True, slots=True)
class Temperature:
    """Probability = 1 / (1 + exp(-(scale · score + bias)))."""

    scale: float
    bias: float

    def probability(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities of generation for a prior of one half."""
        return _logistic(self.scale * scores + self.bias)


def fit_temperature(scores: NDArray[np.float64], generated: NDArray[np.bool_]) -> Temperature:
    """Fit scale and bias by maximum likelihood, both classes weighted equally.

    The scale is never negative: a detector that is wrong the whole way is no better for it.
    """
    centre, spread = float(scores.mean()), float(scores.std()) or 1.0
    x = (scores - centre) / spread
    weights = _class_weights(generated)
    target = generated.astype(np.float64)
    parameters = np.zeros(2)
    design = np.stack([x, np.ones_like(x)])
    for _ in range(_STEPS):
        p = _logistic(parameters @ design)
        gradient = design @ (weights * (p - target)) + _RIDGE * parameters
        curvature = (design * (weights * p * (1 - p))) @ design.T + _RIDGE * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        parameters = parameters - np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-10:
            break
    if parameters[0] <= 0:
        return Temperature(0.0, 0.0)
    scale = float(parameters[0]) / spread
    return Temperature(scale, float(parameters[1]) - scale * centre)


def calibration_error(
    probabilities: NDArray[np.float64], generated: NDArray[np.bool_]
) -> tuple[float, tuple[ReliabilityBin, ...]]:
    """Expected calibration error over ten equal bins, classes weighted to one half each."""
    weights = _class_weights(generated)
    place = np.minimum((probabilities * _BINS).astype(int), _BINS - 1)
    error, bins = 0.0, []
    for index in range(_BINS):
        mine = place == index
        weight = float(weights[mine].sum())
        if weight == 0:
            continue
        predicted = float(weights[mine] @ probabilities[mine]) / weight
        observed = float(weights[mine & generated].sum()) / weight
        error += weight * abs(predicted - observed)
        bins.append(ReliabilityBin(int(mine.sum()), round(predicted, 6), round(observed, 6)))
    return error, tuple(bins)


def _class_weights(generated: NDArray[np.bool_]) -> NDArray[np.float64]:
    shares = np.array([max(1, int((~generated).sum())), max(1, int(generated.sum()))])
    weights: NDArray[np.float64] = 0.5 / shares[generated.astype(int)]
    return weights


def _logistic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(x, -500, 500)))
    return result
