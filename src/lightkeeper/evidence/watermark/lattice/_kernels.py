"""Compiled loops over the pixels: whitening, and folding onto one tile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS = 128
"""Bins along each side of a folded tile: fine enough that rounding to one costs 2 % at most."""
_LEAST, _SHARE = np.float32(2.0), np.float32(0.3)
"""Amplitude that is expected of the mark in flat places, and its growth with the deviation."""
_ACROSS = np.float32(0.15)
"""What the stronger direction of an edge counts beside the weaker one."""
_REACH = 3
_FLOOR = np.float32(2.0)
_MOST = np.float32(2.5)


def luma(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """ITU-R BT.601 luma, shape (H, W)."""
    pixels = np.ascontiguousarray(rgb).view()
    pixels.flags.writeable = False  # One compiled signature serves read-only and other arrays.
    return np.asarray(_luma(pixels))


@njit(cache=True, nogil=True, error_model="numpy")
def _luma(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    height, width = rgb.shape[0], rgb.shape[1]
    out = np.empty((height, width), np.float32)
    for y in range(height):
        for x in range(width):
            weighted = 299 * np.int32(rgb[y, x, 0]) + 587 * np.int32(rgb[y, x, 1])
            out[y, x] = np.float32(weighted + 114 * np.int32(rgb[y, x, 2])) * np.float32(1e-3)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def box_mean(values: NDArray[np.float32], reach: int) -> NDArray[np.float32]:
    """Mean over (2·reach + 1)² samples, fewer at the border."""
    height, width = values.shape
    out = np.empty((height, width), np.float32)
    columns = np.zeros(width, np.float64)
    for y in range(-reach, height):
        if y + reach < height:
            row = values[y + reach]
            for x in range(width):
                columns[x] += row[x]
        if y - reach - 1 >= 0:
            row = values[y - reach - 1]
            for x in range(width):
                columns[x] -= row[x]
        if y < 0:
            continue
        rows = min(y + reach, height - 1) - max(y - reach, 0) + 1
        total = 0.0
        for x in range(min(reach, width)):
            total += columns[x]
        for x in range(width):
            if x + reach < width:
                total += columns[x + reach]
            if x - reach - 1 >= 0:
                total -= columns[x - reach - 1]
            across = min(x + reach, width - 1) - max(x - reach, 0) + 1
            out[y, x] = np.float32(total / (rows * across))
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def gradients(
    values: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Products xx, xy and yy of central differences, each of shape (H, W)."""
    height, width = values.shape
    half = np.float32(0.5)
    xx, xy, yy = np.empty_like(values), np.empty_like(values), np.empty_like(values)
    for y in range(height):
        above, below = values[max(y - 1, 0)], values[min(y + 1, height - 1)]
        for x in range(width):
            across = half * (values[y, min(x + 1, width - 1)] - values[y, max(x - 1, 0)])
            down = half * (below[x] - above[x])
            xx[y, x], xy[y, x], yy[y, x] = across * across, across * down, down * down
    return xx, xy, yy


@njit(cache=True, nogil=True, error_model="numpy")
def weaker(
    xx: NDArray[np.float32], xy: NDArray[np.float32], yy: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Power of the gradient in its weaker direction, and a share of the stronger; (H, W).

    Texture has gradients in all directions and hides the mark; an edge has one and does not.
    """
    out = np.empty_like(xx)
    for y in range(xx.shape[0]):
        for x in range(xx.shape[1]):
            mean = np.float32(0.5) * (xx[y, x] + yy[y, x])
            apart = np.hypot(np.float32(0.5) * (xx[y, x] - yy[y, x]), xy[y, x])
            out[y, x] = max(mean - apart, np.float32(0)) + _ACROSS * (mean + apart)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _weigh(high: NDArray[np.float32], power: NDArray[np.float32]) -> None:
    """Divide by the variance around and multiply by the amplitude that the mark has there."""
    for y in range(high.shape[0]):
        for x in range(high.shape[1]):
            deviation = np.sqrt(max(power[y, x], np.float32(0)))
            scaled = high[y, x] / (deviation + _FLOOR)
            scaled = min(max(scaled, -_MOST), _MOST)
            high[y, x] = scaled * (_LEAST + _SHARE * deviation) / (deviation + _FLOOR)


def whiten(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """High-passed luma, each pixel weighted for a mark that follows local activity; (H, W).

    This is the matched filter for noise whose deviation is the local one: no edge outweighs a lawn.
    """
    values: NDArray[np.float32] = luma(rgb)
    values -= box_mean(values, _REACH)
    _weigh(values, box_mean(values * values, _REACH))
    return values


def fold(values: NDArray[np.float32], inverse: NDArray[np.float64]) -> NDArray[np.float32]:
    """Sum of all pixels by their place in the tile, shape (128, 128).

    ``inverse`` (2×2) takes pixels (x, y), counted from the centre, to periods of the lattice.
    """
    tile = np.zeros((BINS, BINS), np.float32)
    _walk(values, inverse, tile, True)
    return tile


def unfold(values: NDArray[np.float32], inverse: NDArray[np.float64]) -> None:
    """Take from all pixels what repeats with the lattice, in place."""
    tile = fold(values, inverse)
    count = fold(np.ones_like(values), inverse)
    _walk(values, inverse, tile / np.maximum(count, 1), False)


@njit(cache=True, nogil=True, error_model="numpy")
def _walk(
    values: NDArray[np.float32],
    inverse: NDArray[np.float64],
    tile: NDArray[np.float32],
    summed: bool,
) -> None:
    """Add each pixel to its place in the tile, or take that place's value from the pixel."""
    height, width = values.shape
    top, left = height / 2.0, width / 2.0
    for y in range(height):
        s = inverse[0, 1] * (y - top) - inverse[0, 0] * left
        t = inverse[1, 1] * (y - top) - inverse[1, 0] * left
        # Fixed point: 32 bits hold the fraction of a period, and overflow drops whole ones.
        a = np.uint32(np.int64(np.floor((s - np.floor(s)) * 4294967296.0)))
        b = np.uint32(np.int64(np.floor((t - np.floor(t)) * 4294967296.0)))
        fraction = inverse[0, 0] - np.floor(inverse[0, 0])
        da = np.uint32(np.int64(fraction * 4294967296.0))
        fraction = inverse[1, 0] - np.floor(inverse[1, 0])
        db = np.uint32(np.int64(fraction * 4294967296.0))
        for x in range(width):
            if summed:
                tile[b >> np.uint32(25), a >> np.uint32(25)] += values[y, x]
            else:
                values[y, x] -= tile[b >> np.uint32(25), a >> np.uint32(25)]
            a = np.uint32(a + da)
            b = np.uint32(b + db)


@njit(cache=True, nogil=True, error_model="numpy")
def add(
    rgb: NDArray[np.uint8], mask: NDArray[np.float32], tile: NDArray[np.float32], strength: float
) -> tuple[NDArray[np.uint8], float]:
    """Add the repeated tile times ``mask`` to every channel; also the mean squared change."""
    marked = np.empty_like(rgb)
    total = 0
    for y in range(rgb.shape[0]):
        row = tile[y % tile.shape[0]]
        for x in range(rgb.shape[1]):
            change = np.float32(strength) * mask[y, x] * row[x % tile.shape[1]]
            for channel in range(3):
                before = np.int32(rgb[y, x, channel])
                after = min(max(before + np.int32(np.rint(change)), np.int32(0)), np.int32(255))
                marked[y, x, channel] = np.uint8(after)
                total += int(after - before) ** 2
    return marked, total / rgb.size
