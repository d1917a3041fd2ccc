"""What one fixed key shows on pictures without its mark."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from lightkeeper.evidence.watermark.rooted._statistics import deviate, upper_tail

if TYPE_CHECKING:
    from numpy.typing import NDArray


class KeyCalibration(msgspec.Struct, frozen=True, kw_only=True):
    """The null of one key, from unmarked pictures.

    Over random keys the statistic is standard normal by construction. For one fixed key it is
    not: what photographs prefer may lean towards it. This shifts and widens the law.

    Parameters
    ----------
    pictures : int
        Looks behind it. A search over scales gives several looks at one picture.
    mean, deviation : float
        Of the statistic; a deviation below 1 counts as 1 and a mean below 0 as 0.
    tail : float
        Factor on the deviation beyond it, so that the fit is not below the largest tenth of a
        percent that was seen.
    largest : float
        Largest statistic that was seen.
    """

    pictures: int
    mean: float
    deviation: float
    tail: float
    largest: float

    def p_value(self, chance: float) -> float:
        """p-value of a look, given the share of random keys that agree as well."""
        z = deviate(chance)
        return upper_tail((z - max(self.mean, 0.0)) / (max(self.deviation, 1.0) * self.tail))


def calibrate(chances: NDArray[np.float64]) -> KeyCalibration:
    """Fit the null of a key.

    Parameters
    ----------
    chances : float64, shape (N,)
        :func:`~lightkeeper.evidence.watermark.rooted._statistics.chance` of the key in N looks
        at pictures without its mark, at least 100.
    """
    z = np.array([deviate(float(p)) for p in chances])
    mean, deviation = float(z.mean()), float(z.std())
    shift, spread = max(mean, 0.0), max(deviation, 1.0)
    tail = 1.0
    for share in (0.01, 0.003, 0.001):
        if len(z) * share < 3:
            break
        seen = (float(np.quantile(z, 1 - share)) - shift) / spread
        tail = max(tail, seen / deviate(share))
    return KeyCalibration(
        pictures=len(z),
        mean=round(mean, 4),
        deviation=round(deviation, 4),
        tail=round(tail, 4),
        largest=round(float(z.max()), 3) if len(z) else -math.inf,
    )
