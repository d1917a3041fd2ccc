"""A coarse sketch of a picture, against which a cropped or turned copy can still be laid.

PDQ fixes the frame of a picture: a crop is another picture to it. A sketch keeps one bit for each
of up to 64 × 64 cells, whether the cell is lighter than its surroundings, and can be slid over.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

CELLS = 64
"""Along the longer side, of a picture that is large enough."""
LEAST_CELL = 10.0
"""Pixels along a cell: in smaller ones the mark itself shows, which a copy of it has too."""
_FINE = 4
"""Samples along a cell: a copy may be off by a fraction of one."""
_MOST_SIDE = 6
"""A copy may be pasted into a canvas of up to this many times the longer side."""
_WIDE = 2
"""From this many times on, places are tried half as densely, to bound the time."""
_ROUND = 3
"""Cells along the surroundings of a cell."""
_FLAT = 0.6
"""Grey levels of contrast between cells under which a picture has no sketch."""
_CLIP = 2.0
_LEAST_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Frame:
    """Size of a picture in pixels, and what follows from it: cells, and pixels of a sample."""

    width: int
    height: int

    @property
    def sample(self) -> float:
        """Pixels along one sample of the fine grid."""
        return max(max(self.width, self.height) / CELLS, LEAST_CELL) / _FINE

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns of the sketch."""
        side = self.sample * _FINE
        return max(1, round(self.height / side)), max(1, round(self.width / side))


@dataclass(frozen=True, slots=True)
class Overlay:
    """The best place of a copy on a sketch.

    ``correlation`` is that of the copy's contrasts with the bits, over ``cells`` cells that both
    have; ``z`` is its size in deviations of independent cells. ``available`` counts the cells of
    the copy, of which some may lie outside of the original.
    """

    correlation: float
    cells: int
    z: float
    available: int


NOTHING = Overlay(0.0, 0, 0.0, 0)


def draw_sketch(rgb: NDArray[np.uint8]) -> bytes:
    """Sketch a picture: rows of bits, the first cell in the highest bit of the first byte."""
    frame = Frame(rgb.shape[1], rgb.shape[0])
    rows, columns = frame.cells
    grey = Image.fromarray(_grey(rgb)).resize((columns * _FINE, rows * _FINE), Image.Resampling.BOX)
    samples = np.asarray(grey, np.float32)
    contrast, _ = _contrast(samples, np.ones_like(samples))
    return np.packbits(contrast[::_FINE, ::_FINE] > 0).tobytes()


def lay_over(
    rgb: NDArray[np.uint8], matrix: NDArray[np.float64], sketch: bytes, frame: Frame
) -> Overlay:
    """Find the place of a copy on a sketch.

    Parameters
    ----------
    rgb : uint8, shape (H, W, 3)
        The copy.
    matrix : float64, shape (2, 2)
        Steps (x, y) in pixels of the original to steps in pixels of the copy.
    sketch : bytes
        Of the original.
    frame : Frame
        Size of the original.

    Returns
    -------
    Overlay
        ``NOTHING`` where the copy is flat, too small or far larger than the original.
    """
    undone = _undo(_grey(rgb), matrix, frame.sample)
    if undone is None:
        return NOTHING
    contrast, valid = _contrast(*undone)
    known = valid > 0
    spread = float(np.sqrt(np.mean(contrast[known] ** 2))) if known.any() else 0.0
    if spread < _FLAT:
        return NOTHING
    weights = np.where(known, np.clip(contrast / spread, -_CLIP, _CLIP), 0)
    rows, columns = frame.cells
    bits = np.unpackbits(np.frombuffer(sketch, np.uint8), count=rows * columns)
    signs = bits.reshape(rows, columns).astype(np.float32) * 2 - 1
    best = NOTHING
    density = 1 if max(weights.shape) <= _WIDE * CELLS * _FINE else 2
    for down in range(0, _FINE, density):
        for across in range(0, _FINE, density):
            here = weights[down::_FINE, across::_FINE], valid[down::_FINE, across::_FINE]
            best = max(best, _slide(*here, signs), key=lambda found: found.z)
    return best


def _grey(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    grey: NDArray[np.float32] = rgb.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    return grey


def _undo(
    grey: NDArray[np.float32], matrix: NDArray[np.float64], sample: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Samples of the copy on the original's grid, and where the copy has any."""
    if not np.isfinite(matrix).all():
        return None
    size = math.sqrt(abs(float(np.linalg.det(matrix))))
    if not 1e-3 < size < 1e3:
        return None
    # What lies between two samples must not alias: reduce first, then turn.
    step = max(1.0, sample * size)
    reduced = (max(1, round(grey.shape[1] / step)), max(1, round(grey.shape[0] / step)))
    picture = Image.fromarray(grey).resize(reduced, Image.Resampling.BOX)
    scale = np.array([reduced[0] / grey.shape[1], reduced[1] / grey.shape[0]])
    forward = scale[:, None] * matrix * sample
    corners = np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) * reduced
    placed = corners @ np.linalg.inv(forward).T
    low, high = placed.min(axis=0), placed.max(axis=0)
    width, height = (math.ceil(side) for side in high - low)
    if max(width, height) > _MOST_SIDE * CELLS * _FINE or min(width, height) < _ROUND * _FINE:
        return None
    offset = forward @ low
    (a, b), (d, e) = forward
    numbers = (a, b, offset[0], d, e, offset[1])
    affine = Image.Transform.AFFINE
    smooth = Image.Resampling.BILINEAR
    turned = picture.transform((width, height), affine, numbers, smooth)
    there = Image.new("F", reduced, 1.0).transform((width, height), affine, numbers, smooth)
    return np.asarray(turned, np.float32), (np.asarray(there) > 0.99).astype(np.float32)


def _contrast(
    samples: NDArray[np.float32], there: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean of the cell that begins at each sample less that of its surroundings; where known."""
    around = _ROUND * _FINE
    border = (around - _FINE) // 2
    lit = samples * there
    cell, in_cell = _boxes(lit, _FINE), _boxes(there, _FINE)
    padding = ((border, border), (border, border))
    wide, in_wide = _boxes(np.pad(lit, padding), around), _boxes(np.pad(there, padding), around)
    known = (in_cell >= _FINE * _FINE - 0.5) & (in_wide >= 0.4 * around * around)
    difference = cell / (_FINE * _FINE) - wide / np.maximum(in_wide, 1)
    return np.where(known, difference, 0).astype(np.float32), known.astype(np.float32)


def _boxes(values: NDArray[np.float32], side: int) -> NDArray[np.float64]:
    """Sum of the box of ``side`` samples that begins at each sample."""
    sums = np.zeros((values.shape[0] + 1, values.shape[1] + 1))
    sums[1:, 1:] = values.cumsum(axis=0, dtype=np.float64).cumsum(axis=1)
    boxes: NDArray[np.float64] = (
        sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    )
    return boxes


def _slide(
    weights: NDArray[np.float32], valid: NDArray[np.float32], signs: NDArray[np.float32]
) -> Overlay:
    shape = tuple(a + b - 1 for a, b in zip(weights.shape, signs.shape, strict=True))
    size = tuple(_even(side) for side in shape)
    stack = np.stack([weights, weights * weights, valid])
    moved = np.fft.rfft2(stack, s=size, axes=(1, 2))
    fixed = np.conj(np.fft.rfft2(np.stack([signs, np.ones_like(signs)]), s=size, axes=(1, 2)))
    product, energy, count = np.fft.irfft2(moved * fixed[[0, 1, 1]], s=size, axes=(1, 2))
    cells = np.rint(count)
    least = _LEAST_SHARE * min(float(valid.sum()), float(signs.size))
    enough = (cells >= max(least, 1.0)) & (energy > 1e-3)
    if not enough.any():
        return NOTHING
    z = np.where(enough, product / np.sqrt(np.maximum(energy, 1e-3)), -np.inf)
    at = int(z.argmax())
    number = int(cells.flat[at])
    best = float(z.flat[at])
    return Overlay(best / math.sqrt(number), number, best, int(valid.sum()))


def _even(side: int) -> int:
    """A length at least this that transforms fast."""
    return 1 << (side - 1).bit_length() if side > 16 else 16
