"""What the protocol does to pictures, and the controls that it makes itself.

:func:`reencode` treats both classes alike, so that a file's history cannot pass for its origin;
:func:`draw_non_photo` and :func:`smooth` make pictures that no model made.
"""

from lightkeeper.evidence.detectors.treatment._drawn import (
    CONTROL_KINDS,
    DRAWN_KINDS,
    SMOOTHED,
    draw_non_photo,
    smooth,
)
from lightkeeper.evidence.detectors.treatment._reencode import Condition, reencode, worn

__all__ = [
    "CONTROL_KINDS",
    "DRAWN_KINDS",
    "SMOOTHED",
    "Condition",
    "draw_non_photo",
    "reencode",
    "smooth",
    "worn",
]
