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

from lightkeeper.evidence.detectors._texture import (
    LEAST_FINE_ENERGY,
    MOST_SATURATED,
    block_means,
    fine,
    saturated,
)
from lightkeeper.evidence.detectors.reconstruction import Abstention
from lightkeeper.evidence.detectors.regions._band import REACH, band
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
    readable, span = _readable(rgb, autoencoder.grid), window // BLOCK
    spoken = window_sums(readable.astype(np.float64), span) >= LEAST_BLOCKS
    if spoken.mean() < _LEAST_READABLE:
        return Abstention.TOO_FLAT
    errors, found = _search(autoencoder, rgb, readable, spoken, span)
    phases = list(errors)
    windows = window_scores(normal_scores(np.stack(list(errors.values()))), readable, span)
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


def _search(
    autoencoder: Autoencoder, rgb: Pixels, readable: Mask, spoken: Mask, span: int
) -> tuple[dict[Phase, Values], Phase]:
    half = autoencoder.grid // 2
    classes = [(y, x) for y in range(half) for x in range(half)]
    errors = {phase: _errors(autoencoder, rgb, phase) for phase in classes}

    def best(among: list[Phase]) -> Phase:
        scores = dict(zip(errors, normal_scores(np.stack(list(errors.values()))), strict=True))
        windows = window_scores(np.stack([scores[phase] for phase in among]), readable, span)
        return among[int(np.argmax(_standing_out(windows, spoken)))]

    y, x = best(classes)
    kin = [(y + i, x + j) for i in (0, half) for j in (0, half)]
    errors |= {phase: _errors(autoencoder, rgb, phase) for phase in kin[1:]}
    return errors, best(kin)


def _standing_out(windows: Values, spoken: Mask) -> Values:
    """Per phase, its best windows less its usual ones: JPEG favours some phases everywhere."""
    known = windows[:, spoken]
    return np.asarray(np.quantile(known, _BEST, axis=1) - np.quantile(known, _USUAL, axis=1))


def _errors(autoencoder: Autoencoder, rgb: Pixels, phase: Phase) -> Values:
    """Log of the error of reconstruction in the band per block, the grid beginning at ``phase``."""
    (y, x), grid = phase, autoencoder.grid
    height, width = ((side - at) // grid * grid for side, at in zip(rgb.shape, phase, strict=False))
    crop = rgb[y : y + height, x : x + width].transpose(2, 0, 1)[None]
    pixels = np.ascontiguousarray(crop, np.float32) / np.float32(255)
    decoded = autoencoder.reconstruct(pixels)
    plane = np.zeros(rgb.shape[:2], np.float32)
    plane[y : y + height, x : x + width] = band((decoded - pixels)[0] * np.float32(255)) ** 2
    return np.log(block_means(plane).astype(np.float64) + _FLOOR)


def _readable(rgb: Pixels, grid: int) -> Mask:
    """Blocks with texture, not clipped, that every phase reaches."""
    grey = np.pad(rgb.mean(2, dtype=np.float32), 1, mode="edge")
    textured = block_means(fine(grey) ** 2) >= LEAST_FINE_ENERGY
    textured &= saturated(rgb) <= MOST_SATURATED
    reached = np.zeros_like(textured)
    lost = grid - 1 + _MARGIN
    first = -(-lost // BLOCK)
    bottom, right = ((side - lost) // BLOCK for side in rgb.shape[:2])
    reached[first:bottom, first:right] = True
    return np.asarray(textured & reached)
