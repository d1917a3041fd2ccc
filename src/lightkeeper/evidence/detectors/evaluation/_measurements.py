"""What is measured, as plain records; every number here can be computed again from the rows."""

from __future__ import annotations

from dataclasses import dataclass

from lightkeeper.evidence.detectors.evaluation._reliability import Reliability  # noqa: TC001

# Cards are read back by these types, so they are needed at run time.
from lightkeeper.evidence.detectors.statistics import Interval, Rate  # noqa: TC001
from lightkeeper.evidence.detectors.treatment import Condition  # noqa: TC001


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """Recall where a given share of photographs fires, or why it cannot be told."""

    fpr: float
    measurable: bool
    note: str
    threshold: float | None = None
    false_positives: Rate | None = None
    recall: Rate | None = None


@dataclass(frozen=True, slots=True)
class Separation:
    """Generated pictures against photographs, under one condition."""

    condition: Condition
    photographs: int
    generated: int
    auc: Interval | None
    average_precision: Interval | None
    points: tuple[OperatingPoint, ...]


@dataclass(frozen=True, slots=True)
class GeneratorResult:
    """One generator against all photographs, under the matched condition."""

    generator: str
    pictures: int
    auc: Interval
    recall: Rate | None
    """At the threshold that 1 % of photographs reach."""


@dataclass(frozen=True, slots=True)
class SourceResult:
    """One source of photographs at the 1 % threshold of all the other sources."""

    source: str
    pictures: int
    false_positives: Rate
    auc_against_other_photographs: Interval
    """Far from .5 on either side, the detector recognises sources."""


@dataclass(frozen=True, slots=True)
class PairResult:
    """Photographs against their own re-syntheses: the content is the same."""

    condition: Condition
    pairs: int
    auc: Interval | None
    higher: Rate
    """Pairs in which the re-synthesis scores above its photograph."""


@dataclass(frozen=True, slots=True)
class KindResult:
    """Non-photographs that fire at the 1 % threshold of photographs."""

    kind: str
    drawn: bool
    pictures: int
    false_positives: Rate | None


@dataclass(frozen=True, slots=True)
class Silence:
    """Pictures that the detector gave no score, over all conditions."""

    rows: int
    abstained_real: int
    abstained_generated: int
    failed: int


@dataclass(frozen=True, slots=True)
class Cost:
    """Time per picture at native size, on the machine that evaluated."""

    pictures: int
    median_seconds: float
    p95_seconds: float


@dataclass(frozen=True, slots=True)
class Band:
    """A range of scores and how much falling into it weighs.

    ``log10_lr`` is the lower end of the share of generated pictures over the upper end of the
    share of real ones, by the worse of photographs and other real pictures, and by the least
    favourable condition; by the mean of the conditions where a detector has a bar of its own. Both
    ends are exact 95 % bounds, so the null's size bounds the weight.
    """

    at_least: float
    below: float | None
    generated: int
    real: int
    log10_lr: float


@dataclass(frozen=True, slots=True)
class Measurements:
    """Everything that a card states about a detector."""

    separations: tuple[Separation, ...]
    generators: tuple[GeneratorResult, ...]
    sources: tuple[SourceResult, ...]
    pairs: tuple[PairResult, ...]
    kinds: tuple[KindResult, ...]
    reliability: Reliability
    silence: Silence
    cost: Cost
    bands: tuple[Band, ...]
    null_size: int
    """Photographs and other real pictures behind the bands."""

    def under(self, condition: Condition) -> Separation:
        """The separation under one condition."""
        return next(s for s in self.separations if s.condition is condition)

    def pairs_under(self, condition: Condition) -> PairResult:
        """The content-matched pairs under one condition."""
        return next(p for p in self.pairs if p.condition is condition)
