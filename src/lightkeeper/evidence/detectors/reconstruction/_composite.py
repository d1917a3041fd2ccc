"""Two grids of one decoder in one picture: what was put together from two of its pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.detectors.reconstruction._contrast import Phase
from lightkeeper.evidence.detectors.reconstruction._field import COARSE, Field
from lightkeeper.evidence.detectors.reconstruction._form import FULL, PLAIN_CONTRAST
from lightkeeper.evidence.detectors.reconstruction._lattice import agreement
from lightkeeper.evidence.detectors.reconstruction._patches import Abstention
from lightkeeper.evidence.detectors.reconstruction._search import fields_of, refined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.reconstruction._autoencoder import Autoencoder

    Pixels = NDArray[np.uint8]

_LEAST_PATCHES = 4
_MOST_P = 0.01
"""Few patches are left to agree; the second grid must also be about as strong as the first."""
_LEAST_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class GridPart:
    """Where in a picture a grid of its own was seen; pixels."""

    phase: tuple[int, int]
    top: int
    left: int
    height: int
    width: int
    patches: int


def grid_parts(autoencoder: Autoencoder, rgb: Pixels, first: Phase) -> tuple[GridPart, ...]:
    """The parts of a picture whose grids begin apart, or nothing where there is one grid.

    The patches that do not bear the grid at ``first`` are asked whether they agree on another
    phase, by the same bound. Grids that begin an even number of rows *and*
    columns apart share a lattice and are not told apart.

    Parameters
    ----------
    rgb : uint8, shape (H, W, 3)
        A picture at its native scale in which the grid was found at ``first``.
    """
    fields = fields_of(autoencoder, rgb, FULL)
    if isinstance(fields, Abstention):
        return ()
    modulus = COARSE if autoencoder.lattice else autoencoder.grid
    for field in fields:
        field.on(modulus)
    drops = np.array([field.drop(first, modulus) for field in fields])
    bearing = [field for field, drop in zip(fields, drops, strict=True) if drop >= PLAIN_CONTRAST]
    others = [field for field, drop in zip(fields, drops, strict=True) if drop < PLAIN_CONTRAST]
    if not bearing or len(others) < _LEAST_PATCHES:
        return ()
    seen = agreement(np.stack([field.on(modulus) for field in others]), lattice=autoencoder.lattice)
    least = max(PLAIN_CONTRAST, _LEAST_SHARE * float(drops[drops >= PLAIN_CONTRAST].mean()))
    apart = (seen.at[0] - first.y) % 2 or (seen.at[1] - first.x) % 2
    if seen.p_value > _MOST_P or seen.contrast < least or not apart:
        return ()
    second = refined(others, Phase(*seen.at), autoencoder.grid, modulus)
    mine = [field for field in others if field.drop(second, modulus) >= PLAIN_CONTRAST]
    return _part(first, bearing), _part(second, mine)


def _part(phase: Phase, fields: Sequence[Field]) -> GridPart:
    boxes = np.array([field.box for field in fields])
    top, left = boxes[:, 0].min(), boxes[:, 1].min()
    bottom, right = (boxes[:, 0] + boxes[:, 2]).max(), (boxes[:, 1] + boxes[:, 2]).max()
    return GridPart(
        (phase.y, phase.x), int(top), int(left), int(bottom - top), int(right - left), len(fields)
    )
