"""Where a reconstruction's error says something about a grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.detectors._texture import (
    BLOCK,
    LEAST_FINE_ENERGY,
    MOST_SATURATED,
    block_means,
    fine,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Plane = NDArray[np.float32]
    Mask = NDArray[np.bool_]

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_NEAR_END = 2
"""Grey levels from an end of the scale at which a decoder's answer is cut off."""
_NOTHING = 0.7
"""Size under which a coefficient is no more than rounding."""
_MOST_NOTHING = 0.7
"""Share of such coefficients above which JPEG has left a block no texture of its own."""

_K = np.arange(BLOCK)
_COSINES = np.cos(np.pi * (2 * _K + 1) * _K[:, None] / (2 * BLOCK))
_BASIS = (_COSINES / np.linalg.norm(_COSINES, axis=1, keepdims=True)).astype(np.float32)
_FINE = _K[:, None] + _K >= 3


def readable(rgb: Pixels, *, lost: int) -> Mask:
    """Blocks with texture, not clipped, ``lost`` pixels or more from the border.

    Clipped shadows and lights cut the error off, and by how much depends on the phase.
    """
    grey = np.pad(rgb.mean(2, dtype=np.float32), 1, mode="edge")
    near = ((rgb <= _NEAR_END) | (rgb >= 255 - _NEAR_END)).any(2)
    told = block_means(fine(grey) ** 2) >= LEAST_FINE_ENERGY
    told = told & (block_means(np.asarray(near, np.float32)) <= MOST_SATURATED)
    reached = np.zeros_like(told)
    first = -(-lost // BLOCK)
    bottom, right = ((side - lost) // BLOCK for side in rgb.shape[:2])
    reached[first:bottom, first:right] = True
    return np.asarray(told & reached)


def flattened(rgb: Pixels, phase: tuple[int, int]) -> Mask:
    """Blocks that hold next to nothing but coarse coefficients on the grid of ``phase``.

    JPEG leaves such blocks, and they are reconstructed best on JPEG's own grid, whoever made
    them: a decoder's grid cannot be told from it there.
    """
    luma = rgb @ LUMA
    y, x = (at % BLOCK for at in phase)
    plane = luma[y:, x:]
    high, wide = (side // BLOCK for side in plane.shape)
    blocks = plane[: high * BLOCK, : wide * BLOCK].reshape(high, BLOCK, wide, BLOCK)
    coefficients = _BASIS @ blocks.transpose(0, 2, 1, 3) @ _BASIS.T
    nothing = (np.abs(coefficients[..., _FINE]) < _NOTHING).mean(-1) > _MOST_NOTHING
    rows, columns = (
        np.clip(np.arange(side // BLOCK) - (at > BLOCK // 2), 0, known - 1)
        for side, at, known in zip(luma.shape, (y, x), nothing.shape, strict=True)
    )
    return np.asarray(nothing[np.ix_(rows, columns)])
