"""A map as a small grey grid that carries nothing of the picture it was read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.detectors.regions._windows import BLOCK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Plane = NDArray[np.float32]

MOST_CELLS = 64
_FULL = 12.0
"""Surprise shown as the strongest tone: a fixed scale, so that a flat map stays empty."""
_TONES = "0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Overlay:
    """A grid of cells to be thought of as lying over the picture."""

    tones: tuple[str, ...]
    """One string per row of cells, one hexadecimal digit per cell: 0 is nothing, f the most."""
    cell: int
    """Pixels of a cell's side."""


def overlay(surprise: Plane) -> Overlay:
    """Reduce a map of surprise (minus log10 of a chance) to at most 64 cells a side.

    Parameters
    ----------
    surprise : float32, shape (H // 8, W // 8)
    """
    step = -(-max(surprise.shape) // MOST_CELLS)
    high, wide = (-(-side // step) * step for side in surprise.shape)
    padded = np.zeros((high, wide), np.float32)
    padded[: surprise.shape[0], : surprise.shape[1]] = np.maximum(surprise, 0)
    cells = padded.reshape(high // step, step, wide // step, step).max((1, 3))
    tones = (np.minimum(cells / _FULL, 1) * (len(_TONES) - 1)).round().astype(int)
    return Overlay(tuple("".join(_TONES[k] for k in row) for row in tones), step * BLOCK)
