"""Compiled loops over the plane of lags, which is centred and in units of its deviation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHORTEST = 13.0
"""Shortest period looked for, in samples of a plane."""
LARGEST_ASPECT = 1.7
_MOST = 12.0


@njit(cache=True, nogil=True)
def _offset(before: float, at: float, after: float) -> float:
    bend = before - 2 * at + after
    if bend >= 0:
        return 0.0
    return float(min(max(0.5 * (before - after) / bend, -0.5), 0.5))


@njit(cache=True, nogil=True)
def vertex(lags: NDArray[np.float32], x: int, y: int) -> tuple[float, float]:
    """Vertex of the parabolas through a maximum and its neighbours."""
    return (
        x + _offset(lags[y, x - 1], lags[y, x], lags[y, x + 1]),
        y + _offset(lags[y - 1, x], lags[y, x], lags[y + 1, x]),
    )


@njit(cache=True, nogil=True)
def _sample(lags: NDArray[np.float32], x: float, y: float) -> float:
    c = lags.shape[0] // 2
    i, j = int(np.floor(y)), int(np.floor(x))
    fy, fx = y - i, x - j
    i, j = i + c, j + c
    upper = (1 - fx) * lags[i, j] + fx * lags[i, j + 1]
    lower = (1 - fx) * lags[i + 1, j] + fx * lags[i + 1, j + 1]
    return float((1 - fy) * upper + fy * lower)


@njit(cache=True, nogil=True)
def _support(
    lags: NDArray[np.float32], reach: int, a: NDArray[np.float64], b: NDArray[np.float64]
) -> float:
    """Sum of the autocorrelation over the points of a lattice, in deviations of such a sum.

    The true lattice wins: a coarser one has fewer points, and half of a finer one's hold nothing.
    """
    det = abs(a[0] * b[1] - a[1] * b[0])
    most_m = int(reach * np.hypot(b[0], b[1]) / det) + 1
    most_n = int(reach * np.hypot(a[0], a[1]) / det) + 1
    total, count = 0.0, 0
    for m in range(most_m + 1):
        for n in range(-most_n, most_n + 1):
            if m == 0 and n <= 0:
                continue
            x, y = m * a[0] + n * b[0], m * a[1] + n * b[1]
            if x * x + y * y > reach * reach:
                continue
            total += min(_sample(lags, x, y), _MOST)
            count += 1
    return total / np.sqrt(count) if count else 0.0


@njit(cache=True, nogil=True)
def _reduced(a: NDArray[np.float64], b: NDArray[np.float64]) -> None:
    """Gauss's reduction, in place: the two shortest vectors of the lattice."""
    for _ in range(8):
        if a[0] * a[0] + a[1] * a[1] > b[0] * b[0] + b[1] * b[1]:
            for i in range(2):
                a[i], b[i] = b[i], a[i]
        times = np.rint((a[0] * b[0] + a[1] * b[1]) / max(a[0] * a[0] + a[1] * a[1], 1e-9))
        if times == 0:
            break
        b -= times * a


@njit(cache=True, nogil=True)
def supports(
    lags: NDArray[np.float32], reach: int, bases: NDArray[np.float64], areas: tuple[float, float]
) -> NDArray[np.float64]:
    """Reduce every basis in place; its support, or 0 where it is out of range. Shape (n,)."""
    scores = np.zeros(bases.shape[0])
    for i in range(bases.shape[0]):
        a, b = bases[i, :, 0].copy(), bases[i, :, 1].copy()
        _reduced(a, b)
        area = abs(a[0] * b[1] - a[1] * b[0])
        if a[0] * a[0] + a[1] * a[1] >= SHORTEST**2 and areas[0] <= area <= areas[1]:
            scores[i] = _support(lags, reach, a, b)
        bases[i, :, 0], bases[i, :, 1] = a, b
    return scores


@njit(cache=True, nogil=True)
def upright_scan(
    lags: NDArray[np.float32], reach: int, sides: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Support of every upright rectangular lattice, shape (widths, heights).

    Resized pictures are the usual case, and all points of their lattice count at once, however
    weak each is.
    """
    c = lags.shape[0] // 2
    n = sides.shape[0]
    scores = np.zeros((n, n))
    rows = np.zeros(2 * reach + 1)
    for i in range(n):
        rows[:] = 0
        most = int(reach / sides[i])
        for m in range(-most, most + 1):
            if m == 0:
                continue
            x = m * sides[i]
            j = int(np.floor(x))
            f = x - j
            for y in range(-reach, reach + 1):
                left, right = lags[y + c, j + c], lags[y + c, j + 1 + c]
                rows[y + reach] += min((1 - f) * left + f * right, _MOST)
        for k in range(n):
            ratio = sides[k] / sides[i]
            if ratio > LARGEST_ASPECT or ratio < 1 / LARGEST_ASPECT:
                continue
            down = int((reach - 1) / sides[k])
            total = 0.0
            for m in range(-down, down + 1):
                y = m * sides[k]
                j = int(np.floor(y))
                f = y - j
                total += (1 - f) * rows[j + reach] + f * rows[j + 1 + reach]
                if m:
                    left, right = lags[j + c, c], lags[j + 1 + c, c]
                    total += min((1 - f) * left + f * right, _MOST)
            count = (2 * most + 1) * (2 * down + 1) - 1
            scores[i, k] = total / 2 / np.sqrt(count / 2) if count > 0 else 0.0
    return scores


@njit(cache=True, nogil=True)
def fitted(
    lags: NDArray[np.float32], reach: float, basis: NDArray[np.float64]
) -> NDArray[np.float64]:
    c = lags.shape[0] // 2
    det = abs(basis[0, 0] * basis[1, 1] - basis[1, 0] * basis[0, 1])
    longest = max(np.hypot(basis[0, 0], basis[1, 0]), np.hypot(basis[0, 1], basis[1, 1]))
    most = int(reach * longest / det) + 1
    normal = np.zeros((2, 2))
    right = np.zeros((2, 2))
    for m in range(most + 1):
        for n in range(-most, most + 1):
            if m == 0 and n <= 0:
                continue
            x = m * basis[0, 0] + n * basis[0, 1]
            y = m * basis[1, 0] + n * basis[1, 1]
            if x * x + y * y > reach * reach:
                continue
            px, py = int(np.rint(x)) + c, int(np.rint(y)) + c
            bx, by = px, py
            for i in range(py - 1, py + 2):
                for j in range(px - 1, px + 2):
                    if lags[i, j] > lags[by, bx]:
                        bx, by = j, i
            weight = lags[by, bx] - 1.5
            if weight <= 0 or bx < 1 or by < 1 or bx >= 2 * c or by >= 2 * c:
                continue
            vx, vy = vertex(lags, bx, by)
            index = np.array([float(m), float(n)])
            for p in range(2):
                for q in range(2):
                    normal[p, q] += weight * index[p] * index[q]
                right[p, 0] += weight * index[p] * (vx - c)
                right[p, 1] += weight * index[p] * (vy - c)
    det = normal[0, 0] * normal[1, 1] - normal[0, 1] * normal[1, 0]
    if det < 1e-6:
        return basis
    # By hand: numba's solver needs SciPy, which nothing else here does.
    found = np.empty((2, 2))
    for q in range(2):
        found[q, 0] = (normal[1, 1] * right[0, q] - normal[0, 1] * right[1, q]) / det
        found[q, 1] = (normal[0, 0] * right[1, q] - normal[1, 0] * right[0, q]) / det
    return found
