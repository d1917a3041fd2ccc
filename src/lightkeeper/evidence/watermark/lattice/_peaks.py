"""Estimate the lattice of a periodic mark from the autocorrelation of a whitened picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.watermark.lattice._kernels import box_mean
from lightkeeper.evidence.watermark.lattice._lag_kernels import (
    SHORTEST,
    fitted,
    supports,
    upright_scan,
    vertex,
)
from lightkeeper.evidence.watermark.lattice._pattern import PERIOD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# Even sides that a fast Fourier transform likes.
_SIZES = (96, 128, 160, 192, 240, 256, 288, 320, 384, 400, 432, 480, 512, 576, 640)
_LEVELS = (1, 2, 4)
"""Reductions of the lag plane: each is twice as coarse and sees half of the band."""
_LATTICES = 2
"""Lattices tried at each level, best first."""
_LARGEST_LAG = 128
_LONGEST = 1.6 * 0.8 * PERIOD
_STEP = 0.2
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
    for level in _LEVELS:
        lags, reach = _lag_plane(power, size, level, values.shape)
        if reach < 1.5 * SHORTEST:
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
    around = box_mean(power, reach)
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
    down, across = y + 1 - c, x + 1 - c
    distance = np.hypot(across, down)
    half = (down > 0) | ((down == 0) & (across > 0))
    kept = half & (distance >= SHORTEST) & (distance <= reach)
    y, x = y[kept] + 1, x[kept] + 1
    order = np.argsort(-lags[y, x])[:_PEAKS]
    return np.array([vertex(lags, x[i], y[i]) for i in order]).reshape(-1, 2) - c


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


def _upright(lags: NDArray[np.float32], reach: int) -> NDArray[np.float64]:
    """The best upright bases, shape (n, 2, 2)."""
    sides = np.arange(SHORTEST, min(_LONGEST, reach / 1.2), _STEP)
    scores = upright_scan(lags, reach, sides)
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
    scores = supports(lags, reach, bases, _AREAS)
    kept: list[NDArray[np.float64]] = []
    for i in np.argsort(-scores):
        if scores[i] < _SMALLEST_SUPPORT or len(kept) == _LATTICES:
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
        basis = fitted(lags, share * reach, basis)
    return basis
