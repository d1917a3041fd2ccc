"""The open mark: a periodic pattern with 48 bits that any later geometry leaves readable.

Its pattern is published. Anyone can put it on any picture, and one marked picture is enough to
copy it: it is made to be found, and proves nothing.
"""

from lightkeeper.evidence.watermark.lattice._code import PAYLOAD_BITS
from lightkeeper.evidence.watermark.lattice._embed import DEFAULT_PSNR, embed
from lightkeeper.evidence.watermark.lattice._examiner import (
    OpenMarkExaminer,
    OpenMarkSearchExaminer,
)
from lightkeeper.evidence.watermark.lattice._pipeline import OutputMarker
from lightkeeper.evidence.watermark.lattice._read import read, read_all, read_at_own_size, warm_up
from lightkeeper.evidence.watermark.lattice._reading import LatticeReading, LatticeTransform

__all__ = [
    "DEFAULT_PSNR",
    "PAYLOAD_BITS",
    "LatticeReading",
    "LatticeTransform",
    "OpenMarkExaminer",
    "OpenMarkSearchExaminer",
    "OutputMarker",
    "embed",
    "read",
    "read_all",
    "read_at_own_size",
    "warm_up",
]
