"""The open marks of a picture, as registries need them: payload and geometry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class OpenMark:
    """What was read: the payload, and steps in the marked picture to steps in this one."""

    payload: int
    matrix: NDArray[np.float64]
    """Shape (2, 2)."""


def read_open_marks(rgb: NDArray[np.uint8]) -> tuple[OpenMark, ...]:
    """Read all open marks of a picture; none where it carries none."""
    from lightkeeper.evidence.watermark import lattice

    return tuple(
        OpenMark(int(found.payload), np.array(found.transform.matrix, np.float64).reshape(2, 2))
        for found in lattice.read_all(rgb)
    )
