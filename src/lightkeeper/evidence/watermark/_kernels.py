"""Compiled loops: one walk over the pixels scores every block for every embedding variant.

Rows of this module's score arrays are ``2 * variant + method``: variants in the order uint8-bgr,
uint8-rgb, float32-bgr, float32-rgb; methods dwtDct, dwtDctSvd. Blocks are numbered row by row, as
the reference encoder numbers them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCALE = 36.0
"""Quantiser step of both methods, in units of the Haar low band."""
LANES = 8
_RING = 8

# A decoder that doubles subsampled chroma with the triangle filter (3/4, 1/4) leaves each low-band
# sample mixed with its neighbours as (1/8, 3/4, 1/8). These are the central taps of the inverse.
_INVERSE = np.array([0.0294373, -0.1715729, 1.0])
_INVERSE = (_INVERSE / (2 * _INVERSE.sum() - 1)).astype(np.float32)
_AS_DECODED = np.array([0, 0, 1], np.float32)


@njit(cache=True, nogil=True, error_model="numpy")
def _u(first: np.int32, green: np.int32, third: np.int32) -> np.int32:
    """U of a pixel whose channels are read as blue, green, red; fixed point with 14 bits."""
    luma = (first * 1868 + green * 9617 + third * 4899 + 8192) >> 14
    u = ((first - luma) * 8061 + (128 << 14) + 8192) >> 14
    return np.int32(min(max(u, np.int32(0)), np.int32(255)))


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _largest_root(c2: float, c3: float, c4: float) -> float:
    """Largest root of x⁴ - x³ + c2·x² - c3·x + c4, whose roots are real and not negative.

    Laguerre's method from above, which converges monotonically here.
    """
    # The 4-norm of the roots is a close upper bound; power sums by Newton's identities.
    p2 = 1.0 - 2.0 * c2
    p3 = p2 - c2 + 3.0 * c3
    p4 = max(p3 - c2 * p2 + c3 - 4.0 * c4, 0.0)
    x = math.sqrt(math.sqrt(p4)) + 1e-9
    # Rounding governs where roots meet; this ratio never exceeds the largest.
    floor = p4 / max(p3, 1e-30)
    for _ in range(5):
        value = max((((x - 1.0) * x + c2) * x - c3) * x + c4, 0.0)
        slope = max(((4.0 * x - 3.0) * x + 2.0 * c2) * x - c3, 0.0)
        bend = (12.0 * x - 6.0) * x + 2.0 * c2
        inside = max(9.0 * slope * slope - 12.0 * value * bend, 0.0)
        x = max(x - 4.0 * value / (slope + math.sqrt(inside) + 1e-30), floor)
    return x


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def largest_singular_value(lanes: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Largest singular value of each block, where dwtDctSvd writes; ``lanes`` is (16, blocks).

    It is the square root of the largest root of the characteristic polynomial of B·Bᵀ; the
    orthonormal DCT, which the reference applies first, does not change it.
    """
    for j in range(out.shape[0]):
        a, b, c, d = (
            np.float64(lanes[0, j]),
            np.float64(lanes[1, j]),
            np.float64(lanes[2, j]),
            np.float64(lanes[3, j]),
        )
        e, f, g, h = (
            np.float64(lanes[4, j]),
            np.float64(lanes[5, j]),
            np.float64(lanes[6, j]),
            np.float64(lanes[7, j]),
        )
        k, l_, m, n = (
            np.float64(lanes[8, j]),
            np.float64(lanes[9, j]),
            np.float64(lanes[10, j]),
            np.float64(lanes[11, j]),
        )
        o, p, q, r = (
            np.float64(lanes[12, j]),
            np.float64(lanes[13, j]),
            np.float64(lanes[14, j]),
            np.float64(lanes[15, j]),
        )
        # Gram matrix, scaled to trace 1.
        g00, g11 = a * a + b * b + c * c + d * d, e * e + f * f + g * g + h * h
        g22, g33 = k * k + l_ * l_ + m * m + n * n, o * o + p * p + q * q + r * r
        trace = g00 + g11 + g22 + g33 + 1e-30
        unit = 1.0 / trace
        g00, g11, g22, g33 = g00 * unit, g11 * unit, g22 * unit, g33 * unit
        g01, g02 = (a * e + b * f + c * g + d * h) * unit, (a * k + b * l_ + c * m + d * n) * unit
        g03, g12 = (a * o + b * p + c * q + d * r) * unit, (e * k + f * l_ + g * m + h * n) * unit
        g13, g23 = (e * o + f * p + g * q + h * r) * unit, (k * o + l_ * p + m * q + n * r) * unit
        # Minors of the upper and lower row pair give all coefficients of the polynomial.
        u01, u02, u03 = g00 * g11 - g01 * g01, g00 * g12 - g01 * g02, g00 * g13 - g01 * g03
        u12, u13, u23 = g01 * g12 - g11 * g02, g01 * g13 - g11 * g03, g02 * g13 - g12 * g03
        v01, v02, v03 = g02 * g13 - g12 * g03, g02 * g23 - g22 * g03, g02 * g33 - g23 * g03
        v12, v13, v23 = g12 * g23 - g22 * g13, g12 * g33 - g23 * g13, g22 * g33 - g23 * g23
        s02, s03 = g00 * g22 - g02 * g02, g00 * g33 - g03 * g03
        s12, s13 = g11 * g22 - g12 * g12, g11 * g33 - g13 * g13
        c2 = u01 + s02 + s03 + s12 + s13 + v23
        c4 = u01 * v23 - u02 * v13 + u03 * v12 + u12 * v03 - u13 * v02 + u23 * v01
        c3 = (
            g22 * u01
            - g12 * u02
            + g02 * u12
            + g33 * u01
            - g13 * u03
            + g03 * u13
            + g00 * v23
            - g02 * (g02 * g33 - g23 * g03)
            + g03 * (g02 * g23 - g22 * g03)
            + g11 * v23
            - g12 * v13
            + g13 * v12
        )
        out[j] = math.sqrt(_largest_root(c2, c3, c4) * trace)


@njit(cache=True, nogil=True, error_model="numpy")
def _soft_bit(value: np.float32) -> np.float32:
    """Score in [-1, 1]: a parabola through the cell centres, +1 where a one is written.

    It follows the log-likelihood of a wrapped normal, so that a value near a cell's edge weighs
    little, where the reference's hard vote counts it in full.
    """
    t = value * np.float32(1 / SCALE)
    x = t - np.floor(t) - np.float32(0.5)
    return np.float32(np.float32(8) * x * (np.float32(1) - abs(x) - abs(x)))


@njit(cache=True, nogil=True, error_model="numpy")
def _score_blocks(
    rgb: NDArray[np.uint8],
    taps: NDArray[np.float32],
    sums: NDArray[np.int32],
    row: NDArray[np.float32],
    ring: NDArray[np.float32],
    lanes: NDArray[np.float32],
    values: NDArray[np.float32],
    scores: NDArray[np.float32],
) -> None:
    """One walk, and one function: what it called would be compiled again within it."""
    rows, columns = rgb.shape[0] // 8, rgb.shape[1] // 8
    width, last = ring.shape[2], rgb.shape[0] // 4 * 2 - 1
    a, b, c = taps[0], taps[1], taps[2]
    half, weight = np.float32(0.5), np.float32(0.246)
    done = 0
    for i in range(rows):
        # The vertical filter reaches two low-band rows past the block row.
        while done <= min(4 * i + 5, last):
            upper, lower = rgb[2 * done], rgb[2 * done + 1]
            # Sums over two rows of U for both channel orders (as OpenCV rounds it), of R, G and B.
            for x in range(2 * width):
                r0, g0, b0 = np.int32(upper[x, 0]), np.int32(upper[x, 1]), np.int32(upper[x, 2])
                r1, g1, b1 = np.int32(lower[x, 0]), np.int32(lower[x, 1]), np.int32(lower[x, 2])
                sums[0, x] = _u(b0, g0, r0) + _u(b1, g1, r1)
                sums[1, x] = _u(r0, g0, b0) + _u(r1, g1, b1)
                sums[2, x] = r0 + r1
                sums[3, x] = g0 + g1
                sums[4, x] = b0 + b1
            # One row of the Haar low band of U, for the four variants, between two edge samples.
            for x in range(width):
                row[0, x + 2] = half * np.float32(sums[0, 2 * x] + sums[0, 2 * x + 1])
                row[1, x + 2] = half * np.float32(sums[1, 2 * x] + sums[1, 2 * x + 1])
                red = np.float32(sums[2, 2 * x] + sums[2, 2 * x + 1])
                green = np.float32(0.587) * np.float32(sums[3, 2 * x] + sums[3, 2 * x + 1])
                blue = np.float32(sums[4, 2 * x] + sums[4, 2 * x + 1])
                luma = np.float32(0.299) * red + green + np.float32(0.114) * blue
                swapped = np.float32(0.299) * blue + green + np.float32(0.114) * red
                # Float U is centred on 0.5, where uint8 U is centred on 128.
                row[2, x + 2] = (blue - luma) * weight + np.float32(1)
                row[3, x + 2] = (red - swapped) * weight + np.float32(1)
            for v in range(4):
                line, out = row[v], ring[v, done % _RING]
                line[0] = line[1] = line[2]
                line[width + 2] = line[width + 3] = line[width + 1]
                for x in range(width):
                    out[x] = (
                        a * (line[x] + line[x + 4])
                        + b * (line[x + 1] + line[x + 3])
                        + c * line[x + 2]
                    )
            done += 1
        for v in range(4):
            # 4×4 blocks of one block row as 16 lanes.
            for k in range(16):
                y = 4 * i + k // 4
                up, upmost = ring[v, max(y - 1, 0) % _RING], ring[v, max(y - 2, 0) % _RING]
                down, lowest = ring[v, min(y + 1, last) % _RING], ring[v, min(y + 2, last) % _RING]
                here, lane = ring[v, y % _RING], lanes[k]
                for j in range(columns):
                    x = 4 * j + k % 4
                    lane[j] = a * (upmost[x] + lowest[x]) + b * (up[x] + down[x]) + c * here[x]
            # Largest magnitude in each block, its first sample left out: where dwtDct writes.
            values[:] = 0
            for k in range(1, 16):
                lane = lanes[k]
                for j in range(columns):
                    values[j] = max(values[j], abs(lane[j]))
            out = scores[2 * v, i * columns : (i + 1) * columns]
            for j in range(columns):
                out[j] = _soft_bit(values[j])
            largest_singular_value(lanes, values)
            out = scores[2 * v + 1, i * columns : (i + 1) * columns]
            for j in range(columns):
                out[j] = _soft_bit(values[j])


def score_blocks(rgb: NDArray[np.uint8], *, restore: bool) -> NDArray[np.float32]:
    """Score every block for all variants and methods.

    Parameters
    ----------
    rgb : uint8, shape (H, W, 3), at least 8×8
    restore : bool
        Undo the triangle filter that doubled subsampled chroma.

    Returns
    -------
    float32, shape (8, (H // 8) * (W // 8)), in [-1, 1]
    """
    pixels = np.ascontiguousarray(rgb).view()
    pixels.flags.writeable = False  # One compiled signature serves read-only and other arrays.
    rows, columns = rgb.shape[0] // 8, rgb.shape[1] // 8
    width = rgb.shape[1] // 4 * 2
    scores = np.empty((LANES, rows * columns), np.float32)
    _score_blocks(
        pixels,
        _INVERSE if restore else _AS_DECODED,
        np.empty((5, 2 * width), np.int32),
        np.empty((4, width + 4), np.float32),
        np.empty((4, _RING, width), np.float32),
        np.empty((16, columns), np.float32),
        np.empty(columns, np.float32),
        scores,
    )
    return scores


def fold(scores: NDArray[np.float32], length: int) -> NDArray[np.float64]:
    """Mean score of each message bit: block ``n`` carries bit ``n % length``.

    Parameters
    ----------
    scores : float32, shape (rows, blocks)
    length : int
        At most the number of blocks.

    Returns
    -------
    float64, shape (rows of ``scores``, length)
    """
    lanes, blocks = scores.shape
    whole, rest = divmod(blocks, length)
    repeated = scores[:, : whole * length].reshape(lanes, whole, length)
    sums = repeated.sum(axis=1, dtype=np.float64)
    sums[:, :rest] += scores[:, whole * length :]
    counts = np.full(length, float(whole))
    counts[:rest] += 1
    return np.asarray(sums / counts)
