"""Where a picture has texture that an error can be read in, block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Plane = NDArray[np.float32]

BLOCK = 8
LEAST_FINE_ENERGY = 0.2
"""Squared grey levels; below it, rounding to 8 bits is most of what there is."""
MOST_SATURATED = 0.25
"""Share of a block's pixels at an end of the scale: a decoder's error there is cut off."""


def fine(plane: Plane) -> Plane:
    """Each pixel less the mean of its four neighbours; one pixel of border is lost."""
    around = plane[..., :-2, 1:-1] + plane[..., 2:, 1:-1]
    around = around + plane[..., 1:-1, :-2] + plane[..., 1:-1, 2:]
    return plane[..., 1:-1, 1:-1] - around * np.float32(0.25)


def block_means(plane: Plane) -> Plane:
    """Means over blocks of 8 pixels; sides that are not multiples lose their end."""
    high, wide = plane.shape[-2] // BLOCK, plane.shape[-1] // BLOCK
    whole = plane[..., : high * BLOCK, : wide * BLOCK]
    blocks: Plane = whole.reshape(*plane.shape[:-2], high, BLOCK, wide, BLOCK)
    return np.asarray(blocks.mean((-3, -1)), np.float32)
