"""Scores that mean something: temperature, and thresholds that hold for any photographs alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.detectors.evaluation._probability import (
    calibration_error,
    fit_temperature,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RATES = (0.1, 0.05, 0.01)


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold of split-conformal prediction.

    A photograph that is exchangeable with those held out scores above it with a chance of at
    most ``rate``. A photograph of another source need not be exchangeable with them.
    """

    rate: float
    above: float | None
    """Log-odds; ``None`` where there are too few photographs for this rate."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """From raw scores to log-odds at even odds, fitted on pictures that were held out."""

    scale: float
    bias: float
    photographs: int
    ece: float
    """Expected calibration error; each half of the pictures by a fit on the other half."""
    points: tuple[OperatingPoint, ...]


def calibrate(real: NDArray[np.float64], made: NDArray[np.float64]) -> Calibration:
    """Fit on the raw scores of photographs and of their round trips.

    Parameters
    ----------
    real, made : float64, shape (n,)
        Halves of a pair stand in the same place.
    """
    scores = np.concatenate([real, made])
    generated = np.arange(scores.size) >= real.size
    fitted = fit_temperature(scores, generated)
    logs = np.sort(fitted.scale * real + fitted.bias)
    points = tuple(OperatingPoint(rate, _above(logs, rate)) for rate in _RATES)
    ece = _held_out_error(scores, generated, real.size)
    return Calibration(fitted.scale, fitted.bias, real.size, round(ece, 4), points)


def _above(logs: NDArray[np.float64], rate: float) -> float | None:
    rank = int(np.floor(rate * (logs.size + 1) + 1e-9))
    return round(float(logs[logs.size - rank]), 6) if rank else None


def _held_out_error(scores: NDArray[np.float64], generated: NDArray[np.bool_], pairs: int) -> float:
    """Both halves of a pair lie in the same half of the pictures."""
    half = np.tile(np.arange(pairs) % 2 == 0, 2)
    probabilities = np.empty(scores.size)
    for fitted in (half, ~half):
        if fitted.any():
            temperature = fit_temperature(scores[fitted], generated[fitted])
            probabilities[~fitted] = temperature.probability(scores[~fitted])
    return calibration_error(probabilities, generated)[0] if pairs > 1 else float("nan")
