"""What a picture's own pattern allows to be said about a grid in it.

A picture that was enlarged by repeating pixels, or whose content repeats, prefers some phases of
any grid by itself: there the other phases are no null of its own, and nothing is said.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.detectors.reconstruction._patches import Abstention

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Values = NDArray[np.float64]

_FLAT = 0.5
"""Share of pixels that equal their neighbour: drawings and screens .5 to .97, photographs less."""
_REPLICATED = 2.5
"""Steps at a block's border over those within: photographs to 2.04, decoded ones to 1.97, pixel
art 3 and more."""
_PERIODIC = 0.7
"""Correlation of a picture with itself, moved: photographs to .61, decoded ones to .52, tiles 1."""
_FACTORS = range(2, 33)
_SIDE, _LEAST, _MOST = 512, 8, 64
"""Pixels looked at, and the steps by which they are moved."""


class Stratum(StrEnum):
    """Kinds of pictures that show different contrasts; each has a null of its own."""

    CONTINUOUS = "continuous"
    """Photographs, paintings, shaded drawings."""
    FLAT = "flat"
    """Drawings, plots, screens: at least half of the pixels equal their neighbour."""


def stratum(rgb: Pixels) -> Stratum:
    """Which null a picture is compared with."""
    equal = (rgb[::2, 1:] == rgb[::2, :-1]).all(2)
    return Stratum.FLAT if equal.mean() >= _FLAT else Stratum.CONTINUOUS


def own_pattern(rgb: Pixels) -> Abstention | None:
    """Why the picture's own pattern could pass for a grid, or ``None``."""
    if _replication(rgb) >= _REPLICATED:
        return Abstention.REPLICATED
    return Abstention.PERIODIC if _repetition(rgb) >= _PERIODIC else None


def _replication(rgb: Pixels) -> float:
    values = rgb.astype(np.int16)
    steps = [
        np.minimum(np.abs(np.diff(values, axis=1)), 64).mean((0, 2)),
        np.minimum(np.abs(np.diff(values, axis=0)), 64).mean((1, 2)),
    ]
    return max(min(_border(each, factor) for each in steps) for factor in _FACTORS)


def _border(steps: Values, factor: int) -> float:
    whole = len(steps) // factor * factor
    if not whole:
        return 0.0
    means = steps[:whole].reshape(-1, factor).mean(0)
    place = int(means.argmax())
    return float(means[place] / (np.delete(means, place).mean() + 0.05))


def _repetition(rgb: Pixels) -> float:
    """The largest correlation of the middle frequencies with themselves, moved.

    A decoder's own grid lies in the high ones and hardly counts.
    """
    top, left = (max(0, (side - _SIDE) // 2) for side in rgb.shape[:2])
    grey = rgb[top : top + _SIDE, left : left + _SIDE].mean(2, dtype=np.float64)
    middle = _box(grey, 3) - _box(grey, 17)
    limit = 3 * np.abs(middle).mean() + 1e-3
    middle = np.clip(middle, -limit, limit)
    shape = (middle.shape[0] + _MOST, middle.shape[1] + _MOST)
    products = np.fft.irfft2(np.abs(np.fft.rfft2(middle, shape)) ** 2, shape)
    shared = [
        np.maximum(side - np.abs(np.fft.fftfreq(size) * size), 1)
        for side, size in zip(middle.shape, shape, strict=True)
    ]
    moved = products / np.outer(*shared)
    known = moved / (moved[0, 0] or 1.0)
    known[:_LEAST, :_LEAST] = known[1 - _LEAST :, :_LEAST] = 0
    return float(max(known[: _MOST + 1, : _MOST + 1].max(), known[-_MOST:, : _MOST + 1].max()))


def _box(plane: Values, side: int) -> Values:
    before, after = side // 2 + 1, side // 2
    sums = np.pad(plane, ((before, after), (before, after)), mode="edge").cumsum(0).cumsum(1)
    total = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    return np.asarray(total / side**2)
