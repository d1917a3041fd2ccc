"""The error of reconstruction of a part of a picture, phase by phase."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lightkeeper.evidence.detectors._texture import BLOCK, block_means, fine
from lightkeeper.evidence.detectors.regions._band import REACH, band

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.reconstruction import Autoencoder

    Pixels = NDArray[np.uint8]
    Values = NDArray[np.float64]
    Mask = NDArray[np.bool_]
    Phase = tuple[int, int]

LOST = 2 + REACH
"""Pixels around a crop that the networks' own borders and the band filter spoil."""
_FLOOR = 0.05
"""Squared grey levels added to an error, so that a perfect block is not infinitely good."""


class Box(NamedTuple):
    """A part, in blocks: from ``top`` and ``left``, up to ``bottom`` and ``right``."""

    top: int
    left: int
    bottom: int
    right: int


def around(told: Mask) -> Box:
    """The smallest box that holds every block that can be read."""
    rows, columns = np.flatnonzero(told.any(1)), np.flatnonzero(told.any(0))
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


class Errors:
    """Errors of one picture under one autoencoder, kept as they are read."""

    def __init__(self, autoencoder: Autoencoder, rgb: Pixels) -> None:
        self._autoencoder = autoencoder
        self._rgb = rgb
        self._known: dict[tuple[Phase, Box], Values] = {}
        self.pixels = 0
        """That went through the autoencoder so far."""

    def at(self, phase: Phase, box: Box) -> Values:
        """Log of the error per block, the grid beginning at ``phase``: in the band, and the finest.

        Returns
        -------
        float64, shape (2, H // 8, W // 8)
            Zero outside of ``box``.
        """
        if (phase, box) not in self._known:
            self._known[phase, box] = self._read(phase, box)
        errors = np.zeros((2, *(side // BLOCK for side in self._rgb.shape[:2])))
        errors[:, box.top : box.bottom, box.left : box.right] = self._known[phase, box]
        return errors

    def _read(self, phase: Phase, box: Box) -> Values:
        (y, below), (x, beyond) = (
            self._reach(at, first * BLOCK, last * BLOCK)
            for at, first, last in zip(phase, box[:2], box[2:], strict=True)
        )
        crop = self._rgb[y:below, x:beyond].transpose(2, 0, 1)[None]
        self.pixels += crop.shape[2] * crop.shape[3]
        pixels = np.ascontiguousarray(crop, np.float32) / np.float32(255)
        error = (self._autoencoder.reconstruct(pixels) - pixels)[0] * np.float32(255)
        finest = np.pad(fine(error.mean(0)), 1)
        planes = np.stack([band(error) ** 2, finest**2])
        inside = planes[
            :,
            box.top * BLOCK - y : box.bottom * BLOCK - y,
            box.left * BLOCK - x : box.right * BLOCK - x,
        ]
        return np.log(block_means(inside).astype(np.float64) + _FLOOR)

    def _reach(self, at: int, first: int, last: int) -> tuple[int, int]:
        """From where to where a crop goes that begins on the phase and loses nothing wanted."""
        grid = self._autoencoder.grid
        begin = first - LOST - (first - LOST - at) % grid
        return begin, begin + -(-(last + LOST - begin) // grid) * grid
