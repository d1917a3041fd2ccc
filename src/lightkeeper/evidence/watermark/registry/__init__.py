"""Registries of marked pictures: what the payload of an open mark names.

Anyone can copy a public mark onto any picture. An entry holds the fingerprint of the picture that
the mark was made for, so that a copy shows.
"""

from lightkeeper.evidence.watermark.registry._compare import Comparison, Likeness, compare
from lightkeeper.evidence.watermark.registry._entry import Fingerprint, MarkEntry
from lightkeeper.evidence.watermark.registry._examine import (
    RegisteredMark,
    Standing,
    look_up,
)
from lightkeeper.evidence.watermark.registry._examiner import RegisteredMarks
from lightkeeper.evidence.watermark.registry._file import RegistryFile, read_registry
from lightkeeper.evidence.watermark.registry._ports import MarkRegistry

__all__ = [
    "Comparison",
    "Fingerprint",
    "Likeness",
    "MarkEntry",
    "MarkRegistry",
    "RegisteredMark",
    "RegisteredMarks",
    "RegistryFile",
    "Standing",
    "compare",
    "look_up",
    "read_registry",
]
