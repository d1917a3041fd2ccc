"""Parts of a picture to be read, in blocks of 8 pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]
    Mask = NDArray[np.bool_]

_SHARE = 0.25
"""Of the picture, on which a phase is sought: halving it loses the phase, doubling gains little."""
_LEAST = 4


class Box(NamedTuple):
    """Rows from ``top`` and columns from ``left``, up to ``bottom`` and ``right``."""

    top: int
    left: int
    bottom: int
    right: int


def around(told: Mask) -> Box:
    """The smallest box that holds every block that can be read."""
    rows, columns = np.flatnonzero(told.any(1)), np.flatnonzero(told.any(0))
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def textured_tiles(told: Values, side: int) -> list[Box]:
    """Tiles that do not overlap and hold most blocks that can be read.

    Parameters
    ----------
    told : float64, shape (H // 8, W // 8)
        How far each block can be read, 0 to 1.
    side : int
        Blocks of a tile's side; less in a picture that is smaller.
    """
    whole = around(told > 0)
    rows, columns = (
        _begins(first, last, side)
        for first, last in ((whole.top, whole.bottom), (whole.left, whole.right))
    )
    tiles = [
        Box(y, x, min(y + side, whole.bottom), min(x + side, whole.right))
        for y in rows
        for x in columns
    ]
    tiles.sort(key=lambda t: -float(told[t.top : t.bottom, t.left : t.right].sum()))
    return tiles[: max(_LEAST, round(_SHARE * told.size / side**2))]


def _begins(first: int, last: int, side: int) -> list[int]:
    number = max(1, (last - first) // side)
    return [int(k) for k in np.linspace(first, max(first, last - side), number).round()]
