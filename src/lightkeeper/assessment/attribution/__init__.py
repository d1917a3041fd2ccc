"""Real or generated, which family, which generator; "unknown generator" is the default.

:func:`attribute` reads names off what examiners found. It never guesses one from pixels.
"""

from lightkeeper.assessment.attribution._attribute import (
    Attribution,
    Candidate,
    Decoder,
    Standing,
    attribute,
)
from lightkeeper.assessment.attribution._generators import Family

__all__ = ["Attribution", "Candidate", "Decoder", "Family", "Standing", "attribute"]
