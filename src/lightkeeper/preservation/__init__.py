"""Keeping what a file says when its picture moves to another format.

:func:`transcode` puts generation parameters where the tools of the ecosystem look for them, moves
the rest into XMP or a sidecar, and says what became of everything.
"""

from lightkeeper.preservation._result import Carried, Transcoded
from lightkeeper.preservation._transcode import TARGETS, transcode

__all__ = ["TARGETS", "Carried", "Transcoded", "transcode"]
