"""How often a picture without the mark would look as if it carried it."""

from __future__ import annotations

import math

from lightkeeper.evidence.watermark._statistics import SMALLEST_P
from lightkeeper.evidence.watermark.lattice._code import PAYLOAD_BITS


def chance(sync_z: float, payload_z: float, looks: int) -> float:
    """Upper bound on the chance of so good a reading, after all looks and all payloads.

    Phases of the synchronising points and signs of the payload's slots were drawn at random when
    the mark was published. For *any* fixed picture, both correlations are then sums of bounded
    symmetric terms in units of their own deviation, independent of each other, and each exceeds z
    with a chance of at most exp(-z²/2) (Hoeffding). Half of the sum of their squares therefore
    exceeds x with at most (1 + x)·exp(-x); the union over every orientation, shift and lattice
    looked at and over all 2⁴⁸ payloads is a plain sum.
    """
    x = (max(sync_z, 0) ** 2 + max(payload_z, 0) ** 2) / 2
    exponent = math.log(max(looks, 1)) + PAYLOAD_BITS * math.log(2) + math.log1p(x) - x
    return min(1.0, max(SMALLEST_P, math.exp(min(exponent, 0))))
