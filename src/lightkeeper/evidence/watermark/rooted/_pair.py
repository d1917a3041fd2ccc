"""Do soft bits look like the mean of two copies' pictures?"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEVEL = 0.1
"""Between a bit that two keys share (about .2 of a vector of length one) and one they do not."""
_SMALLEST = 1e-30
_STEEPEST = 400.0
_HALVINGS = 50
_NORMAL = NormalDist()


def pair_scores(soft: NDArray[np.float64], signs: NDArray[np.float64]) -> NDArray[np.float64]:
    """How well each pair of keys, shape (N, BITS), explains soft bits, shape (N, N).

    Where two keys agree, a bit of their averaged picture has their sign; where they differ it is
    undecided, and small. Both speak for a pair: that a bit is undecided says as much as its sign.
    No key makes a pair with itself: that is minus infinity.
    """
    undecided = _LEVEL - np.abs(soft)
    # Half of s + t is their sign where they agree, and 0 elsewhere.
    agreed = (signs @ soft) / 2
    differ = (undecided.sum() - (signs * undecided) @ signs.T) / 2
    scores: NDArray[np.float64] = agreed[:, None] + agreed + differ
    np.fill_diagonal(scores, -np.inf)
    return scores


def pair_chance(total: float, soft: NDArray[np.float64]) -> float:
    """Share of all pairs of keys whose score for these soft bits, shape (BITS,), is at least this.

    The tail is the saddlepoint's, of a sum of bits with three values each.
    """
    undecided = _LEVEL - np.abs(soft)
    values = np.stack([soft, -soft, undecided])
    weights = np.array([0.25, 0.25, 0.5])[:, None]
    if total <= float((weights * values).sum()):
        return 1.0

    def moments(point: float) -> tuple[float, float, float]:
        """Cumulant function of the sum, and its first two derivatives."""
        raised = point * values
        top = raised.max(0)
        mass = weights * np.exp(raised - top)
        whole = mass.sum(0)
        mean = (mass * values).sum(0) / whole
        square = (mass * values**2).sum(0) / whole
        log = float((np.log(whole) + top).sum())
        return log, float(mean.sum()), float((square - mean**2).sum())

    low, high = 0.0, 1.0
    while high < _STEEPEST and moments(high)[1] < total:
        low, high = high, high * 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if moments(middle)[1] < total else (low, middle)
    log, _, variance = moments(low)
    w = math.sqrt(max(0.0, 2 * (low * total - log)))
    u = low * math.sqrt(variance)
    if w < 1e-3 or u < 1e-12:
        return 0.5 if w < 1e-3 else max(_SMALLEST, _NORMAL.cdf(-w))
    density = math.exp(-w * w / 2) / math.sqrt(2 * math.pi)
    return min(1.0, max(_SMALLEST, _NORMAL.cdf(-w) + density * (1 / u - 1 / w)))
