"""The fine error of one region's reconstruction on several phases of the grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.detectors._texture import (
    LEAST_FINE_ENERGY,
    MOST_SATURATED,
    block_means,
    fine,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.reconstruction._autoencoder import Autoencoder
    from lightkeeper.evidence.detectors.reconstruction._patches import Patch

    Batch = NDArray[np.float32]
    Pixels = NDArray[np.uint8]
    Values = NDArray[np.float64]

_BATCH = 16
_MARGIN = 4
"""Pixels that the networks' own borders spoil."""
_FLOOR = 0.05
"""Squared grey levels added to an error, so that a perfect block is not infinitely good."""


@dataclass(frozen=True, slots=True, order=True)
class Phase:
    """Where a decoder's grid begins: row and column modulo the grid."""

    y: int
    x: int


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one picture through one autoencoder.

    A region is larger than a crop by one grid cell less one pixel, so that a crop can begin on
    any phase. Errors are compared over those pixels that all crops of a region share: content is
    the same for every phase and drops out.
    """

    autoencoder: Autoencoder
    rgb: Pixels
    side: int

    @property
    def region(self) -> int:
        """Pixels of a region's side."""
        return region_side(self.side, self.autoencoder.grid)

    def errors(self, patch: Patch, phases: Sequence[Phase]) -> Values:
        """Log of the fine error, of shape (phases, blocks)."""
        grid, side = self.autoencoder.grid, self.side
        begins = [((p.y - patch.y) % grid, (p.x - patch.x) % grid) for p in phases]
        crops = np.stack(
            [self.rgb[patch.y + i : patch.y + i + side, patch.x + j : patch.x + j + side]
             for i, j in begins]
        )  # fmt: skip
        pixels = np.ascontiguousarray(crops.transpose(0, 3, 1, 2), np.float32) / np.float32(255)
        decoded = np.concatenate(
            [self.autoencoder.reconstruct(pixels[k : k + _BATCH])
             for k in range(0, len(pixels), _BATCH)]
        )  # fmt: skip
        error = fine((decoded - pixels).mean(1) * np.float32(255)) ** 2
        start = grid - 1 + _MARGIN - 1  # the fine plane has lost one pixel
        span = compared_side(side, grid)
        shared = np.stack(
            [plane[start - i : start - i + span, start - j : start - j + span]
             for plane, (i, j) in zip(error, begins, strict=True)]
        )  # fmt: skip
        blocks = block_means(shared).reshape(len(phases), -1)
        return np.log(blocks.astype(np.float64) + _FLOOR)

    def twice(self, patch: Patch, phase: Phase, usable: NDArray[np.bool_]) -> tuple[float, float]:
        """Median log fine error of a crop on this phase, and of its reconstruction passed again.

        What came through this decoder is changed by it about as little as its output is; what
        did not is changed more by the first pass than by the second.
        """
        grid, side = self.autoencoder.grid, self.side
        i, j = (phase.y - patch.y) % grid, (phase.x - patch.x) % grid
        crop = self.rgb[patch.y + i : patch.y + i + side, patch.x + j : patch.x + j + side]
        pixels = np.ascontiguousarray(crop.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
        once = self.autoencoder.reconstruct(pixels)
        rounded = np.rint(once * np.float32(255)) / np.float32(255)
        again = self.autoencoder.reconstruct(rounded)
        start, span = grid - 1 + _MARGIN - 1, compared_side(side, grid)

        def error(after: Batch, before: Batch) -> float:
            plane = fine((after - before)[0].mean(0) * np.float32(255)) ** 2
            shared = plane[start - i : start - i + span, start - j : start - j + span]
            blocks = block_means(shared).ravel()[usable].astype(np.float64)
            return float(np.median(np.log(blocks + _FLOOR)))

        return error(once, pixels), error(again, rounded)

    def usable(self, patch: Patch) -> NDArray[np.bool_]:
        """Which blocks have texture, and no pixels at the ends of the scale: shape (blocks,)."""
        grid = self.autoencoder.grid
        start, span = grid - 1 + _MARGIN, compared_side(self.side, grid)
        y, x = patch.y + start, patch.x + start
        around = self.rgb[y - 1 : y + span + 1, x - 1 : x + span + 1]
        energy = block_means(fine(around.mean(2, dtype=np.float32)) ** 2)
        inside = around[1:-1, 1:-1]
        burnt = block_means(((inside == 0) | (inside == 255)).any(2).astype(np.float32))
        return np.asarray(((energy >= LEAST_FINE_ENERGY) & (burnt <= MOST_SATURATED)).ravel())


def compared_side(side: int, grid: int) -> int:
    """Pixels of the side of what all crops of a region share, borders left out."""
    return (side - grid + 1 - 2 * _MARGIN) // 8 * 8


def region_side(side: int, grid: int) -> int:
    """Pixels of a region whose crops of ``side`` can begin on every phase."""
    return side + grid - 1
