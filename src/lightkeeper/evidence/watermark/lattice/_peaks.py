"""Estimate the lattice of a periodic mark from the autocorrelation of a whitened picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from lightkeeper.evidence.watermark.lattice._kernels import box_mean
from lightkeeper.evidence.watermark.lattice._pattern import PERIOD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# Even sides that a fast Fourier transform likes.
_SIZES = (96, 128, 160, 192, 240, 256, 288, 320, 384, 400, 432, 480, 512, 576, 640)
LEVELS = (1, 2, 4)
"""Reductions of the lag plane: each is twice as coarse and sees half of the band."""
LATTICES = 2
"""Lattices tried at each level, best first."""
_LARGEST_LAG = 128
_SHORTEST = 13.0
_LONGEST = 1.6 * 0.8 * PERIOD
_STEP = 0.2
_ASPECT = 1.7
_UPRIGHT = 3
_PEAKS = 64
_PAIRED = 24
_FACTORS = (1, 1 + 1j, 2, 2 + 1j, 2 - 1j, 2 + 2j, 3)
_SMALLEST_SUPPORT = 3.5
_SPIKE = 4.0
_AREAS = (0.055 * PERIOD**2, 0.75 * PERIOD**2)


def lattices(values: NDArray[np.float32]) -> Iterator[NDArray[np.float64]]:
    """Likely lattices, as 2×2 matrices whose columns are basis vectors (x, y) in pixels."""
    power, size = _flat_power(values)
    for level in LEVELS:
        lags, reach = _lag_plane(power, size, level, values.shape)
        if reach < 1.5 * _SHORTEST:
            continue
        for basis in _best_bases(lags, reach, _strongest(lags, reach)):
            yield _refined(lags, reach, basis) * level


def _flat_power(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], int]:
    """Power spectrum over its local mean, spikes limited, of a padded square; and its side."""
    longest = max(values.shape)
    size = next(s for s in _SIZES if s >= longest + min(longest // 2, _LARGEST_LAG))
    spectrum = np.fft.rfft2(values, s=(size, size))
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    reach = 8 * size // longest
    around = box_mean(power, reach, False)
    flat = np.minimum(power / np.maximum(around, 1e-12), _SPIKE)
    flat -= 1
    flat[0, 0] = 0
    return flat, size




def _lag_plane(
    power: NDArray[np.float32], size: int, level: int, shape: tuple[int, int]
) -> tuple[NDArray[np.float32], int]:
    """Autocorrelation around lag 0 in units of its deviation, and the largest lag that it holds.

    The plane is centred: lag (x, y) is at ``[y + side // 2, x + side // 2]``.
    """
    side = size // level // 2 * 2
    half = side // 2
    rows = np.r_[0:half, size - half : size]
    part = power[rows, : half + 1].copy()
    part[half] = 0
    part[:, half] = 0
    plane = np.fft.fftshift(np.fft.irfft2(part, s=(side, side))).astype(np.float32)
    reach = min(_LARGEST_LAG, half - 4, int(0.75 * max(shape) / level))
    c = half
    window = plane[c - reach - 2 : c + reach + 3, c - reach - 2 : c + reach + 3]
    deviation = 1.4826 * float(np.median(np.abs(window))) or 1.0
    return np.ascontiguousarray(window / np.float32(deviation)), reach


def _strongest(lags: NDArray[np.float32], reach: int) -> NDArray[np.float64]:
    """Highest local maxima of a half plane, as lags (x, y), at sub-pixel places."""
    c = reach + 2
    inner = lags[1:-1, 1:-1]
    peak = np.ones(inner.shape, bool)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            if dy or dx:
                part = lags[1 + dy : lags.shape[0] - 1 + dy, 1 + dx : lags.shape[1] - 1 + dx]
                peak &= inner >= part
    y, x = np.nonzero(peak & (inner > 3.5))
    dy, dx = y + 1 - c, x + 1 - c
    distance = np.hypot(dx, dy)
    kept = (distance >= _SHORTEST) & (distance <= reach) & ((dy > 0) | ((dy == 0) & (dx > 0)))
    dy, dx = dy[kept], dx[kept]
    order = np.argsort(-lags[dy + c, dx + c])[:_PEAKS]
    return np.array([_vertex(lags, dx[i] + c, dy[i] + c) for i in order]).reshape(-1, 2) - c


@njit(cache=True, nogil=True)
def _vertex(lags: NDArray[np.float32], x: int, y: int) -> tuple[float, float]:
    """Vertex of the parabolas through a maximum and its neighbours."""
    return (
        x + _offset(lags[y, x - 1], lags[y, x], lags[y, x + 1]),
        y + _offset(lags[y - 1, x], lags[y, x], lags[y + 1, x]),
    )


@njit(cache=True, nogil=True)
def _offset(before: float, at: float, after: float) -> float:
    bend = before - 2 * at + after
    if bend >= 0:
        return 0.0
    return min(max(0.5 * (before - after) / bend, -0.5), 0.5)


@njit(cache=True, nogil=True)
def _sample(lags: NDArray[np.float32], x: float, y: float) -> float:
    c = lags.shape[0] // 2
    i, j = int(np.floor(y)), int(np.floor(x))
    fy, fx = y - i, x - j
    i, j = i + c, j + c
    upper = (1 - fx) * lags[i, j] + fx * lags[i, j + 1]
    lower = (1 - fx) * lags[i + 1, j] + fx * lags[i + 1, j + 1]
    return (1 - fy) * upper + fy * lower


@njit(cache=True, nogil=True)
def _support(lags: NDArray[np.float32], reach: int, a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Sum of the autocorrelation over the points of a lattice, in deviations of such a sum.

    The true lattice wins: a coarser one has fewer points, and half of a finer one's hold nothing.
    """
    det = abs(a[0] * b[1] - a[1] * b[0])
    most_m = int(reach * np.hypot(b[0], b[1]) / det) + 1
    most_n = int(reach * np.hypot(a[0], a[1]) / det) + 1
    total, count = 0.0, 0
    for m in range(0, most_m + 1):
        for n in range(-most_n, most_n + 1):
            if m == 0 and n <= 0:
                continue
            x, y = m * a[0] + n * b[0], m * a[1] + n * b[1]
            if x * x + y * y > reach * reach:
                continue
            total += min(_sample(lags, x, y), 12.0)
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
def _scores(
    lags: NDArray[np.float32], reach: int, bases: NDArray[np.float64], areas: tuple[float, float]
) -> NDArray[np.float64]:
    """Reduce every basis in place; its support, or 0 where it is out of range. Shape (n,)."""
    scores = np.zeros(bases.shape[0])
    for i in range(bases.shape[0]):
        a, b = bases[i, :, 0].copy(), bases[i, :, 1].copy()
        _reduced(a, b)
        area = abs(a[0] * b[1] - a[1] * b[0])
        if a[0] * a[0] + a[1] * a[1] >= _SHORTEST**2 and areas[0] <= area <= areas[1]:
            scores[i] = _support(lags, reach, a, b)
        bases[i, :, 0], bases[i, :, 1] = a, b
    return scores


def _proposals(peaks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bases that peaks suggest, shape (n, 2, 2): of every pair, and of every peak alone.

    Where aspect was kept, one peak tells the lattice but for a factor: it is the tile's side times
    a Gaussian integer.
    """
    if not len(peaks):
        return np.zeros((0, 2, 2))
    near = peaks[:_PAIRED]
    first, second = np.triu_indices(len(near), 1)
    pairs = np.stack([near[first], near[second]], axis=-1)
    points = (peaks[:, 0] + 1j * peaks[:, 1])[:, None] / np.asarray(_FACTORS)
    points = points.reshape(-1)
    across = np.column_stack([points.real, points.imag])
    down = np.column_stack([-points.imag, points.real])
    return np.ascontiguousarray(np.concatenate([pairs, np.stack([across, down], axis=-1)]))


@njit(cache=True, nogil=True)
def _upright_scan(
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
                rows[y + reach] += min((1 - f) * left + f * right, 12.0)
        for k in range(n):
            ratio = sides[k] / sides[i]
            if ratio > _ASPECT or ratio < 1 / _ASPECT:
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
                    total += min((1 - f) * left + f * right, 12.0)
            count = (2 * most + 1) * (2 * down + 1) - 1
            scores[i, k] = total / 2 / np.sqrt(count / 2) if count > 0 else 0.0
    return scores


def _upright(lags: NDArray[np.float32], reach: int) -> NDArray[np.float64]:
    """The best upright bases, shape (n, 2, 2)."""
    sides = np.arange(_SHORTEST, min(_LONGEST, reach / 1.2), _STEP)
    scores = _upright_scan(lags, reach, sides)
    bases = []
    for _ in range(_UPRIGHT):
        i, k = np.unravel_index(int(scores.argmax()), scores.shape)
        if scores[i, k] < _SMALLEST_SUPPORT:
            break
        bases.append(np.diag([sides[i], sides[k]]))
        scores[max(i - 4, 0) : i + 5, max(k - 4, 0) : k + 5] = 0
    return np.stack(bases) if bases else np.zeros((0, 2, 2))


def _best_bases(
    lags: NDArray[np.float32], reach: int, peaks: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    bases = np.concatenate([_proposals(peaks), _upright(lags, reach)])
    scores = _scores(lags, reach, bases, _AREAS)
    kept: list[NDArray[np.float64]] = []
    for i in np.argsort(-scores):
        if scores[i] < _SMALLEST_SUPPORT or len(kept) == LATTICES:
            break
        if not any(_same(bases[i], other) for other in kept):
            kept.append(bases[i])
    return kept


def _same(first: NDArray[np.float64], second: NDArray[np.float64]) -> bool:
    """Whether one is the other in another basis, within 3 % of a period."""
    change = np.linalg.solve(second, first)
    whole = np.rint(change)
    return bool(np.abs(change - whole).max() < 0.04 and abs(abs(np.linalg.det(whole)) - 1) < 0.1)


def _refined(
    lags: NDArray[np.float32], reach: int, basis: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Least-squares fit of the basis to the peaks near its own points, near ones first."""
    for share in (0.5, 0.75, 1.0):
        basis = _fitted(lags, share * reach, basis)
    return basis


@njit(cache=True, nogil=True)
def _fitted(
    lags: NDArray[np.float32], reach: float, basis: NDArray[np.float64]
) -> NDArray[np.float64]:
    c = lags.shape[0] // 2
    det = abs(basis[0, 0] * basis[1, 1] - basis[1, 0] * basis[0, 1])
    longest = max(np.hypot(basis[0, 0], basis[1, 0]), np.hypot(basis[0, 1], basis[1, 1]))
    most = int(reach * longest / det) + 1
    normal = np.zeros((2, 2))
    right = np.zeros((2, 2))
    for m in range(0, most + 1):
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
            vx, vy = _vertex(lags, bx, by)
            index = np.array([float(m), float(n)])
            for p in range(2):
                for q in range(2):
                    normal[p, q] += weight * index[p] * index[q]
                right[p, 0] += weight * index[p] * (vx - c)
                right[p, 1] += weight * index[p] * (vy - c)
    det = normal[0, 0] * normal[1, 1] - normal[0, 1] * normal[1, 0]
    if det < 1e-6:
        return basis
    return np.ascontiguousarray(np.linalg.solve(normal, right).T)
