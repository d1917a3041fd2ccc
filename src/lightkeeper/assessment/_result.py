"""The shape of an assessment."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lightkeeper.assessment._classification import Classification
    from lightkeeper.evidence import Hypothesis, NotExamined


class Origin(StrEnum):
    """Where a picture comes from, as far as the evidence goes."""

    GENERATED = "generated"
    AI_EDITED = "ai-edited"
    CAPTURED = "captured"
    UNDETERMINED = "undetermined"


class Strength(StrEnum):
    """Verbal scale of a likelihood ratio LR.

    References
    ----------
    .. [1] ENFSI, "Guideline for Evaluative Reporting in Forensic Science", 2015, table 1.
    """

    NONE = "no support"
    WEAK = "weak support"
    MODERATE = "moderate support"
    MODERATELY_STRONG = "moderately strong support"
    STRONG = "strong support"
    VERY_STRONG = "very strong support"
    EXTREMELY_STRONG = "extremely strong support"

    @classmethod
    def of(cls, log10_lr: float) -> Strength:
        """Words for a likelihood ratio: weak from 2, moderate from 10, … extreme from 10⁶."""
        reached = cls.NONE
        for strength, least in _LEAST_LOG10_LR.items():
            if log10_lr >= least:
                reached = strength
        return reached

    @property
    def rank(self) -> int:
        """Position on the scale, 0 for no support."""
        return list(Strength).index(self)


_LEAST_LOG10_LR = {
    Strength.WEAK: 0.3010,
    Strength.MODERATE: 1.0,
    Strength.MODERATELY_STRONG: 2.0,
    Strength.STRONG: 3.0,
    Strength.VERY_STRONG: 4.0,
    Strength.EXTREMELY_STRONG: 6.0,
}


@dataclass(frozen=True, slots=True)
class Weight:
    """How much one finding counts, and why.

    ``counted`` is false where a finding of the same witness, at least as strong, already speaks for
    the same hypothesis.
    """

    finding: int
    supports: Hypothesis
    log10_lr: float
    rule: str
    reason: str
    counted: bool


@dataclass(frozen=True, slots=True)
class Conflict:
    """A disagreement between findings, or one that stands suspiciously alone."""

    code: str
    summary: str
    findings: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Routing:
    """Where a person should look first.

    ``priority`` is 0-100, higher first; no evidence of generation lowers it. ``needs`` are codes
    of what should happen next, ``reasons`` sentences.
    """

    priority: int
    needs: tuple[str, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What the findings mean together. Indices point into the findings assessed."""

    origin: Origin
    strength: Strength
    log10_lr: float | None
    """Of the origin against its alternatives; ``None`` where undetermined."""
    carried_by: tuple[int, ...]
    weights: tuple[Weight, ...]
    conflicts: tuple[Conflict, ...]
    not_examined: tuple[NotExamined, ...]
    labels: Classification
    routing: Routing
    calibration: str
