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
_INVERSE = np.array([0.0294373, -0.1715729, 1.0, -0.1715729, 0.0294373])
_INVERSE = (_INVERSE / _INVERSE.sum()).astype(np.float32)


@njit(cache=True, nogil=True, error_model="numpy")
def _pair_sums(upper: NDArray[np.uint8], lower: NDArray[np.uint8], sums: NDArray[np.int32]) -> None:
    """Sums over two rows of U for both channel orders (as OpenCV rounds it) and of R, G and B."""
    for x in range(upper.shape[0]):
        r, g, b = np.int32(upper[x, 0]), np.int32(upper[x, 1]), np.int32(upper[x, 2])
        s, h, c = np.int32(lower[x, 0]), np.int32(lower[x, 1]), np.int32(lower[x, 2])
        bgr = _u(b, g, r) + _u(c, h, s)
        rgb = _u(r, g, b) + _u(s, h, c)
        sums[0, x] = bgr
        sums[1, x] = rgb
        sums[2, x] = r + s
        sums[3, x] = g + h
        sums[4, x] = b + c


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _u(first: np.int32, green: np.int32, third: np.int32) -> np.int32:
    """U of a pixel whose channels are read as blue, green, red; fixed point with 14 bits."""
    luma = (first * 1868 + green * 9617 + third * 4899 + 8192) >> 14
    u = ((first - luma) * 8061 + (128 << 14) + 8192) >> 14
    return np.int32(min(max(u, np.int32(0)), np.int32(255)))


@njit(cache=True, nogil=True, error_model="numpy")
def _low_band_row(sums: NDArray[np.int32], row: NDArray[np.float32]) -> None:
    """One row of the Haar low band of U, for the four variants; ``row`` has shape (4, W/2)."""
    half, weight = np.float32(0.5), np.float32(0.246)
    for x in range(row.shape[1]):
        row[0, x] = half * np.float32(sums[0, 2 * x] + sums[0, 2 * x + 1])
        row[1, x] = half * np.float32(sums[1, 2 * x] + sums[1, 2 * x + 1])
        r = np.float32(sums[2, 2 * x] + sums[2, 2 * x + 1])
        g = np.float32(sums[3, 2 * x] + sums[3, 2 * x + 1])
        b = np.float32(sums[4, 2 * x] + sums[4, 2 * x + 1])
        green = np.float32(0.587) * g
        luma = np.float32(0.299) * r + green + np.float32(0.114) * b
        swapped = np.float32(0.299) * b + green + np.float32(0.114) * r
        # Float U is centred on 0.5, where uint8 U is centred on 128.
        row[2, x] = (b - luma) * weight + np.float32(1)
        row[3, x] = (r - swapped) * weight + np.float32(1)


@njit(cache=True, nogil=True, error_model="numpy")
def _sharpen_row(row: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    n = row.shape[0]
    a, b, c = _INVERSE[0], _INVERSE[1], _INVERSE[2]
    for x in range(2, n - 2):
        out[x] = a * (row[x - 2] + row[x + 2]) + b * (row[x - 1] + row[x + 1]) + c * row[x]
    for x in (0, 1, n - 2, n - 1):
        far = row[max(x - 2, 0)] + row[min(x + 2, n - 1)]
        near = row[max(x - 1, 0)] + row[min(x + 1, n - 1)]
        out[x] = a * far + b * near + c * row[x]


@njit(cache=True, nogil=True, error_model="numpy")
def _gather(
    ring: NDArray[np.float32], first: int, last: int, sharpen: bool, lanes: NDArray[np.float32]
) -> None:
    """Lay 4×4 blocks of one block row out as 16 lanes; ``ring`` has shape (8, W/2)."""
    a, b, c = _INVERSE[0], _INVERSE[1], _INVERSE[2]
    for i in range(4):
        y = first + i
        row = ring[y % _RING]
        up, upper = ring[max(y - 1, 0) % _RING], ring[max(y - 2, 0) % _RING]
        down, lower = ring[min(y + 1, last) % _RING], ring[min(y + 2, last) % _RING]
        for k in range(4):
            lane = lanes[4 * i + k]
            if sharpen:
                for j in range(lane.shape[0]):
                    x = 4 * j + k
                    lane[j] = a * (upper[x] + lower[x]) + b * (up[x] + down[x]) + c * row[x]
            else:
                for j in range(lane.shape[0]):
                    lane[j] = row[4 * j + k]


@njit(cache=True, nogil=True, error_model="numpy")
def _largest_coefficient(lanes: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Largest magnitude in each block, its first sample left out: where dwtDct writes."""
    out[:] = 0
    for k in range(1, 16):
        lane = lanes[k]
        for j in range(out.shape[0]):
            out[j] = max(out[j], abs(lane[j]))


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


@njit(cache=True, nogil=True, error_model="numpy")
def largest_singular_value(lanes: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Largest singular value of each block, where dwtDctSvd writes; ``lanes`` is (16, blocks).

    It is the square root of the largest root of the characteristic polynomial of B·Bᵀ; the
    orthonormal DCT, which the reference applies first, does not change it.
    """
    for j in range(out.shape[0]):
        a, b, c, d = _f64(lanes[0, j]), _f64(lanes[1, j]), _f64(lanes[2, j]), _f64(lanes[3, j])
        e, f, g, h = _f64(lanes[4, j]), _f64(lanes[5, j]), _f64(lanes[6, j]), _f64(lanes[7, j])
        k, l_, m, n = _f64(lanes[8, j]), _f64(lanes[9, j]), _f64(lanes[10, j]), _f64(lanes[11, j])
        o, p, q, r = _f64(lanes[12, j]), _f64(lanes[13, j]), _f64(lanes[14, j]), _f64(lanes[15, j])
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


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _f64(value: np.float32) -> np.float64:
    return np.float64(value)


@njit(cache=True, nogil=True, error_model="numpy")
def _soft_bits(values: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Score in [-1, 1]: a parabola through the cell centres, +1 where a one is written.

    It follows the log-likelihood of a wrapped normal, so that a value near a cell's edge weighs
    little, where the reference's hard vote counts it in full.
    """
    scale, half, one = np.float32(1 / SCALE), np.float32(0.5), np.float32(1)
    for j in range(values.shape[0]):
        t = values[j] * scale
        x = t - np.floor(t) - half
        out[j] = np.float32(8) * x * (one - abs(x) - abs(x))


@njit(cache=True, nogil=True, error_model="numpy")
def score_blocks(rgb: NDArray[np.uint8], restore: bool) -> NDArray[np.float32]:
    """Score every block for all variants and methods.

    Parameters
    ----------
    rgb : uint8, shape (H, W, 3), C-contiguous, at least 8×8
    restore : bool
        Undo the triangle filter that doubled subsampled chroma.

    Returns
    -------
    float32, shape (8, (H // 8) * (W // 8)), in [-1, 1]
    """
    rows, columns = rgb.shape[0] // 8, rgb.shape[1] // 8
    width, last = rgb.shape[1] // 4 * 2, rgb.shape[0] // 4 * 2 - 1
    scores = np.empty((LANES, rows * columns), np.float32)
    sums = np.empty((5, 2 * width), np.int32)
    row = np.empty((4, width), np.float32)
    ring = np.empty((4, _RING, width), np.float32)
    lanes = np.empty((16, columns), np.float32)
    values = np.empty(columns, np.float32)
    done = 0
    for i in range(rows):
        # The vertical filter reaches two low-band rows past the block row.
        while done <= min(4 * i + 5, last):
            _pair_sums(rgb[2 * done, : 2 * width], rgb[2 * done + 1, : 2 * width], sums)
            _low_band_row(sums, row)
            for v in range(4):
                if restore:
                    _sharpen_row(row[v], ring[v, done % _RING])
                else:
                    ring[v, done % _RING] = row[v]
            done += 1
        start = i * columns
        for v in range(4):
            _gather(ring[v], 4 * i, last, restore, lanes)
            _largest_coefficient(lanes, values)
            _soft_bits(values, scores[2 * v, start : start + columns])
            largest_singular_value(lanes, values)
            _soft_bits(values, scores[2 * v + 1, start : start + columns])
    return scores


@njit(cache=True, nogil=True, error_model="numpy")
def fold(scores: NDArray[np.float32], length: int) -> NDArray[np.float64]:
    """Mean score of each message bit: block ``n`` carries bit ``n % length``.

    Returns
    -------
    float64, shape (rows of ``scores``, length)
    """
    blocks = scores.shape[1]
    sums = np.zeros((scores.shape[0], length), np.float64)
    for lane in range(scores.shape[0]):
        total, line = sums[lane], scores[lane]
        for start in range(0, blocks, length):
            for bit in range(min(length, blocks - start)):
                total[bit] += line[start + bit]
        for bit in range(length):
            total[bit] /= blocks // length + (1 if bit < blocks % length else 0)
    return sums
