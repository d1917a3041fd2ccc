"""When a decoder's grid is called found: the one rule that a scan follows and a card measures."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.evidence.detectors.reconstruction._calibrate import dismissal
from lightkeeper.evidence.detectors.reconstruction._composite import grid_parts
from lightkeeper.evidence.detectors.reconstruction._content import own_pattern, stratum
from lightkeeper.evidence.detectors.reconstruction._form import FULL, PLAIN_CONTRAST, Form
from lightkeeper.evidence.detectors.reconstruction._patches import Abstention
from lightkeeper.evidence.detectors.reconstruction._search import PhaseReading, read_grid

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.cards import Card
    from lightkeeper.evidence.detectors.reconstruction._autoencoder import Autoencoder
    from lightkeeper.evidence.detectors.reconstruction._composite import GridPart
    from lightkeeper.evidence.detectors.reconstruction._null import Null, ScaleNull

    Pixels = NDArray[np.uint8]

ALPHA = 0.01
"""Chance per picture of a finding where there is no grid, over all tests."""
SHARE = 0.6
SHARE_RESIZED = 0.5
"""Part of the contrast that the decoder's own pictures show, at this excess and scale, under which
a grid is not called that decoder's."""
_RULE = "4"


@dataclass(frozen=True, slots=True)
class Judged:
    """What the rule says of one picture."""

    reading: PhaseReading
    """Where the chance is least; otherwise at the native scale."""
    chance: float
    """Of a grid this plain where there is none, corrected for the scales; 1 where none is."""
    share: float = 0.0
    """Contrast over the one that the decoder's own pictures show."""
    null_size: int = 0
    tests: int = 1
    parts: tuple[GridPart, ...] = ()


@dataclass(frozen=True, slots=True)
class GridRule:
    """The rule for one autoencoder. As a detector it scores what it found; no training.

    Parameters
    ----------
    null : Null
        What this form shows on pictures that never met the autoencoder, and on its own.
    among : int
        Autoencoders that are asked about a picture; each is a test.
    """

    autoencoder: Autoencoder
    null: Null
    form: Form = FULL
    alpha: float = ALPHA
    among: int = 1

    @property
    def name(self) -> str:
        """``decoder-grid:`` and the autoencoder's name."""
        return f"decoder-grid:{self.autoencoder.name}"

    @property
    def version(self) -> str:
        """Of the rule, and its form."""
        return f"{_RULE}-{self.form.name}"

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the weights, the form and the null: all that can change a score."""
        parts = f"{_RULE} {self.autoencoder.fingerprint} {self.form} {self.null.id}"
        return hashlib.sha256(parts.encode()).hexdigest()

    @property
    def bar(self) -> float:
        """Score from which the rule says that the grid is there."""
        return -math.log10(self.alpha) - 1e-9

    def score(self, rgb: Pixels) -> float | None:
        """Minus the decimal logarithm of the chance; ``None`` where nothing can be said."""
        judged = self.judge(rgb)
        return None if isinstance(judged, Abstention) else max(0.0, -math.log10(judged.chance))

    def log10_lr(self, judged: Judged, card: Card | None) -> float | None:
        """What a finding weighs by its card, for "this came through the decoder".

        Each of several autoencoders may raise a false alarm: their number counts against all.
        """
        if card is None:
            return None
        weight = card.log10_lr(max(0.0, -math.log10(judged.chance)))
        if weight is None or (weight := weight - math.log10(self.among)) <= 0:
            return None
        return round(weight, 6)

    def found(self, judged: Judged | Abstention) -> bool:
        """Whether the grid is there."""
        return isinstance(judged, Judged) and judged.chance * self.among <= self.alpha * (1 + 1e-9)

    def judge(self, rgb: Pixels) -> Judged | Abstention:
        """Ask one picture, at as many scales as the null is large enough for.

        Raises
        ------
        EvidenceError
            The autoencoder failed.
        """
        first: Judged | Abstention | None = None
        for number, scale in enumerate(self.null.scales, start=1):
            reading = read_grid(
                self.autoencoder,
                rgb,
                self.form,
                scale=scale.scale,
                dismissed=dismissal(scale.own, self.form),
            )
            if isinstance(reading, Abstention):
                first = first or reading
                continue
            judged: Judged | Abstention = Judged(reading, 1.0)
            least = SHARE if scale.scale == 1 else SHARE_RESIZED
            if reading.contrast >= PLAIN_CONTRAST and scale.own.share(reading) >= least:
                judged = self._weighed(rgb, number, scale, reading)
            if isinstance(judged, Abstention) or self.found(judged):
                return judged
            first = judged if not isinstance(first, Judged) else first
            if number >= self._tests(self.null.size):
                break
        return first or Abstention.TOO_SMALL

    def _weighed(
        self, rgb: Pixels, number: int, scale: ScaleNull, reading: PhaseReading
    ) -> Judged | Abstention:
        if (pattern := own_pattern(rgb)) is not None:
            return pattern
        kind = stratum(rgb)
        size = scale.size(kind)
        tests = self._tests(size)
        if number > tests:
            return Abstention.NO_NULL
        chance = tests * scale.bound(kind, reading.contrast)
        parts: tuple[GridPart, ...] = ()
        if reading.exact and reading.scale == 1 and chance * self.among <= self.alpha * (1 + 1e-9):
            parts = grid_parts(self.autoencoder, rgb, reading.phase)
        # Two patches of the quick form cannot agree beyond chance, nor can two parts of a
        # picture, each with a phase of its own: there the null decides alone.
        if self.form.refining and not parts:
            chance = max(chance, tests * reading.p_value)
        return Judged(reading, min(1.0, chance), scale.own.share(reading), size, tests, parts)

    def _tests(self, size: int) -> int:
        """Scales that a null of this size allows; each is a test."""
        allowed = math.floor(self.alpha * (size + 1) / self.among + 1e-9)
        return min(len(self.null.scales), allowed)
