"""The band of an error that a decoder's grid shows in and JPEG leaves alone.

The finest detail is what JPEG throws away, and the coarse is reconstructed everywhere alike. The
difference of two Gaussians between them separated better after JPEG 75 than a Laplacian or a
comparison within the intervals of the quantised coefficients (``benchmarks/bench_regions.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.detectors.regions._readable import LUMA

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Plane = NDArray[np.float32]

REACH = 4
"""Pixels of the wider Gaussian to either side."""
_NARROW, _WIDE = 0.6, 1.0


def band(error: Plane) -> Plane:
    """Band of the luminance of ``error``, float32 of shape (3, H, W), to shape (H, W)."""
    luma = np.tensordot(LUMA, error, 1)
    return np.asarray(_smooth(luma, _NARROW) - _smooth(luma, _WIDE), np.float32)


def _smooth(plane: Plane, deviation: float) -> Plane:
    steps = np.arange(-REACH, REACH + 1)
    weights = np.exp(-0.5 * (steps / deviation) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    for axis in (0, 1):
        sides = [(0, 0), (0, 0)]
        sides[axis] = (REACH, REACH)
        views = np.lib.stride_tricks.sliding_window_view(
            np.pad(plane, sides, mode="edge"), 2 * REACH + 1, axis=axis
        )
        plane = np.asarray(views @ weights, np.float32)
    return plane
