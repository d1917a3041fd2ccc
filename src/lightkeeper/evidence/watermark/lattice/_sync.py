"""Does a folded tile hold the pattern, how is it turned and where does it start?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
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
_RING = 15
_LEAST_POINTS = 24
_LARGEST_RATIO = 1.85
_SMALLEST_SCALE, _LARGEST_SCALE = 0.2, 2.3


@dataclass(frozen=True, slots=True)
class Synchronised:
    """A folded tile, read under one orientation and shift.

    ``z`` is the correlation with the synchronising points in deviations of its null. ``values``
    are all points' coefficients, shift taken out by the factors ``turn``; they lie at ``place``
    (horizontal and vertical frequency) of the folded tile's spectrum. ``seen`` says whether the
    picture can hold them and ``radius`` is their frequency in it (cycles per pixel). ``basis``
    takes canonical periods to pixels.
    """

    z: float
    values: NDArray[np.complex128]
    turn: NDArray[np.complex128]
    place: NDArray[np.int64]
    seen: NDArray[np.bool_]
    radius: NDArray[np.float64]
    basis: NDArray[np.float64]


@cache
def _changes() -> NDArray[np.int64]:
    """All 2×2 integer matrices of determinant ±1 with entries -1, 0, 1: 40 changes of basis."""
    grid = np.array(list(product((-1, 0, 1), repeat=4))).reshape(-1, 2, 2)
    kept: NDArray[np.int64] = grid[
        np.abs(grid[:, 0, 0] * grid[:, 1, 1] - grid[:, 0, 1] * grid[:, 1, 0]) == 1
    ]
    return kept


def orientations(basis: NDArray[np.float64]) -> NDArray[np.int64]:
    """Changes of this basis whose transform lies in the declared range, shape (n, 2, 2).

    A lattice has many bases; a nearly square one has eight that are not sheared.
    """
    matrices = basis @ _changes() / PERIOD
    total = (matrices**2).sum(axis=(1, 2))
    area = abs(float(np.linalg.det(basis))) / PERIOD**2
    # Singular values of a 2×2 matrix, from the sum of their squares and their product.
    spread = np.sqrt(np.maximum(total**2 - 4 * area**2, 0))
    largest = np.sqrt((total + spread) / 2)
    smallest = area / largest
    kept = (
        (largest <= _LARGEST_RATIO * smallest)
        & (smallest >= _SMALLEST_SCALE)
        & (largest <= _LARGEST_SCALE)
    )
    chosen: NDArray[np.int64] = _changes()[kept]
    return chosen


def synchronise(
    spectrum: NDArray[np.complex128], basis: NDArray[np.float64], *, shifts: int = SHIFTS
) -> tuple[Synchronised | None, int]:
    """Best orientation and shift of a tile folded with ``basis``, and how many were tried.

    ``spectrum`` is the tile's Fourier transform, shape (128, 128); ``shifts`` are tried along each
    of its sides.
    """
    changes, place, seen, radius = _tried(tuple(basis.ravel().tolist()))
    if not len(changes):
        return None, 0
    known = pattern()
    values = spectrum[place[..., 1] % BINS, place[..., 0] % BINS]
    terms = _limited(values, seen)[:, known.sync] * np.conj(known.phases)
    deviation = np.sqrt(2 * np.sum(np.abs(terms) ** 2, axis=1))
    surface = _surface(terms, shifts)
    at = surface.argmax(axis=1)
    z = surface[np.arange(len(changes)), at] / np.maximum(deviation, 1e-9)
    z[seen[:, known.sync].sum(axis=1) < _LEAST_POINTS] = 0
    best = int(z.argmax())
    across, down = divmod(int(at[best]), shifts)
    turn = np.exp(2j * np.pi / shifts * (known.points @ np.array([across, down])))
    return (
        Synchronised(
            z=float(z[best]),
            values=values[best] * turn,
            turn=turn,
            place=place[best],
            seen=seen[best],
            radius=radius[best],
            basis=basis @ changes[best],
        ),
        len(changes) * shifts**2,
    )


def _surface(terms: NDArray[np.complex128], shifts: int) -> NDArray[np.float32]:
    """Correlation at every shift, shape (orientations, shifts across × shifts down)."""
    u, v = pattern().points[pattern().sync].T
    grid = np.zeros((len(terms), shifts, shifts // 2 + 1), np.complex64)
    # The last axis holds frequencies that are not negative: v, which is its own mirror at 0.
    grid[:, u % shifts, v] = terms
    flat = v == 0
    grid[:, -u[flat] % shifts, 0] = np.conj(terms[:, flat])
    surface = np.fft.irfft2(grid, s=(shifts, shifts), axes=(1, 2))
    return np.asarray(surface.reshape(len(terms), -1) * shifts**2, np.float32)


@lru_cache(maxsize=8)
def _tried(
    entries: tuple[float, ...],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_], NDArray[np.float64]]:
    """Changes of a basis, and their places; kept, since most looks are at one known lattice."""
    basis = np.array(entries).reshape(2, 2)
    changes = orientations(basis)
    return changes, *_places(basis, changes)


def _places(
    basis: NDArray[np.float64], changes: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.float64]]:
    """Where the pattern's points lie in the spectrum for each change of basis, (changes, n, 2).

    Also whether the picture can hold them, and their frequency in cycles per pixel; (changes, n).
    """
    points = pattern().points
    # Canonical basis B = L·C: canonical frequency k has frequency C⁻ᵀ·k with respect to L.
    inverses = np.rint(np.linalg.inv(changes)).astype(np.int64)
    frequency = points @ np.linalg.inv(basis @ changes)
    seen = np.abs(frequency).max(axis=-1) < _NYQUIST
    return points @ inverses, seen, np.hypot(frequency[..., 0], frequency[..., 1])


def _limited(values: NDArray[np.complex128], seen: NDArray[np.bool_]) -> NDArray[np.complex128]:
    """Coefficients over the root mean square of their ring, none above 1.5; 0 where unseen.

    A halftone or a weave fills a few points with huge values; they must not decide alone.
    """
    power = np.where(seen, np.abs(values) ** 2, 0)
    around = _sums(power) / np.maximum(_sums(seen.astype(np.float64)), 1)
    scaled = values / np.sqrt(np.maximum(around, 1e-12))
    limited = scaled / np.maximum(1, np.abs(scaled) / _LIMIT)
    return np.where(seen, limited, 0)


def _sums(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums over 15 points on either side, fewer at the ends."""
    padded = np.pad(rows, ((0, 0), (_RING + 1, _RING)))
    total = padded.cumsum(axis=1)
    return np.asarray(total[:, 2 * _RING + 1 :] - total[:, : -2 * _RING - 1])
