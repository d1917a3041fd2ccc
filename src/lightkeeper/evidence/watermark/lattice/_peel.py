"""Take a mark that was read out of what is left, so that others below it are seen."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.watermark.lattice._kernels import BINS
from lightkeeper.evidence.watermark.lattice._pattern import coefficients, pattern
from lightkeeper.evidence.watermark.lattice._sync import SHIFTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightkeeper.evidence.watermark.lattice._sync import Synchronised

_NEIGHBOURS = 48
_STEPS = np.linspace(-0.5, 0.5, 9) / SHIFTS


def without(
    spectrum: NDArray[np.complex128], tile: Synchronised, payload: int
) -> NDArray[np.complex128]:
    """The spectrum of a folded tile less one mark.

    Its amplitude is measured on the payload's points alone: marks that lie exactly upon each other
    share the synchronising points, and each must keep its own part.
    """
    known = pattern()
    expected = coefficients(payload)
    turns = _turns()
    aligned = np.where(tile.seen, tile.values * np.conj(expected), 0)
    weights = np.zeros(len(expected))
    weights[known.payload] = 1 / np.maximum(np.abs(tile.values[known.payload]), 1e-12)
    turn = turns[int((turns @ (aligned * weights)).real.argmax())]

    order = np.argsort(tile.radius)
    used = np.zeros(len(expected))
    used[known.payload] = tile.seen[known.payload]
    kernel = np.ones(_NEIGHBOURS)
    along = np.convolve(((aligned * turn).real * used)[order], kernel, "same")
    power = np.convolve((np.abs(expected) ** 2 * used)[order], kernel, "same")
    amplitude = np.empty(len(expected))
    amplitude[order] = np.maximum(along, 0) / np.maximum(power, 1e-12)

    part = amplitude * expected * np.conj(turn * tile.turn)
    left = spectrum.copy()
    across, down = tile.place.T
    left[down % BINS, across % BINS] -= part
    left[-down % BINS, -across % BINS] -= np.conj(part)
    return left


@cache
def _turns() -> NDArray[np.complex128]:
    """Factors of shifts finer than those of the search, shape (81, n)."""
    offsets = np.array([(x, y) for x in _STEPS for y in _STEPS])
    return np.asarray(np.exp(2j * np.pi * (offsets @ pattern().points.T)))
