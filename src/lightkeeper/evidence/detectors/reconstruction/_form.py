"""How much work goes into one picture, and when it is enough."""

from __future__ import annotations

from dataclasses import dataclass

PLAIN_P = 1e-3
"""Chance at which no further patch is read."""
PLAIN_CONTRAST = 0.1
"""Contrast under which no further patch is read: decoders show more, photographs less."""


@dataclass(frozen=True, slots=True)
class Form:
    """How much work goes into one picture."""

    name: str
    side: int
    """Pixels of a crop; raised to a multiple of the grid."""
    looks: tuple[int, ...]
    """Numbers of patches after which the evidence is looked at."""
    refining: int = 0
    """Patches on which the phase is then found on the whole grid; none, and it stays modulo four.
    """
    scales: tuple[float, ...] = (1.0,)
    """Factors by which a picture is enlarged before it is read; each is a test."""
    dismissed: float = 0.08
    """Drop on the first phases under which a picture is let go, where the decoder's own show more.
    """
    first_contrast: float = PLAIN_CONTRAST
    """Contrast under which it ends after the first look; few patches may hide half of it."""
    confirming: int = 0
    """Further patches that are asked about the phase found, and about no other.

    Cheaper than a look: the chance is not looked at again.
    """


QUICK = Form("quick", side=48, looks=(2,), confirming=2)
FULL = Form(
    "full",
    side=64,
    looks=(4, 8, 12, 16),
    refining=12,
    scales=(1.0, 4 / 3),
    dismissed=0.04,
    first_contrast=0.05,
)
