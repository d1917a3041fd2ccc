"""The strongest connected region of a reconstruction map, and the chance of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.detectors.regions._windows import BLOCK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.regions._reconstruction import ReconstructionMap

    Mask = NDArray[np.bool_]

_OF_PEAK = 0.5
_LEAST_Z = 3.0


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a picture that bears a decoder's grid."""

    top: int
    left: int
    height: int
    width: int
    share: float
    """Of the windows that can be read; near one, the whole picture bears the grid."""
    p_value: float
    """Of its best window, corrected for all windows and phases."""
    surprise: float
    """Minus log10 of the same before it is cut at one: what the null compares."""


def strongest_region(found: ReconstructionMap) -> Region:
    """The region around the best window, in pixels: half of the peak and connected to it."""
    row, column = np.unravel_index(int(np.argmax(found.z)), found.z.shape)
    peak = float(found.z[row, column])
    above = found.z >= max(_LEAST_Z, _OF_PEAK * peak)
    above[row, column] = True
    mask = _connected(above, (int(row), int(column)))
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return Region(
        top=int(rows[0]) * BLOCK,
        left=int(columns[0]) * BLOCK,
        height=int(rows[-1] - rows[0] + 1) * BLOCK,
        width=int(columns[-1] - columns[0] + 1) * BLOCK,
        share=float((above & found.readable).sum() / max(1, int(found.readable.sum()))),
        p_value=min(1.0, 10.0**-found.surprise),
        surprise=found.surprise,
    )


def _connected(above: Mask, start: tuple[int, int]) -> Mask:
    mask = np.zeros_like(above)
    mask[start] = True
    while True:
        wider = mask.copy()
        wider[1:] |= mask[:-1]
        wider[:-1] |= mask[1:]
        wider[:, 1:] |= mask[:, :-1]
        wider[:, :-1] |= mask[:, 1:]
        wider &= above
        if (wider == mask).all():
            return mask
        mask = wider
