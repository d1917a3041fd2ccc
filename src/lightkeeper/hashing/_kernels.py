"""The inner loops of PDQ, compiled by numba.

Importing this module imports numba (slow); only :mod:`lightkeeper.hashing._pdq` does, on first use.

The exact kernel repeats the reference's float32 additions and divisions in the reference's order
for every pixel that reaches the 64x64 samples, so its result is bit-identical. It streams: eight
rows at a time pass the row filter, a ring of one window's rows feeds the column filter, and of
the second pass only the 64 sampled columns are kept.

Rows are copied by loops: a slice that is assigned to a slice brings numba's formatted message about
shapes with it, which takes longer to compile than the kernel.

References
----------
.. [1] Facebook, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", 2019.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.media._compile import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Bytes = NDArray[np.uint8]
    Places = NDArray[np.int64]
    Axis = tuple[int, int, Floats, Places]
    """Of one axis: width of the box filter, how far it reaches ahead of the pixel that it is for,
    pixels of each window that lie inside the picture, the 64 positions that decimation keeps."""


@compiled
def _zeros(rows: int, columns: int) -> Floats:
    # numba compiles its own np.zeros anew for each kernel.
    made = np.empty((rows, columns), np.float32)
    for i in range(rows):
        for j in range(columns):
            made[i, j] = np.float32(0)
    return made


@compiled
def _luma(rgb_row: Bytes, out: Floats) -> None:
    # Weights times 1000 keep every sum an exact float32 integer, so that one division rounds to
    # what double arithmetic followed by a cast gives: all 2^24 colours agree with the reference.
    for x in range(out.shape[0]):
        out[x] = (
            np.float32(299) * np.float32(rgb_row[x, 0])
            + np.float32(587) * np.float32(rgb_row[x, 1])
            + np.float32(114) * np.float32(rgb_row[x, 2])
        ) / np.float32(1000)


@compiled
def _running_sums(strip: Floats, width: int, sums: Floats) -> None:
    # Each sum is a serial chain whose order must not change; eight chains side by side hide its
    # latency. The zeros before and after each row make the clipped windows need no branch.
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = np.float32(0)
    for k in range(sums.shape[1]):
        s0 = (s0 + strip[0, k + width]) - strip[0, k]
        s1 = (s1 + strip[1, k + width]) - strip[1, k]
        s2 = (s2 + strip[2, k + width]) - strip[2, k]
        s3 = (s3 + strip[3, k + width]) - strip[3, k]
        s4 = (s4 + strip[4, k + width]) - strip[4, k]
        s5 = (s5 + strip[5, k + width]) - strip[5, k]
        s6 = (s6 + strip[6, k + width]) - strip[6, k]
        s7 = (s7 + strip[7, k + width]) - strip[7, k]
        sums[0, k] = s0
        sums[1, k] = s1
        sums[2, k] = s2
        sums[3, k] = s3
        sums[4, k] = s4
        sums[5, k] = s5
        sums[6, k] = s6
        sums[7, k] = s7


@compiled
def _divide(sums: Floats, counts: Floats, out: Floats) -> None:
    for x in range(out.shape[0]):
        out[x] = sums[x] / counts[x]


@compiled
def _slide(
    total: Floats, entering: Floats, leaving: Floats, count: np.float32, out: Floats
) -> None:
    for x in range(total.shape[0]):
        value = (total[x] + entering[x]) - leaving[x]
        total[x] = value
        out[x] = value / count


@compiled
def _first_row_pass(
    rgb: Bytes,
    top: np.int64,
    strip: Floats,
    sums: Floats,
    across: Axis,
    ring: Floats,
) -> np.int64:
    """Luma and row filter of up to eight rows, into their places in the ring."""
    width, ahead, counts, _ = across
    columns = rgb.shape[1]
    rows = min(8, rgb.shape[0] - top)
    for row in range(rows):
        _luma(rgb[top + row], strip[row, width : width + columns])
    _running_sums(strip, width, sums)
    for row in range(rows):
        _divide(sums[row, ahead - 1 :], counts, ring[(top + row) % ring.shape[0]])
    read: np.int64 = top + rows
    return read


@compiled
def _second_row_pass(strip: Floats, sums: Floats, across: Axis, rows: int, out: Floats) -> None:
    """Row filter of up to eight rows, kept at the 64 sampled columns only."""
    width, ahead, counts, places = across
    _running_sums(strip, width, sums)
    for row in range(rows):
        for j in range(64):
            out[row, j] = sums[row, places[j] + ahead - 1] / counts[places[j]]


@compiled
def _filter_to_columns(rgb: Bytes, down: Axis, across: Axis) -> Floats:
    """Both row passes and the first column pass, shape (H, 64)."""
    height, columns = rgb.shape[0], rgb.shape[1]
    width, ahead, _, _ = across
    tall, below, counts, _ = down
    strip = _zeros(8, columns + width + ahead)
    emitted = _zeros(8, columns + width + ahead)
    sums = np.empty((8, columns + ahead - 1), np.float32)
    ring = np.empty((tall + 9, columns), np.float32)
    lines = _zeros(2, columns)
    total, nothing = lines[0], lines[1]
    narrow = np.empty((height, 64), np.float32)
    read = np.int64(0)
    for row in range(1 - below, height):
        new, old = row + below - 1, row + below - 1 - tall
        if new == read and read < height:
            read = _first_row_pass(rgb, read, strip, sums, across, ring)
        entering = ring[new % ring.shape[0]] if new < height else nothing
        leaving = ring[old % ring.shape[0]] if old >= 0 else nothing
        lane = max(row, 0) % 8
        count = counts[max(row, 0)]
        _slide(total, entering, leaving, count, emitted[lane, width : width + columns])
        if row >= 0 and (lane == 7 or row == height - 1):
            _second_row_pass(emitted, sums, across, lane + 1, narrow[row - lane :])
    return narrow


@compiled
def exact_samples(rgb: Bytes, down: Axis, across: Axis) -> Floats:
    """Filter and decimate RGB, shape (H, W, 3), to 64x64 as the reference does."""
    height, columns = rgb.shape[0], rgb.shape[1]
    samples = np.empty((64, 64), np.float32)
    if height == 64 and columns == 64:
        for row in range(64):
            _luma(rgb[row], samples[row])
        return samples
    narrow = _filter_to_columns(rgb, down, across)
    tall, below, counts, places = down
    lines = _zeros(3, 64)
    total, nothing, out = lines[0], lines[1], lines[2]
    wanted = 0
    for row in range(1 - below, height):
        new, old = row + below - 1, row + below - 1 - tall
        entering = narrow[new] if new < height else nothing
        leaving = narrow[old] if old >= 0 else nothing
        _slide(total, entering, leaving, counts[max(row, 0)], out)
        while wanted < 64 and places[wanted] == row:
            for j in range(64):
                samples[wanted, j] = out[j]
            wanted += 1
    return samples


@compiled
def banded_weights(
    size: int, axis: Axis, scale: int, from_end: bool
) -> tuple[Places, NDArray[np.float64]]:
    """Both box filters and the decimation of one axis as 64 short rows of weights.

    The full-resolution weights of each ``scale`` pixels are summed, to fit a decode in which one
    pixel stands for their mean. Those blocks are counted from the end where the axis was flipped
    after decoding. Returns first positions, shape (64,), and weights, shape (64, band).
    """
    width, ahead, counts, places = axis
    length = (size + scale - 1) // scale
    shift = length * scale - size if from_end else 0
    first, band = np.empty(64, np.int64), 1
    for i in range(64):
        low = max(0, max(0, places[i] + ahead - width) + ahead - width)
        high = min(size - 1, min(size - 1, places[i] + ahead - 1) + ahead - 1)
        first[i] = (low + shift) // scale
        band = max(band, (high + shift) // scale - first[i] + 1)
    weights = np.zeros((64, band))
    for i in range(64):
        first[i] = min(first[i], length - band)
        for k in range(max(0, places[i] + ahead - width), min(size, places[i] + ahead)):
            share = 1.0 / (counts[places[i]] * counts[k])
            for p in range(max(0, k + ahead - width), min(size, k + ahead)):
                weights[i, (p + shift) // scale - first[i]] += share
    return first, weights


@partial(compiled, reassociate=True)
def linear_samples(
    luma: Bytes,
    row_starts: Places,
    row_weights: Floats,
    column_starts: Places,
    column_weights: Floats,
) -> Floats:
    """Filter and decimate 8-bit luma, shape (h, w), by banded weights of both axes."""
    columns = luma.shape[1]
    samples = np.empty((64, 64), np.float32)
    line = np.empty(columns, np.float32)
    for i in range(64):
        for x in range(columns):
            line[x] = np.float32(0)
        for k in range(row_weights.shape[1]):
            weight = row_weights[i, k]
            row = luma[row_starts[i] + k]
            for x in range(columns):
                line[x] += weight * np.float32(row[x])
        for j in range(64):
            value = np.float32(0)
            for k in range(column_weights.shape[1]):
                value += column_weights[j, k] * line[column_starts[j] + k]
            samples[i, j] = value
    return samples


@compiled
def dct_coefficients(samples: Floats, basis: Floats) -> Floats:
    """Frequencies 1-16 of both axes, shape (16, 16); sums run in the reference's order."""
    half = _zeros(16, 64)
    for i in range(16):
        for k in range(64):
            for j in range(64):
                half[i, j] += basis[i, k] * samples[k, j]
    coefficients = _zeros(16, 16)
    for i in range(16):
        for k in range(64):
            for j in range(16):
                coefficients[i, j] += half[i, k] * basis[j, k]
    return coefficients
