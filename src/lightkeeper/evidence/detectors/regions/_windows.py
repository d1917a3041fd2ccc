"""Sliding windows over blocks of 8 pixels, and ranks that make their sums comparable."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Plane = NDArray[np.float32]
    Values = NDArray[np.float64]
    Mask = NDArray[np.bool_]

BLOCK = 8
LEAST_BLOCKS = 12
"""Fewer readable blocks than this in a window say nothing."""


def window_sums(values: Values, span: int) -> Values:
    """Sums over windows of about ``span`` blocks a side, centred, cut at the borders."""
    before, after = span // 2, span - span // 2
    table = np.zeros((*values.shape[:-2], values.shape[-2] + 1, values.shape[-1] + 1))
    table[..., 1:, 1:] = values.cumsum(-2).cumsum(-1)
    rows, columns = (np.arange(side) for side in values.shape[-2:])
    top, bottom = np.maximum(rows - before, 0), np.minimum(rows + after, len(rows))
    left, right = np.maximum(columns - before, 0), np.minimum(columns + after, len(columns))
    high, low = table[..., bottom, :], table[..., top, :]
    return np.asarray(high[..., right] - high[..., left] - low[..., right] + low[..., left])


def normal_scores(errors: Values) -> Values:
    """Per block, each phase's rank among the phases as a normal deviate: high where error is low.

    Exactly standardised where phases are exchangeable, whatever the content of the block.
    """
    among = errors.shape[0]
    normal = NormalDist()
    deviates = np.array([normal.inv_cdf((among - rank - 0.5) / among) for rank in range(among)])
    deviates /= deviates.std()
    return np.asarray(deviates[errors.argsort(0, kind="stable").argsort(0, kind="stable")])


def window_scores(scores: Values, readable: Mask, span: int) -> Values:
    """Standardised window sums of ``scores``; zero where too few blocks are readable."""
    count = window_sums(readable.astype(np.float64), span)
    sums = window_sums(scores * readable, span)
    return np.where(count >= LEAST_BLOCKS, sums / np.sqrt(np.maximum(count, 1)), 0.0)


def robust_z(values: Values, readable: Mask) -> Values:
    """Deviation from the picture's own median in units of its own spread; zero elsewhere."""
    if not readable.any():
        return np.zeros_like(values)
    known = values[readable]
    middle = np.median(known)
    spread = 1.4826 * float(np.median(np.abs(known - middle)))
    if spread <= 1e-9:
        return np.zeros_like(values)
    return np.where(readable, (values - middle) / spread, 0.0)


def log_tail(z: Values | Plane) -> Plane:
    """Minus log10 of the chance of a normal deviate this large."""
    tail = [0.5 * math.erfc(min(float(each), 35.0) / math.sqrt(2)) for each in z.ravel()]
    return np.asarray(-np.log10(tail).reshape(z.shape), np.float32)


def log_heavy_tail(z: Values | Plane) -> Plane:
    """Minus log10 of the two-sided chance under Student's t with two degrees of freedom.

    Content makes a picture's own deviations far heavier than normal.
    """
    square = np.asarray(z, np.float64) ** 2
    return np.asarray(-np.log10(np.maximum(1 - np.sqrt(square / (2 + square)), 1e-12)), np.float32)
