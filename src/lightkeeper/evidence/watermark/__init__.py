"""Public watermarks, decoded in one pass over the pixels.

A public mark's key is known to everyone: a picture that carries one shows that somebody wrote it,
never that the picture was generated.
"""

from lightkeeper.evidence.watermark._embed import embed
from lightkeeper.evidence.watermark._examiners import PublicMarkExaminer, RescaledMarkExaminer
from lightkeeper.evidence.watermark._marks import (
    PUBLIC_MARKS,
    Mark,
    Method,
    Variant,
    load_marks,
)
from lightkeeper.evidence.watermark._read import read_marks, warm_up
from lightkeeper.evidence.watermark._reading import MarkReading
from lightkeeper.evidence.watermark._rivagan import RivaGanExaminer

__all__ = [
    "PUBLIC_MARKS",
    "Mark",
    "MarkReading",
    "Method",
    "PublicMarkExaminer",
    "RescaledMarkExaminer",
    "RivaGanExaminer",
    "Variant",
    "embed",
    "load_marks",
    "read_marks",
    "warm_up",
]
