"""Find flat bars around a picture, such as a player or a screenshot adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Box = tuple[int, int, int, int]
"""Top, bottom, left, right, as in slices."""

_TOLERANCES = ((0, 1.0), (6, 0.98), (24, 0.95))
"""Grey levels around a bar's own, and the share of a line that must lie within them.

Bars of a lossless picture are exact; the next keeps a dark picture's edge apart from a black bar;
the last reads through a JPEG's ringing. Where they disagree all answers are looked up.
"""
_THINNEST = 0.02
"""Share of a side under which bars do not matter: PDQ stays within 31 bits of such a crop."""
_SMALLEST_INSIDE = 0.25
_SMALLEST_SIDE = 64
_SAME = 1 / 256
"""Share of a side up to which two edges are one."""


def inner_boxes(luma: NDArray[np.uint8]) -> tuple[Box, ...]:
    """Where the picture may be, inside flat bars of any grey; empty where there are none.

    Each side's bar may have a grey of its own. Since a picture may have flat edges itself, bars
    above and below, bars left and right, and both together are answers of their own. Lines are
    read from the outside until one is not flat, so a picture without bars costs few of them.

    Parameters
    ----------
    luma : uint8, shape (H, W)
    """
    height, width = luma.shape
    boxes: list[Box] = []
    for tolerance, share in _TOLERANCES:
        top, bottom = _bars(luma, tolerance, share)
        left, right = _bars(luma.T, tolerance, share)
        left_inside, right_inside = _bars(luma[top:bottom].T, tolerance, share)
        for box in (
            (top, bottom, left_inside, right_inside),
            (top, bottom, 0, width),
            (0, height, left, right),
        ):
            if _matters(box, height, width) and not any(
                _is_same(box, known, height, width) for known in boxes
            ):
                boxes.append(box)
    return tuple(boxes)


def _bars(lines: NDArray[np.uint8], tolerance: int, share: float) -> tuple[int, int]:
    """First line after the bar in front, and first of the bar at the end."""
    start = _bar(lines, tolerance, share)
    return start, len(lines) - _bar(lines[start:][::-1], tolerance, share)


def _bar(lines: NDArray[np.uint8], tolerance: int, share: float) -> int:
    """How many lines from the first on have its grey."""
    if not lines.size:
        return 0
    grey = int(np.median(lines[0]))
    low, high = max(0, grey - tolerance), min(255, grey + tolerance)
    for number, line in enumerate(lines):
        if np.count_nonzero((line >= low) & (line <= high)) < share * line.size:
            return number
    return len(lines)


def _matters(box: Box, height: int, width: int) -> bool:
    top, bottom, left, right = box
    inside = bottom - top, right - left
    for size, whole in zip(inside, (height, width), strict=True):
        if size < max(_SMALLEST_INSIDE * whole, _SMALLEST_SIDE):
            return False
    return inside[0] <= height * (1 - _THINNEST) or inside[1] <= width * (1 - _THINNEST)


def _is_same(box: Box, known: Box, height: int, width: int) -> bool:
    sides = (height, height, width, width)
    return all(abs(a - b) <= _SAME * side for a, b, side in zip(box, known, sides, strict=True))
