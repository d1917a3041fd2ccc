"""Fingerprints: cryptographic digests and PDQ."""

from lightkeeper.hashing._digests import Digests, digests, media_digests
from lightkeeper.hashing._pdq import (
    PdqHash,
    PdqVariant,
    distance_bits,
    is_warm,
    pdq,
    pdq_of_luma,
    pdq_of_rgb,
    warm_up,
)

__all__ = [
    "Digests",
    "PdqHash",
    "PdqVariant",
    "digests",
    "distance_bits",
    "is_warm",
    "media_digests",
    "pdq",
    "pdq_of_luma",
    "pdq_of_rgb",
    "warm_up",
]
