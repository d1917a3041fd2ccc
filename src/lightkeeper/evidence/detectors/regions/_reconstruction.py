"""Grid-phase contrast window by window: which part of a picture came through a decoder.

One phase of each class modulo four is tried first, then the others of the best class: a decoder
enlarges in steps of two, and phases that differ by four share about half of the drop. The phase
found is then ranked among four strangers to it. Which phases are tried depends on the phase found
alone, so a correction for all phases covers the search.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.detectors._texture import BLOCK
from lightkeeper.evidence.detectors.reconstruction import Abstention
from lightkeeper.evidence.detectors.regions._errors import LOST, Errors, around
from lightkeeper.evidence.detectors.regions._readable import flattened, readable
from lightkeeper.evidence.detectors.regions._windows import (
    LEAST_BLOCKS,
    log_tail,
    normal_scores,
    window_scores,
    window_sums,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.reconstruction import Autoencoder

    Pixels = NDArray[np.uint8]
    Plane = NDArray[np.float32]
    Values = NDArray[np.float64]
    Mask = NDArray[np.bool_]
    Phase = tuple[int, int]

LEAST_SIDE = 128
_LEAST_READABLE = 0.25
_BEST = 0.95
"""Quantile of the windows that judges a phase during the search."""
_USUAL = 0.25
"""Quantile that stands for the unedited part: windows that touch an edit can be most of them."""
_FINE = 0.5
"""Weight of the finest detail beside the band while a phase is sought; the map is the band's."""


@dataclass(frozen=True, slots=True)
class ReconstructionMap:
    """Standardised evidence per block of 8 pixels that the window came through the decoder."""

    z: Plane
    """float32, shape (H // 8, W // 8); about standard normal where there is no grid.

    What the whole picture has in common is taken off: JPEG favours some phases everywhere.
    """
    readable: Mask
    phase: Phase
    tests: int
    """Windows times phases: what a p-value of the best window must be corrected for."""
    reconstructions: float
    """Pixels that went through the autoencoder, in pictures."""

    @property
    def surprise(self) -> float:
        """Minus log10 of the chance of the best window, corrected for all tests."""
        return float(log_tail(self.z.max(keepdims=True)).max()) - math.log10(max(1, self.tests))


def reconstruction_map(
    autoencoder: Autoencoder, rgb: Pixels, *, window: int = 64
) -> ReconstructionMap | Abstention:
    """Look for the grid of ``autoencoder`` in every window of one picture.

    Parameters
    ----------
    rgb : uint8, shape (H, W, 3)
        At native scale; a resized picture has lost its grid.
    window : int
        Pixels of a window's side, 64 to 96.
    """
    if min(rgb.shape[:2]) < max(LEAST_SIDE, 4 * autoencoder.grid):
        return Abstention.TOO_SMALL
    search = _Search(autoencoder, rgb, window // BLOCK)
    if search.spoken(search.told).mean() < _LEAST_READABLE:
        return Abstention.TOO_FLAT
    phase = search.phase()
    told = search.told & ~flattened(rgb, phase)
    if search.spoken(told).mean() < _LEAST_READABLE:
        return Abstention.TOO_COMPRESSED
    return search.map(phase, told)


class _Search:
    """One picture under one autoencoder."""

    def __init__(self, autoencoder: Autoencoder, rgb: Pixels, span: int) -> None:
        self._rgb = rgb
        self._grid = autoencoder.grid
        self._span = span
        self._errors = Errors(autoencoder, rgb)
        self.told = readable(rgb, lost=LOST + autoencoder.grid - 1)

    def spoken(self, told: Mask) -> Mask:
        """Windows with enough blocks that can be read."""
        return np.asarray(window_sums(told.astype(np.float64), self._span) >= LEAST_BLOCKS)

    def phase(self) -> Phase:
        """The phase that stands out most."""
        half = self._grid // 2
        classes = [(y, x) for y in range(half) for x in range(half)]
        y, x = self._best(classes, classes)
        kin = [(y + i, x + j) for i in (0, half) for j in (0, half)]
        return self._best(kin, [*classes, *kin[1:]])

    def _best(self, among: list[Phase], known: list[Phase]) -> Phase:
        """Of the phases ``among``, ranked with all that are ``known``."""
        box = around(self.told)
        errors = np.stack([self._errors.at(phase, box) for phase in known], 1)
        scores = normal_scores(errors[0]) + _FINE * normal_scores(errors[1])
        windows = np.stack(
            [
                window_scores(
                    scores[known.index(phase)],
                    self.told & ~flattened(self._rgb, phase),
                    self._span,
                )
                for phase in among
            ]
        )
        seen = windows[:, self.spoken(self.told)]
        # Its best windows less its usual ones: JPEG favours some phases everywhere.
        apart = np.quantile(seen, _BEST, axis=1) - np.quantile(seen, _USUAL, axis=1)
        return among[int(np.argmax(apart))]

    def map(self, phase: Phase, told: Mask) -> ReconstructionMap:
        """The map at one phase, ranked among the four that share least with it."""
        (y, x), half = phase, self._grid // 2
        strangers = [((y + i) % half, (x + j) % half) for i in (1, 3) for j in (1, 3)]
        box = around(self.told)
        errors = np.stack([self._errors.at(each, box)[0] for each in (phase, *strangers)])
        windows = window_scores(normal_scores(errors), told, self._span)
        spoken = self.spoken(told)
        mine, others = windows[0], windows[1:, spoken]
        # Neighbouring blocks share the network's view: the other phases show by how much.
        about = others - np.median(others, 1)[:, None]
        spread = max(1.0, 1.4826 * float(np.median(np.abs(about))))
        everywhere = max(0.0, float(np.quantile(mine[spoken], _USUAL)))
        z = np.where(spoken, (mine - everywhere) / spread, 0.0).astype(np.float32)
        return ReconstructionMap(
            z=z,
            readable=spoken,
            phase=phase,
            tests=int(spoken.sum()) * self._grid**2,
            reconstructions=self._errors.pixels / (self._rgb.shape[0] * self._rgb.shape[1]),
        )
