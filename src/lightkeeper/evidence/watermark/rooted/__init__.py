"""The secret mark of a rooted decoder: read it, and say which copy of a model made a picture.

Only the holder of the secret file can look for the mark. Nothing here needs torch.
"""

from lightkeeper.evidence.watermark.rooted._detect import RootedReading, calibrated_keys, detect
from lightkeeper.evidence.watermark.rooted._examiner import RootedMarkExaminer
from lightkeeper.evidence.watermark.rooted._identify import (
    Identification,
    identify,
    identify_among,
)
from lightkeeper.evidence.watermark.rooted._read import Look, RootedReader
from lightkeeper.evidence.watermark.rooted._secret import (
    MarkKey,
    MarkSecret,
    read_passphrase,
)

__all__ = [
    "Identification",
    "Look",
    "MarkKey",
    "MarkSecret",
    "RootedMarkExaminer",
    "RootedReader",
    "RootedReading",
    "calibrated_keys",
    "detect",
    "identify",
    "identify_among",
    "read_passphrase",
]
