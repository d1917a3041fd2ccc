"""Soft values of the payload, weighted by what the synchronising points tell of the channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.watermark.lattice._code import GENERATORS, STEPS
from lightkeeper.evidence.watermark.lattice._pattern import pattern

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightkeeper.evidence.watermark.lattice._sync import Synchronised

_NEIGHBOURS = 24
_MOST = 2.5


def slot_values(tile: Synchronised) -> NDArray[np.float64]:
    """Log-likelihood ratio of every slot's sign, up to a common factor; 0 where unseen.

    Amplitude and noise are measured on the synchronising points of the same ring, whose phases
    are known, so that rings which a codec or a reduction emptied weigh nothing.
    """
    known = pattern()
    amplitude, noise = _channel(tile)
    deviation = np.sqrt(noise)
    values = tile.values / np.maximum(deviation, 1e-12)
    # One strong line of the picture's own must not outvote all other points of its bit.
    values = values / np.maximum(1, np.abs(values) / _MOST)
    weighted = np.where(tile.seen, values * amplitude / np.maximum(deviation, 1e-12), 0)
    chosen = weighted[known.payload]
    return np.column_stack([chosen.real, chosen.imag]).reshape(-1)


def coded_values(slots: NDArray[np.float64]) -> NDArray[np.float32]:
    """Slots combined into one soft value per coded bit, shape (384,)."""
    known = pattern()
    total = np.bincount(known.coded, slots * known.signs, STEPS * GENERATORS)
    return total.astype(np.float32)


def _channel(tile: Synchronised) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Amplitude of the mark and variance of the noise at every point."""
    known = pattern()
    sync = known.sync[tile.seen[known.sync]]
    aligned = tile.values[known.sync][tile.seen[known.sync]] * np.conj(
        known.phases[tile.seen[known.sync]]
    )
    order = np.argsort(tile.radius[sync])
    ring, aligned = tile.radius[sync][order], aligned[order]
    level = np.sqrt(_running(np.abs(aligned) ** 2))
    # Lines of the picture's own count as no more than twice their ring.
    aligned = aligned / np.maximum(1, np.abs(aligned) / np.maximum(2 * level, 1e-12))
    mean = np.maximum(_running(aligned.real), 0)
    power = _running(np.abs(aligned) ** 2)
    noise = np.maximum((power - mean**2) / 2, 0.02 * power)
    return (
        np.interp(tile.radius, ring, mean),
        np.interp(tile.radius, ring, noise),
    )


def _running(values: NDArray[np.float64]) -> NDArray[np.float64]:
    kernel = np.ones(min(_NEIGHBOURS, len(values)))
    total = np.convolve(values, kernel, "same")
    return np.asarray(total / np.convolve(np.ones(len(values)), kernel, "same"))
