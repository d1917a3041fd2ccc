"""Maps that need no model, each standardised by the picture's own distribution.

They show where a picture differs from itself. Content differs too: they are weaker than a map
with a null, and no chance is computed from them.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from lightkeeper.evidence.detectors._texture import block_means, fine
from lightkeeper.evidence.detectors.regions._resampling import periodicity
from lightkeeper.evidence.detectors.regions._windows import (
    BLOCK,
    normal_scores,
    robust_z,
    window_scores,
    window_sums,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Plane = NDArray[np.float32]
    Values = NDArray[np.float64]

_GHOST_QUALITIES = (50, 65, 75, 85, 92)
_LEAST_GRID = 1.5
"""Mean window score below which a picture shows no JPEG grid to be missed."""


def model_free_maps(rgb: Pixels, *, window: int = 64) -> dict[str, Plane]:
    """Inconsistency of the JPEG grid, of JPEG ghosts and of noise, and traces of resampling.

    Returns
    -------
    dict of str to float32, shape (H // 8, W // 8)
        Robust deviations; all zero where the picture has nothing to be inconsistent with.
    """
    grey = rgb.mean(2, dtype=np.float32)
    span = window // BLOCK
    return {
        "jpeg-grid": _jpeg_grid(grey, span).astype(np.float32),
        "jpeg-ghost": _jpeg_ghost(rgb, span).astype(np.float32),
        "noise": _noise(grey, span).astype(np.float32),
        "resampling": _resampling(grey).astype(np.float32),
    }


def _jpeg_grid(grey: Plane, span: int) -> Values:
    presence = np.zeros((grey.shape[0] // BLOCK, grey.shape[1] // BLOCK))
    everywhere = np.ones(presence.shape, bool)
    found = False
    for plane, transpose in ((grey, False), (grey.T, True)):
        steps = _steps(plane)
        windows = window_scores(normal_scores(-steps), everywhere.T if transpose else everywhere,
                                span)  # fmt: skip
        phase = windows.mean((1, 2))
        found |= bool(phase.max() > _LEAST_GRID)
        best = windows[int(phase.argmax())]
        presence += best.T if transpose else best
    return robust_z(presence, everywhere) if found else np.zeros_like(presence)


def _steps(grey: Plane) -> Values:
    """Departure of each column of a block from the slope around it: (8, rows, columns)."""
    padded = np.pad(grey, ((0, 0), (2, 1)), mode="edge")
    slope = np.diff(padded, axis=1)
    step = np.abs(slope[:, 1:-1] - 0.5 * (slope[:, :-2] + slope[:, 2:]))
    high, wide = grey.shape[0] // BLOCK, grey.shape[1] // BLOCK
    cells = step[: high * BLOCK, : wide * BLOCK].reshape(high, BLOCK, wide, BLOCK)
    return np.asarray(cells.mean(1).transpose(2, 0, 1), np.float64)


def _jpeg_ghost(rgb: Pixels, span: int) -> Values:
    picture, curves = Image.fromarray(rgb), []
    for quality in _GHOST_QUALITIES:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality)
        again = np.asarray(Image.open(file), np.float32)
        curves.append(np.log(block_means(((again - rgb) ** 2).mean(2)) + 0.5))
    stack = np.stack(curves).astype(np.float64)
    stack -= stack.mean(0)
    everywhere = np.ones(stack.shape[1:], bool)
    distance = np.sqrt(np.mean([_deviation(each, span) ** 2 for each in stack], axis=0))
    return np.maximum(robust_z(distance, everywhere), 0)


def _noise(grey: Plane, span: int) -> Values:
    """Diagonal detail less what the block's contrast and brightness explain."""
    padded = np.pad(grey, 1, mode="edge")
    diagonal = padded[:-2, :-2] - padded[:-2, 1:-1] - padded[1:-1, :-2] + padded[1:-1, 1:-1]
    noise = np.log(block_means(np.abs(diagonal)).astype(np.float64) + 0.05)
    coarse = padded[1:-1, 1:-1] - fine(padded)
    slope = np.abs(np.gradient(coarse, axis=0)) + np.abs(np.gradient(coarse, axis=1))
    contrast = np.log(block_means(slope).astype(np.float64) + 0.05)
    light = block_means(grey).astype(np.float64) / 255
    terms = np.stack([np.ones_like(light), contrast, contrast**2, light, light**2], -1)
    flat, target = terms.reshape(-1, 5), noise.ravel()
    weights = np.ones(len(target))
    for _ in range(3):
        root = np.sqrt(weights)[:, None]
        solution = np.linalg.lstsq(flat * root, target * root[:, 0], rcond=None)[0]
        rest = target - flat @ solution
        weights = 1 / np.maximum(1, np.abs(rest) / (np.median(np.abs(rest)) + 1e-6))
    return _deviation(rest.reshape(noise.shape), span)


def _resampling(grey: Plane) -> Values:
    periods = periodicity(grey)
    return np.maximum(robust_z(periods, np.ones(periods.shape, bool)), 0)


def _deviation(values: Values, span: int) -> Values:
    """Robust deviation of window means; a window cut by the border is surer of less."""
    everywhere = np.ones(values.shape)
    count = window_sums(everywhere, span)
    z = robust_z(window_sums(values, span) / count, everywhere.astype(bool))
    return np.asarray(z * np.sqrt(count) / span)
