"""Scores that mean something: temperature, and thresholds that hold for every stratum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.detectors.statistics import calibration_error, fit_temperature

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RATES = (0.1, 0.05, 0.01)


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold of split-conformal prediction.

    A photograph that is exchangeable with those set aside, and a drawing with those drawn for
    it, each score above it with a chance of at most ``rate``: it is the higher one of the two
    strata's thresholds. A picture of another source need not be exchangeable with them.
    """

    rate: float
    above: float | None
    """Log-odds; ``None`` where a stratum has too few pictures for this rate."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """From raw scores to log-odds at even odds, fitted on pictures that were set aside."""

    scale: float
    bias: float
    photographs: int
    drawings: int
    ece: float
    """Expected calibration error; each half of the pictures by a fit on the other half."""
    points: tuple[OperatingPoint, ...]


def calibrate(
    real: NDArray[np.float64], made: NDArray[np.float64], drawn: NDArray[np.float64]
) -> Calibration:
    """Fit on the raw scores of photographs and of their round trips.

    Parameters
    ----------
    real, made : float64, shape (n,)
        Halves of a pair stand in the same place.
    drawn : float64, shape (m,)
        Drawings, the other stratum.
    """
    scores = np.concatenate([real, made])
    generated = np.arange(scores.size) >= real.size
    fitted = fit_temperature(scores, generated)
    strata = [np.sort(fitted.scale * raw + fitted.bias) for raw in (real, drawn)]
    points = tuple(OperatingPoint(rate, _above(strata, rate)) for rate in _RATES)
    ece = _held_out_error(scores, generated, real.size)
    return Calibration(fitted.scale, fitted.bias, real.size, drawn.size, round(ece, 4), points)


def _above(strata: list[NDArray[np.float64]], rate: float) -> float | None:
    ranks = [int(np.floor(rate * (logs.size + 1) + 1e-9)) for logs in strata]
    if not all(ranks):
        return None
    highest = max(logs[logs.size - rank] for logs, rank in zip(strata, ranks, strict=True))
    return round(float(highest), 6)


def _held_out_error(scores: NDArray[np.float64], generated: NDArray[np.bool_], pairs: int) -> float:
    """Both halves of a pair lie in the same half of the pictures."""
    half = np.tile(np.arange(pairs) % 2 == 0, 2)
    probabilities = np.empty(scores.size)
    for fitted in (half, ~half):
        if fitted.any():
            temperature = fit_temperature(scores[fitted], generated[fitted])
            probabilities[~fitted] = temperature.probability(scores[~fitted])
    return calibration_error(probabilities, generated)[0] if pairs > 1 else float("nan")
