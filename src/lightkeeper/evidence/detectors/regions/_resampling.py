"""Periods in the second difference: where content was made larger, smaller or turned.

Interpolated pixels are closer to their neighbours' mean than recorded ones, and how much closer
repeats with the ratio of the two grids [1]_. Multiples of an eighth are JPEG's and not looked at.

References
----------
.. [1] Gallagher, "Detection of linear and cubic interpolation in JPEG compressed images", 2005.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.detectors.regions._windows import BLOCK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Plane = NDArray[np.float32]
    Values = NDArray[np.float64]

_WINDOW = 64
"""Pixels; with a Hann window, frequencies are told apart to two in 64."""
_LEAST_CYCLES = 5
_MOST = 1.5
"""Local means at which a second difference is cut: an edge is no trace."""


def periodicity(grey: Plane) -> Values:
    """Height of the strongest period above the median of its spectrum, rows and columns added.

    Parameters
    ----------
    grey : float32, shape (H, W)

    Returns
    -------
    float64, shape (H // 8, W // 8)
        Natural logarithm of power; zero where a side is under 64 pixels.
    """
    return _along(grey) + _along(np.ascontiguousarray(grey.T)).T


def _along(grey: Plane) -> Values:
    high, wide = grey.shape[0] // BLOCK, grey.shape[1] // BLOCK
    found = np.zeros((high, wide))
    if min(grey.shape) < _WINDOW:
        return found
    second = np.zeros(grey.shape, np.float32)
    second[:, 1:-1] = np.abs(2 * grey[:, 1:-1] - grey[:, :-2] - grey[:, 2:])
    level = _level(second, high, wide)
    cut = np.minimum(second[: high * BLOCK, : wide * BLOCK] / level, _MOST)
    strips = cut.reshape(high, BLOCK, wide * BLOCK).sum(1, dtype=np.float64)
    sums = np.concatenate([np.zeros((1, strips.shape[1])), strips.cumsum(0)])
    reach = _WINDOW // BLOCK // 2
    taper = np.hanning(_WINDOW)
    cycles = np.arange(_WINDOW // 2 + 1)
    # The taper spreads what JPEG leaves over the neighbouring frequencies.
    looked = (cycles >= _LEAST_CYCLES) & (np.abs((cycles + 4) % 8 - 4) > 1)
    place = np.clip(np.arange(wide) - reach, 0, wide - 2 * reach)
    for row in range(high):
        first = min(max(row - reach, 0), high - 2 * reach)
        profile = sums[first + 2 * reach] - sums[first]
        windows = np.lib.stride_tricks.sliding_window_view(profile, _WINDOW)[::BLOCK]
        windows = windows - windows.mean(1, keepdims=True)
        power = np.log(np.abs(np.fft.rfft(windows * taper)[:, looked]) ** 2 + 1e-3)
        found[row] = (power.max(1) - np.median(power, 1))[place]
    return found


def _level(second: Plane, high: int, wide: int) -> Plane:
    cells = second[: high * BLOCK, : wide * BLOCK].reshape(high, BLOCK, wide, BLOCK).mean((1, 3))
    padded = np.pad(cells, 1, mode="edge")
    smooth = sum(padded[i : i + high, j : j + wide] for i in range(3) for j in range(3))
    level = np.asarray(smooth, np.float32) / np.float32(9) + np.float32(0.5)
    return level.repeat(BLOCK, 0).repeat(BLOCK, 1)
