"""What was read, and what happened to the picture since it was marked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.evidence._finding import Details

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class LatticeTransform:
    """What happened to the picture after it was marked, up to a shift.

    ``matrix`` (2×2, row by row) takes offsets (x, y) in the marked picture to offsets in this one.
    It is a turn by ``rotation`` degrees anticlockwise (as seen, y downwards), applied after a
    flip from left to right where ``flipped``, and after a stretch: ``scale`` is the geometric mean
    of both directions' and ``aspect`` horizontal over vertical, as far as the matrix is such a
    product; ``skew`` is the cosine between the images of both axes, 0 if it is.
    """

    matrix: tuple[float, float, float, float]
    scale: float
    rotation: float
    aspect: float
    flipped: bool
    skew: float

    @classmethod
    def of(cls, matrix: NDArray[np.float64]) -> LatticeTransform:
        """Decompose a matrix."""
        (a, b), (c, d) = matrix.tolist()
        across, down = math.hypot(a, c), math.hypot(b, d)
        determinant = a * d - b * c
        flipped = determinant < 0
        sign = -1 if flipped else 1
        return cls(
            matrix=(a, b, c, d),
            scale=math.sqrt(abs(determinant)),
            rotation=math.degrees(math.atan2(-sign * c, sign * a)),
            aspect=across / down,
            flipped=flipped,
            skew=(a * b + c * d) / (across * down),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LatticeReading(Details):
    """The open mark of one picture.

    ``score`` is the correlation with the synchronising points and ``payload_score`` that with
    the decoded payload, both in deviations of their null. ``corrected`` of ``slots`` hard bits
    disagreed with the decoded payload. ``p_value`` bounds the chance of such a reading on a
    picture without the mark over all ``tests`` orientations, shifts and lattices.
    """

    payload: int
    p_value: float
    tests: int
    score: float
    payload_score: float
    corrected: int
    slots: int
    transform: LatticeTransform
