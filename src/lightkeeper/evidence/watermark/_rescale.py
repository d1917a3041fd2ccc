"""Copies of a picture at the sizes that generators produce."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_SIDES = (512, 768, 1024)
_BUCKETS = ((1152, 896), (1216, 832), (1344, 768), (1536, 640))
_ASPECT_TOLERANCE = 0.015
_SMALLEST_SIDE = 160
_LARGEST_AREA = 2048 * 2048


def rescaled_copies(rgb: NDArray[np.uint8]) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Resample to each candidate size; a resized mark is readable only on its own grid.

    Yields
    ------
    name : str
        Such as ``1024x1024``.
    copy : uint8, shape (H, W, 3)
    """
    if min(rgb.shape[:2]) < _SMALLEST_SIDE:
        return
    picture = Image.fromarray(rgb)
    for size in candidate_sizes(*picture.size):
        copy = picture.resize(size, Image.Resampling.BICUBIC)
        yield f"{size[0]}x{size[1]}", np.asarray(copy)


def candidate_sizes(width: int, height: int) -> tuple[tuple[int, int], ...]:
    """Sizes (width, height) a picture may have had before it was resized, its own left out.

    The usual side lengths for the shorter and the longer side, at the same aspect and rounded to
    the multiples of 8 that diffusion models produce, and the SDXL sizes of nearly this aspect.
    """
    short, long = min(width, height), max(width, height)
    sizes = [_scaled(width, height, side / short) for side in _SIDES]
    sizes += [_scaled(width, height, side / long) for side in _SIDES]
    for bucket in _BUCKETS:
        w, h = bucket if width >= height else bucket[::-1]
        if abs(w / h * height / width - 1) < _ASPECT_TOLERANCE:
            sizes.append((w, h))
    kept = dict.fromkeys(sizes)
    kept.pop((width, height), None)
    return tuple(s for s in kept if 256 * 256 <= s[0] * s[1] <= _LARGEST_AREA and min(s) >= 8)


def _scaled(width: int, height: int, factor: float) -> tuple[int, int]:
    return round(width * factor / 8) * 8, round(height * factor / 8) * 8
