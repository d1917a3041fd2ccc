"""The open mark: a periodic pattern with 48 bits that any later geometry leaves readable.

Its pattern is published. Anyone can put it on any picture, and one marked picture is enough to
copy it: it is made to be found, and proves nothing.

What needs compiled loops is imported on first use: a scan that stops at the bytes builds the
examiners, to say what was not examined, and pays for no compiler.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from lightkeeper.evidence.watermark.lattice._code import PAYLOAD_BITS
from lightkeeper.evidence.watermark.lattice._examiner import (
    OpenMarkExaminer,
    OpenMarkSearchExaminer,
)
from lightkeeper.evidence.watermark.lattice._reading import LatticeReading, LatticeTransform

if TYPE_CHECKING:
    from lightkeeper.evidence.watermark.lattice._embed import DEFAULT_PSNR, embed
    from lightkeeper.evidence.watermark.lattice._pipeline import OutputMarker
    from lightkeeper.evidence.watermark.lattice._read import (
        read,
        read_all,
        read_at_own_size,
        warm_up,
    )

_ON_FIRST_USE = {
    "DEFAULT_PSNR": "_embed",
    "embed": "_embed",
    "OutputMarker": "_pipeline",
    "read": "_read",
    "read_all": "_read",
    "read_at_own_size": "_read",
    "warm_up": "_read",
}

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


def __getattr__(name: str) -> object:
    if name not in _ON_FIRST_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_ON_FIRST_USE[name]}"), name)
    globals()[name] = value
    return value
