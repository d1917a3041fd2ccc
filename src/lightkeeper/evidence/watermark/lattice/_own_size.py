"""The first look: the mark at the size at which it was written, folded from all over the picture.

Crops, flips, quarter turns and codecs leave the period at 61 pixels. Whatever part of the picture
is looked at then adds to one tile at its own place, so that a sample of places far apart reads
like one window, and no smooth or foreign half hides the mark.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.watermark.lattice._kernels import BINS, whiten
from lightkeeper.evidence.watermark.lattice._pattern import PERIOD, pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Place = tuple[slice, slice]

BASIS = np.diag([float(PERIOD)] * 2)
_SIDE = 3 * PERIOD
"""Side of a block in pixels. Whole periods: every block begins where a tile does."""
BLOCKS = 15
"""Blocks looked at, half a megapixel: what the tier of pixels can pay for at every picture."""
_SPREAD = 0.6180339887498949
"""Steps of the golden section come down far from all those before."""
_ROWS, _COLUMNS = 24, 12
_LIVELY = 0.2


def is_whole(rgb: NDArray[np.uint8], blocks: int) -> bool:
    """Whether so many blocks are the whole picture."""
    height, width = rgb.shape[:2]
    return bool(height * width <= blocks * _SIDE**2)


def own_size_spectrum(rgb: NDArray[np.uint8], blocks: int) -> NDArray[np.complex128]:
    """Fourier transform of the folded tile, shape (128, 128), 0 above the mark's frequencies.

    A larger picture is sampled: blocks of 183 pixels, those first in which neighbouring pixels
    differ. Blown-out places and what a codec made flat hold no mark.
    """
    tile = np.zeros((PERIOD, PERIOD))
    for place in _places(rgb, blocks):
        tile += _folded(whiten(np.ascontiguousarray(rgb[place])))
    most = int(np.abs(pattern().points).max())
    across = np.arange(-most, most + 1)
    spectrum = np.zeros((BINS, BINS), np.complex128)
    spectrum[np.ix_(across, across)] = np.fft.fft2(tile)[np.ix_(across, across)]
    return spectrum


def _places(rgb: NDArray[np.uint8], blocks: int) -> list[Place]:
    """What is looked at: the whole picture, or the blocks chosen from it."""
    height, width = rgb.shape[:2]
    if is_whole(rgb, blocks):
        return [(slice(height), slice(width))]
    chosen: list[Place] = []
    dull: list[Place] = []
    for place in _spread(height, width):
        (chosen if _lively(rgb[place]) else dull).append(place)
        if len(chosen) == blocks:
            break
    return [*chosen, *dull][:blocks]


def _spread(height: int, width: int) -> Iterator[Place]:
    """All blocks of the picture, neighbours far apart in order; those at two sides are smaller."""
    rows, columns = -(-height // _SIDE), -(-width // _SIDE)
    order = np.argsort(np.arange(rows * columns) * _SPREAD % 1, kind="stable")
    for index in order.tolist():
        down, across = divmod(index, columns)
        top, left = down * _SIDE, across * _SIDE
        yield (
            slice(top, min(top + _SIDE, height)),
            slice(left, min(left + _SIDE, width)),
        )


def _lively(block: NDArray[np.uint8]) -> bool:
    """Whether neighbouring pixels differ often enough for a mark to be among them."""
    green = block[::_ROWS, :, 1]
    pairs = green[:, 1::_COLUMNS] != green[:, : green.shape[1] - 1 : _COLUMNS]
    return bool(pairs.size) and float(pairs.mean()) >= _LIVELY


def _folded(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Sum over all periods, shape (61, 61)."""
    height, width = values.shape
    down, across = -(-height // PERIOD), -(-width // PERIOD)
    if (height, width) != (down * PERIOD, across * PERIOD):
        whole = np.zeros((down * PERIOD, across * PERIOD), np.float32)
        whole[:height, :width] = values
        values = whole
    periods = values.reshape(down, PERIOD, across, PERIOD)
    return np.asarray(periods.sum(axis=0).sum(axis=1), np.float64)
