"""What a reader says of one mark in one picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.evidence._finding import Details
from lightkeeper.evidence.watermark._marks import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

AS_STORED = "as-stored"
_UNTOLD = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkReading(Details):
    """The best variant of one mark in one picture.

    ``z`` is the correlation in standard deviations, ``p_value`` its chance on an unmarked picture
    after correction for ``tests``. ``scale`` is ``as-stored``, how the picture was resampled, or
    where the grid of a crop begins. ``alternatives`` are variants that cannot be told from the one
    that is named.
    """

    mark: str
    variant: str
    method: str
    z: float
    p_value: float
    tests: int
    present: bool
    scale: str = AS_STORED
    alternatives: tuple[str, ...] = ()


def untold(
    sizes: Sequence[float] | NDArray[np.float64], at: int, rows: Sequence[int]
) -> tuple[str, ...]:
    """Variants in which the message is nearly as large as in the one that was chosen.

    A picture that was written in one number type reads in the other, too, where U is positive;
    with little colour, or after compression, the other can read better. So the better one alone
    is no ground to name the writer.

    Parameters
    ----------
    sizes : sequence of float
        Mean score in the direction of the message, by variant.
    at : int
        The one that was chosen.
    rows : sequence of int
        Indices of the variants.
    """
    return tuple(
        VARIANTS[row].value
        for k, row in enumerate(rows)
        if k != at and sizes[k] >= _UNTOLD * sizes[at]
    )
