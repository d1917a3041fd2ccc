"""A map as a small grey picture that carries nothing of the picture it was read from."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Plane = NDArray[np.float32]

_MOST_CELLS = 64
_WHITE = 12.0
"""Surprise shown as white: a fixed scale, so that a flat map stays dark."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """A greyscale PNG, one pixel per cell, to be stretched over the picture."""

    png: bytes
    rows: int
    columns: int

    @property
    def data_uri(self) -> str:
        """For an ``img`` element."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode("ascii")


def overlay(surprise: Plane) -> Overlay:
    """Draw a map of surprise (minus log10 of a chance) at no more than 64 cells a side."""
    step = -(-max(surprise.shape) // _MOST_CELLS)
    high, wide = (-(-side // step) * step for side in surprise.shape)
    padded = np.zeros((high, wide), np.float32)
    padded[: surprise.shape[0], : surprise.shape[1]] = np.maximum(surprise, 0)
    cells = padded.reshape(high // step, step, wide // step, step).max((1, 3))
    grey = (np.minimum(cells / _WHITE, 1) * 255).round().astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(grey).save(file, "PNG", optimize=True)
    return Overlay(file.getvalue(), *grey.shape)
