"""What a picture shows, as far as it outlives codecs and crops; and its detail, whitened.

All of this is public and has no key. A plane of luma is given in *cells*, each two pixels of the
picture as it was marked.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from lightkeeper.evidence.watermark.lattice._kernels import box_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK: Final = 4
"""Cells along each side of a block; features are taken from means of blocks."""
_WIDTHS: Final = (1.0, 1.6, 2.5)
"""Deviations of the Gaussians that features are derivatives of, in blocks."""
_TYPICAL: Final = np.array(
    [8.8, 9.2, 3.5, 8.6, 11.1, 9.7, 9.9, 4.0, 9.8, 12.7, 10.3, 10.5, 4.4, 10.5, 13.8], np.float32
)
"""Deviation of each feature in photographs, in grey levels; measured on Kodak's."""
FEATURES: Final = len(_TYPICAL)
_CLEAR: Final = np.float32(0.8)
"""Strength of a place's features, over the typical one, from which on it counts in full; below, by
the cube: smooth places show their mark bare, and one sky has the signs of another."""
_REACH: Final = 2
_FLOOR, _MOST, _SHARE = np.float32(1.0), np.float32(2.0), np.float32(0.3)


@dataclass(frozen=True, slots=True)
class Content:
    """Features of a picture, shape (15, blocks down, blocks across), and what each place counts.

    Who copies a mark can nudge flat places towards what another picture shows, so they count less.
    """

    features: NDArray[np.float32]
    weight: NDArray[np.float32]
    block: int

    @classmethod
    def of(cls, cells: NDArray[np.float32], block: int = BLOCK) -> Content:
        """Content of a plane whose sides are multiples of ``block`` cells."""
        height, width = (side // block for side in cells.shape)
        means = cells.reshape(height, block, width, block).mean(axis=(1, 3))
        down, across = _filters(height), _filters(width)
        found = np.empty((FEATURES, height, width), np.float32)
        for k in range(len(_WIDTHS)):
            smooth, slope, bend = down[k]
            rows = smooth @ means, slope @ means, bend @ means
            smooth, slope, bend = (matrix.T for matrix in across[k])
            over, under = rows[0] @ bend, rows[2] @ smooth
            found[5 * k] = rows[0] @ slope
            found[5 * k + 1] = rows[1] @ smooth
            found[5 * k + 2] = rows[1] @ slope
            found[5 * k + 3] = over - under
            found[5 * k + 4] = over + under
        found /= _TYPICAL[:, None, None]
        strength = np.sqrt((found * found).mean(axis=0))
        return cls(found, np.minimum(strength / _CLEAR, 1) ** 3, block)

    def signs(self, questions: NDArray[np.float32]) -> NDArray[np.float32]:
        """The product of the answers to some questions, -1 or 1, in cells.

        A product of several says nothing on average about any one feature: who fits a pattern to
        features, without the questions, learns nothing from less than their products.
        """
        answers = np.tensordot(questions, self.features, ([1], [0]))
        signs = np.ones([side * self.block for side in answers.shape[1:]], np.float32)
        for answer in answers:
            enlarged = _enlarged(answer, self.block)
            signs *= np.where(enlarged < 0, np.float32(-1), np.float32(1))
        return signs

    def weights(self) -> NDArray[np.float32]:
        """How much each cell counts."""
        return _enlarged(self.weight, self.block)


def whitened(cells: NDArray[np.float32], *, rough: bool = False) -> NDArray[np.float32]:
    """Second differences over their deviation around, clipped, and weighted.

    The weight suits a mark that follows local activity. With ``rough``, rough places count most:
    flat ones are where somebody who smooths the picture takes most of the mark.
    """
    padded = np.pad(cells, 1, mode="edge")
    around = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    detail = np.asarray(cells - np.float32(0.25) * around, np.float32)
    deviation = np.sqrt(np.maximum(box_mean(detail * detail, _REACH), 0))
    scaled = np.clip(detail / (deviation + _FLOOR), -_MOST, _MOST)
    if rough:
        return np.asarray(scaled * deviation / (deviation + 3), np.float32)
    return np.asarray(scaled * (2 + _SHARE * deviation) / (deviation + _FLOOR), np.float32)


def resized(
    luma: NDArray[np.float32], height: int, width: int, box: tuple[float, float, float, float]
) -> NDArray[np.float32]:
    """A part of a plane (left, top, right, bottom) at another size."""
    enlarges = height > box[3] - box[1]
    way = Image.Resampling.BICUBIC if enlarges else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(luma).resize((width, height), way, box=box), np.float32)


def _enlarged(blocks: NDArray[np.float32], block: int) -> NDArray[np.float32]:
    height, width = (side * block for side in blocks.shape)
    image = Image.fromarray(np.ascontiguousarray(blocks))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR), np.float32)


@lru_cache(maxsize=256)
def _filters(length: int) -> NDArray[np.float32]:
    """Matrices that smooth and derive a column once and twice, shape (widths, 3, n, n).

    The ends are continued with the last sample.
    """
    places = np.arange(length)
    out = np.zeros((len(_WIDTHS), 3, length, length), np.float32)
    for k, width in enumerate(_WIDTHS):
        reach = math.ceil(3 * width)
        x = np.arange(-reach, reach + 1)
        gauss = np.exp(-(x**2) / (2 * width**2))
        gauss /= gauss.sum()
        kernels = gauss, -x * gauss / width, (x**2 / width**2 - 1) * gauss
        for step, *values in zip(x, *kernels, strict=True):
            source = np.clip(places + step, 0, length - 1)
            for order, value in enumerate(values):
                out[k, order, places, source] += np.float32(value)
    return out
