"""The keyed lattice: an owner's mark whose phases are secret and whose slots follow the picture.

Only the holder of the key can look for it. It has no period of its own in the spectrum, lies
elsewhere in every picture, and its signs are taken from what the picture shows.
"""

from lightkeeper.evidence.watermark.keyed._embed import embed_keyed
from lightkeeper.evidence.watermark.keyed._examiner import KeyedMarkExaminer
from lightkeeper.evidence.watermark.keyed._pattern import KeyedPattern
from lightkeeper.evidence.watermark.keyed._read import KeyedReading, read_keyed
from lightkeeper.evidence.watermark.rooted._secret import LatticeKey

__all__ = [
    "KeyedMarkExaminer",
    "KeyedPattern",
    "KeyedReading",
    "LatticeKey",
    "embed_keyed",
    "read_keyed",
]
