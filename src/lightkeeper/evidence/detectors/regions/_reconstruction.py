"""Grid-phase contrast window by window: which part of a picture came through a decoder.

One phase of each class modulo four is tried first, then the others of the best class: a decoder
enlarges in steps of two, and phases that differ by four share about half of the drop. Which
phases are tried depends on the phase found alone, so a correction for all phases covers the
search.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.detectors._texture import block_means, fine
from lightkeeper.evidence.detectors.reconstruction import Abstention
from lightkeeper.evidence.detectors.regions._band import REACH, band
from lightkeeper.evidence.detectors.regions._readable import flattened, readable
from lightkeeper.evidence.detectors.regions._windows import (
    BLOCK,
    LEAST_BLOCKS,
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
_MARGIN = 2 + REACH
"""Pixels that the networks' own borders and the band filter spoil."""
_FLOOR = 0.05
_LEAST_READABLE = 0.25
_BEST = 0.95
"""Quantile of the windows that judges a phase during the search."""
_FINE = 0.5
"""Weight of the finest detail beside the band while a phase is sought; the map is the band's."""
_USUAL = 0.25
"""Quantile that stands for the unedited part: windows that touch an edit can be most of them."""


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
    reconstructions: int


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
    told, span = readable(rgb, lost=autoencoder.grid - 1 + _MARGIN), window // BLOCK
    if _spoken(told, span).mean() < _LEAST_READABLE:
        return Abstention.TOO_FLAT
    errors, found = _search(autoencoder, rgb, told, span)
    told = told & ~flattened(rgb, found)
    spoken = _spoken(told, span)
    if spoken.mean() < _LEAST_READABLE:
        return Abstention.TOO_COMPRESSED
    phases = list(errors)
    windows = window_scores(normal_scores(np.stack(list(errors.values()), 1)[0]), told, span)
    mine = phases.index(found)
    others = np.delete(windows, mine, axis=0)[:, spoken]
    # Neighbouring blocks share the network's view: the other phases show by how much. Kin are
    # not added to the phase found: they resemble each other more than strangers do.
    spread = max(1.0, 1.4826 * float(np.median(np.abs(others - np.median(others, 1)[:, None]))))
    everywhere = max(0.0, float(np.quantile(windows[mine][spoken], _USUAL)))
    z = np.where(spoken, (windows[mine] - everywhere) / spread, 0.0).astype(np.float32)
    return ReconstructionMap(
        z=z,
        readable=spoken,
        phase=found,
        tests=int(spoken.sum()) * autoencoder.grid**2,
        reconstructions=len(phases),
    )


def _spoken(told: Mask, span: int) -> Mask:
    """Windows with enough blocks that can be read."""
    return np.asarray(window_sums(told.astype(np.float64), span) >= LEAST_BLOCKS)


def _search(
    autoencoder: Autoencoder, rgb: Pixels, told: Mask, span: int
) -> tuple[dict[Phase, Values], Phase]:
    half = autoencoder.grid // 2
    classes = [(y, x) for y in range(half) for x in range(half)]
    errors = {phase: _errors(autoencoder, rgb, phase) for phase in classes}
    spoken = _spoken(told, span)

    def best(among: list[Phase]) -> Phase:
        in_band, finest = np.stack(list(errors.values()), 1)
        scores = dict(
            zip(errors, normal_scores(in_band) + _FINE * normal_scores(finest), strict=True)
        )
        windows = [
            window_scores(scores[phase], told & ~flattened(rgb, phase), span) for phase in among
        ]
        return among[int(np.argmax(_standing_out(np.stack(windows), spoken)))]

    y, x = best(classes)
    kin = [(y + i, x + j) for i in (0, half) for j in (0, half)]
    errors |= {phase: _errors(autoencoder, rgb, phase) for phase in kin[1:]}
    return errors, best(kin)


def _standing_out(windows: Values, spoken: Mask) -> Values:
    """Per phase, its best windows less its usual ones: JPEG favours some phases everywhere."""
    known = windows[:, spoken]
    return np.asarray(np.quantile(known, _BEST, axis=1) - np.quantile(known, _USUAL, axis=1))


def _errors(autoencoder: Autoencoder, rgb: Pixels, phase: Phase) -> Values:
    """Log of the error per block, the grid beginning at ``phase``: in the band, and the finest."""
    (y, x), grid = phase, autoencoder.grid
    height, width = ((side - at) // grid * grid for side, at in zip(rgb.shape, phase, strict=False))
    crop = rgb[y : y + height, x : x + width].transpose(2, 0, 1)[None]
    pixels = np.ascontiguousarray(crop, np.float32) / np.float32(255)
    error = (autoencoder.reconstruct(pixels) - pixels)[0] * np.float32(255)
    planes = np.zeros((2, *rgb.shape[:2]), np.float32)
    planes[0, y : y + height, x : x + width] = band(error) ** 2
    planes[1, y + 1 : y + height - 1, x + 1 : x + width - 1] = fine(error.mean(0)) ** 2
    return np.log(block_means(planes).astype(np.float64) + _FLOOR)
