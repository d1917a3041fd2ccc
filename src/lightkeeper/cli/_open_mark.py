"""The open mark as commands use it: its payload and geometry, or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.errors import EvidenceError
from lightkeeper.evidence.watermark import lattice

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class OpenMark:
    """What was read: the payload, and steps in the marked picture to steps in this one."""

    payload: int
    matrix: NDArray[np.float64]


def read_open_mark(rgb: NDArray[np.uint8]) -> OpenMark:
    """Read the open mark of a picture.

    Raises
    ------
    EvidenceError
        It carries none.
    """
    reading = lattice.read(rgb)
    if reading is None:
        raise EvidenceError("no open mark was found")
    matrix = np.array(reading.transform.matrix, np.float64).reshape(2, 2)
    return OpenMark(int(reading.payload), matrix)
