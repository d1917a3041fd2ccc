"""Where in a picture the statistic can be read: textured, unsaturated, apart from each other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
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

_CONTRASTED = 12.0


class Abstention(StrEnum):
    """Why nothing is said about a picture."""

    TOO_SMALL = "too-small"
    TOO_FLAT = "too-flat"
    TOO_COMPRESSED = "too-compressed"
    REPLICATED = "replicated"
    """Enlarged by repeating pixels."""
    PERIODIC = "periodic"
    """Its content repeats."""
    NO_NULL = "no-null"
    """Too few pictures of its kind were measured."""


@dataclass(frozen=True, slots=True)
class Patch:
    """Upper left corner of one region."""

    y: int
    x: int


def choose(
    rgb: Pixels, *, side: int, apart: int, count: int, least: int, grid: int = 8
) -> tuple[Patch, ...] | Abstention:
    """The ``count`` most textured regions whose compared pixels do not touch each other.

    Texture is the median fine energy of a region's blocks, so that one edge does not count.

    Parameters
    ----------
    side : int
        Pixels of a region's side.
    apart : int
        Least distance of two regions along rows or columns.
    least : int
        Fewer than this many regions is an abstention.
    """
    height, width = rgb.shape[:2]
    rows, columns = (1 + (length - side) // apart for length in (height, width))
    if min(rows, columns) < 1 or rows * columns < least:
        return Abstention.TOO_SMALL
    red, green, blue = (np.ascontiguousarray(rgb[..., k]) for k in range(3))
    grey = (red.astype(np.float32) + green + blue) / np.float32(3)
    energy = block_means(fine(grey) ** 2)
    # One more wraps the upper end of the scale to its lower end.
    burnt = (red + np.uint8(1) < 2) | (green + np.uint8(1) < 2) | (blue + np.uint8(1) < 2)
    saturated = block_means(burnt[1:-1, 1:-1].astype(np.float32))
    texture = _texture(energy, saturated, side)
    found: list[Patch] = []
    for index in np.argsort(-texture, axis=None, kind="stable"):
        row, column = divmod(int(index), texture.shape[1])
        if texture[row, column] < LEAST_FINE_ENERGY or len(found) == count:
            break
        y = _moved(row * BLOCK, 3 * len(found) + 1, height - side, grid)
        x = _moved(column * BLOCK, 5 * len(found) + 2, width - side, grid)
        if all(abs(y - p.y) >= apart or abs(x - p.x) >= apart for p in found):
            found.append(Patch(y, x))
    if len(found) >= least:
        return tuple(found)
    contrasted = block_means(np.abs(grey - grey.mean())).mean() > _CONTRASTED
    return Abstention.TOO_COMPRESSED if contrasted else Abstention.TOO_FLAT


def _moved(begin: int, by: int, last: int, grid: int) -> int:
    # Regions begin on different remainders: what the way of measuring prefers (blocks that fall
    # on a grid's cells) is then another phase in each, and cannot pass for agreement.
    reach = max(grid, BLOCK)
    moved = min(begin, last) + by % reach
    return moved if moved <= last else max(0, moved - reach)


def _texture(energy: Plane, saturated: Plane, side: int) -> Plane:
    span = max(1, side // BLOCK)
    step = (slice(None, None, 2), slice(None, None, 2))
    windows = np.lib.stride_tricks.sliding_window_view(energy, (span, span))[step]
    burnt = np.lib.stride_tricks.sliding_window_view(saturated, (span, span))[step]
    texture = np.zeros(energy.shape, np.float32)
    usable = np.median(windows, (-2, -1)) * (burnt.mean((-2, -1)) <= MOST_SATURATED)
    texture[: 2 * usable.shape[0] : 2, : 2 * usable.shape[1] : 2] = usable
    return texture
