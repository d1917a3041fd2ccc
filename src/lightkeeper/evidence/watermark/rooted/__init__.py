"""The secret mark of a rooted decoder: read it, and say which copy of a model made a picture.

Only the holder of the secret file can look for the mark. Nothing here needs torch.
"""

from lightkeeper.evidence.watermark.rooted._calibration import KeyCalibration, calibrate
from lightkeeper.evidence.watermark.rooted._detect import RootedReading, detect
from lightkeeper.evidence.watermark.rooted._examiner import RootedMarkExaminer
from lightkeeper.evidence.watermark.rooted._identify import Identification, identify
from lightkeeper.evidence.watermark.rooted._read import Look, RootedReader
from lightkeeper.evidence.watermark.rooted._secret import (
    BITS,
    MarkKey,
    MarkSecret,
    new_key,
    open_secret,
    write_secret,
)

__all__ = [
    "BITS",
    "Identification",
    "KeyCalibration",
    "Look",
    "MarkKey",
    "MarkSecret",
    "RootedMarkExaminer",
    "RootedReader",
    "RootedReading",
    "calibrate",
    "detect",
    "identify",
    "new_key",
    "open_secret",
    "write_secret",
]
