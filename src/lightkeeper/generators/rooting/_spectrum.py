"""The tiles and frequencies on which a rooted mark lives."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.nn import functional

BITS = 48
TILE = 32
"""Side of a tile after halving: 64 px of the picture."""
STEP = 16
INNER, OUTER = 2.4, 9.6
"""Radii in cycles per tile: wavelengths from 27 to 6.7 px of the picture."""
CHROMA_OUTER = 7.6
RADIUS = 10

_OPPONENT = (
    (0.299, 0.587, 0.114),
    (-0.169, -0.331, 0.5),
    (0.5, -0.419, -0.081),
)


def frequencies() -> Any:
    """Channel, row and column frequency of every feature, in cycles per tile.

    Returns
    -------
    float32, shape (F, 3)
        One half of the plane: the other holds the same numbers.
    """
    found = []
    for channel in range(3):
        outer = OUTER if channel == 0 else CHROMA_OUTER
        for row in range(-RADIUS, RADIUS + 1):
            for column in range(RADIUS + 1):
                if column == 0 and row <= 0:
                    continue
                if INNER <= math.hypot(row, column) <= outer:
                    found.append((channel, row, column))
    return torch.tensor(found, dtype=torch.float32)


def opponent(rgb: Any) -> Any:
    """Luma and two colour differences, shape (N, 3, H, W)."""
    matrix = torch.tensor(_OPPONENT, dtype=rgb.dtype)
    return torch.einsum("oc,nchw->nohw", matrix, rgb)


def from_opponent(yuv: Any) -> Any:
    """Undo :func:`opponent`."""
    matrix = torch.linalg.inv(torch.tensor(_OPPONENT, dtype=torch.float64)).to(yuv.dtype)
    return torch.einsum("oc,nchw->nohw", matrix, yuv)


def halve(rgb: Any) -> Any:
    """Average areas of two by two."""
    return functional.avg_pool2d(rgb, 2)
