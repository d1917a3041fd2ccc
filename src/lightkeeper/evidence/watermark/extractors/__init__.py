"""Learned marks of others, read by networks whose weights an operator holds.

The project ships none of the weights and fetches nothing: TrustMark, InvisMark, PixelSeal and
VideoSeal, Watermark Anything and Stable Signature are read by ONNX files that a policy names.
"""

from lightkeeper.evidence.watermark.extractors._examiner import (
    Extractor,
    ExtractorExaminer,
    ExtractorReading,
    Payload,
    load_extractors,
)
from lightkeeper.evidence.watermark.extractors._schemes import Family

__all__ = [
    "Extractor",
    "ExtractorExaminer",
    "ExtractorReading",
    "Family",
    "Payload",
    "load_extractors",
]
