"""Does a folded tile hold the pattern, how is it turned and where does it start?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.watermark.lattice._kernels import BINS
from lightkeeper.evidence.watermark.lattice._pattern import PERIOD, pattern

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHIFTS = 64
_NYQUIST = 0.47
_LIMIT = 1.5
_LEAST_POINTS = 24
_LARGEST_RATIO = 1.85
_SMALLEST_SCALE, _LARGEST_SCALE = 0.2, 2.3


@dataclass(frozen=True, slots=True)
class Synchronised:
    """A folded tile, read under one orientation and shift.

    ``z`` is the correlation with the synchronising points in deviations of its null. ``values``
    are all points' coefficients, shift taken out, ``seen`` whether the picture can hold them and
    ``radius`` their frequency in the picture (cycles per pixel). ``basis`` takes canonical periods
    to pixels.
    """

    z: float
    values: NDArray[np.complex128]
    seen: NDArray[np.bool_]
    radius: NDArray[np.float64]
    basis: NDArray[np.float64]
    shift: tuple[float, float]


@cache
def _changes() -> NDArray[np.int64]:
    """All 2×2 integer matrices of determinant ±1 with entries -1, 0, 1: 40 changes of basis."""
    grid = [np.array(m).reshape(2, 2) for m in product((-1, 0, 1), repeat=4)]
    return np.stack([m for m in grid if abs(m[0, 0] * m[1, 1] - m[0, 1] * m[1, 0]) == 1])


def orientations(basis: NDArray[np.float64]) -> list[NDArray[np.int64]]:
    """Changes from canonical to this basis whose transform lies in the declared range.

    A lattice has many bases; a nearly square one has eight that are not sheared.
    """
    kept = []
    for change in _changes():
        sizes = np.linalg.svd(basis @ change / PERIOD, compute_uv=False)
        if (
            sizes[0] <= _LARGEST_RATIO * sizes[1]
            and sizes[1] >= _SMALLEST_SCALE
            and sizes[0] <= _LARGEST_SCALE
        ):
            kept.append(change)
    return kept


def synchronise(
    folded: NDArray[np.float32], basis: NDArray[np.float64]
) -> tuple[Synchronised | None, int]:
    """Best orientation and shift of a tile folded with ``basis``, and how many were tried."""
    known = pattern()
    spectrum = np.fft.fft2(folded)
    best: tuple[float, int, NDArray[np.int64]] | None = None
    tests = 0
    for change in orientations(basis):
        values, seen, _ = _gathered(spectrum, basis, change)
        kept = known.sync[seen[known.sync]]
        if len(kept) < _LEAST_POINTS:
            continue
        weights = _limited(values, seen)[known.sync]
        terms = np.where(seen[known.sync], weights * np.conj(known.phases), 0)
        grid = np.zeros((SHIFTS, SHIFTS // 2 + 1), np.complex64)
        u, v = known.points[known.sync].T
        # The last axis holds the non-negative frequencies: there v ≥ 0, with u on the first axis.
        grid[u % SHIFTS, v] = terms
        flat = v == 0
        grid[-u[flat] % SHIFTS, 0] = np.conj(terms[flat])
        surface = np.fft.irfft2(grid, s=(SHIFTS, SHIFTS)) * SHIFTS**2
        size = float(np.sqrt(2 * np.sum(np.abs(terms) ** 2)))
        at = int(surface.argmax())
        tests += SHIFTS**2
        z = float(surface.flat[at]) / max(size, 1e-9)
        if best is None or z > best[0]:
            best = (z, at, change)
    if best is None:
        return None, tests
    z, at, change = best
    return _shifted(spectrum, basis, change, z, at), tests


def _shifted(
    spectrum: NDArray[np.complex128],
    basis: NDArray[np.float64],
    change: NDArray[np.int64],
    z: float,
    at: int,
) -> Synchronised:
    values, seen, radius = _gathered(spectrum, basis, change)
    across, down = at // SHIFTS / SHIFTS, at % SHIFTS / SHIFTS
    known = pattern()
    turn = np.exp(2j * np.pi * (known.points @ np.array([across, down])))
    return Synchronised(
        z, values * turn, seen, radius, basis @ change, (across, down)
    )


def _gathered(
    spectrum: NDArray[np.complex128], basis: NDArray[np.float64], change: NDArray[np.int64]
) -> tuple[NDArray[np.complex128], NDArray[np.bool_], NDArray[np.float64]]:
    """Coefficients of the pattern's points in a tile whose basis is not canonical."""
    known = pattern()
    # Canonical basis B = L·C: canonical frequency k has frequency C⁻ᵀ·k with respect to L.
    inverse = np.rint(np.linalg.inv(change)).astype(np.int64)
    place = known.points @ inverse
    values = spectrum[place[:, 1] % BINS, place[:, 0] % BINS]
    frequency = known.points @ np.linalg.inv(basis @ change)
    seen = np.abs(frequency).max(axis=1) < _NYQUIST
    return values, seen, np.hypot(frequency[:, 0], frequency[:, 1])


def _limited(values: NDArray[np.complex128], seen: NDArray[np.bool_]) -> NDArray[np.complex128]:
    """Coefficients over the root mean square of their ring, none above 1.5.

    A halftone or a weave fills a few points with huge values; they must not decide alone.
    """
    power = np.where(seen, np.abs(values) ** 2, 0)
    width = np.ones(31)
    around = np.convolve(power, width, "same") / np.maximum(
        np.convolve(seen.astype(float), width, "same"), 1
    )
    scaled = values / np.sqrt(np.maximum(around, 1e-12))
    return np.asarray(scaled / np.maximum(1, np.abs(scaled) / _LIMIT))
