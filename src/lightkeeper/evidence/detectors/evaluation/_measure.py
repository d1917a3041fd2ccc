"""From rows to measurements. Nothing here looks at a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.detectors.evaluation._bands import bands
from lightkeeper.evidence.detectors.evaluation._measurements import (
    Cost,
    GeneratorResult,
    KindResult,
    Measurements,
    OperatingPoint,
    PairResult,
    Separation,
    Silence,
    SourceResult,
)
from lightkeeper.evidence.detectors.evaluation._reliability import Reliability, reliability
from lightkeeper.evidence.detectors.evaluation._sample import Label
from lightkeeper.evidence.detectors.evaluation._scores import Outcome, Scores
from lightkeeper.evidence.detectors.statistics import (
    Rate,
    auc_interval,
    average_precision_interval,
    threshold_at,
)
from lightkeeper.evidence.detectors.treatment import Condition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lightkeeper.evidence.detectors.evaluation._evaluate import Setup
    from lightkeeper.evidence.detectors.evaluation._scores import ScoreRow

_FPRS = (1e-2, 1e-3)
_CONTROL_FPR = _FPRS[0]


def measure(rows: Sequence[ScoreRow], setup: Setup) -> Measurements:
    """Compute everything that a card states; equal rows and setups give equal numbers.

    Raises
    ------
    InvalidConfiguration
        No photograph, or no generated picture, is left that the detector was not trained on.
    """
    by_condition = {condition: Scores.of(rows, condition) for condition in Condition}
    matched = by_condition[Condition.MATCHED]
    if not matched.photo.any() or not matched.made.any():
        raise InvalidConfiguration(
            "nothing is left to measure",
            hint="there must be photographs and generated pictures that it was not trained on",
        )
    return Measurements(
        separations=tuple(_separation(c, s, setup) for c, s in by_condition.items()),
        generators=_generators(matched, setup),
        sources=_sources(matched, setup),
        pairs=tuple(_pairs(c, s, setup) for c, s in by_condition.items()),
        kinds=_kinds(matched, setup),
        reliability=_reliability(matched),
        silence=_silence(rows),
        cost=_cost(rows),
        bands=bands(by_condition, setup.bar),
        null_size=int(matched.photo.sum() + matched.other.sum()),
    )


def _rng(setup: Setup, *place: int) -> np.random.Generator:
    return np.random.default_rng([setup.seed, *place])


def _separation(condition: Condition, scores: Scores, setup: Setup) -> Separation:
    generated, real = scores.at(scores.made), scores.at(scores.photo)
    place = list(Condition).index(condition)
    return Separation(
        condition,
        real.size,
        generated.size,
        auc_interval(generated, real, rng=_rng(setup, 1, place), resamples=setup.resamples),
        average_precision_interval(
            generated, real, rng=_rng(setup, 2, place), resamples=setup.resamples
        ),
        tuple(_point(scores, fpr) for fpr in _FPRS)
        if setup.bar is None
        else (_point_at(scores, setup.bar),),
    )


def _point(scores: Scores, fpr: float) -> OperatingPoint:
    generated, real = scores.at(scores.made), scores.at(scores.photo)
    needed = Rate.needed_for(fpr)
    if real.size < needed:
        note = f"not measurable with n={real.size:,}; it needs {needed:,} photographs"
        return OperatingPoint(fpr, False, note)
    threshold = threshold_at(real, fpr)
    false = Rate.observed(int((real >= threshold).sum()), real.size)
    recall = Rate.observed(int((generated >= threshold).sum()), generated.size)
    return OperatingPoint(fpr, True, f"n={real.size:,}", threshold, false, recall)


def _point_at(scores: Scores, bar: float) -> OperatingPoint:
    """What the detector's own bar gives; the rate is the one seen, and not one that was asked."""
    generated, real = scores.at(scores.made), scores.at(scores.photo)
    false = Rate.observed(int((real >= bar).sum()), real.size)
    recall = Rate.observed(int((generated >= bar).sum()), generated.size)
    return OperatingPoint(false.value, True, f"n={real.size:,}, its own bar", bar, false, recall)


def _control_threshold(scores: Scores, setup: Setup) -> float:
    """The detector's own bar, or where 1 % of photographs fire; under 100, above all of them."""
    if setup.bar is not None:
        return setup.bar
    return threshold_at(scores.at(scores.photo), _CONTROL_FPR)


def _generators(scores: Scores, setup: Setup) -> tuple[GeneratorResult, ...]:
    real = scores.at(scores.photo)
    threshold = _control_threshold(scores, setup)
    result = []
    for place, name in enumerate(np.unique(scores.generator[scores.made])):
        mine = scores.at(scores.made & (scores.generator == name))
        area = auc_interval(mine, real, rng=_rng(setup, 3, place), resamples=setup.resamples)
        recall = Rate.observed(int((mine >= threshold).sum()), mine.size)
        result.append(GeneratorResult(str(name), mine.size, area, recall))
    return tuple(result)


def _sources(scores: Scores, setup: Setup) -> tuple[SourceResult, ...]:
    names = np.unique(scores.source[scores.photo])
    result = []
    for place, name in enumerate(names if names.size > 1 else ()):
        here = scores.photo & (scores.source == name)
        mine, others = scores.at(here), scores.at(scores.photo & ~here)
        threshold = setup.bar if setup.bar is not None else threshold_at(others, _CONTROL_FPR)
        false = Rate.observed(int((mine >= threshold).sum()), mine.size)
        area = auc_interval(mine, others, rng=_rng(setup, 4, place), resamples=setup.resamples)
        result.append(SourceResult(str(name), mine.size, false, area))
    return tuple(result)


def _pairs(condition: Condition, scores: Scores, setup: Setup) -> PairResult:
    generated, real = scores.pairs()
    higher = Rate.observed(int((generated > real).sum()), generated.size)
    if not generated.size:
        return PairResult(condition, 0, None, higher)
    rng = _rng(setup, 5, list(Condition).index(condition))
    area = auc_interval(generated, real, rng=rng, resamples=setup.resamples, paired=True)
    return PairResult(condition, generated.size, area, higher)


def _kinds(scores: Scores, setup: Setup) -> tuple[KindResult, ...]:
    threshold = _control_threshold(scores, setup)
    drawn = {row.kind: row.drawn for row in scores.rows}
    result = []
    for name in np.unique(scores.kind[scores.other]):
        mine = scores.at(scores.other & (scores.kind == name))
        false = Rate.observed(int((mine >= threshold).sum()), mine.size)
        result.append(KindResult(str(name), drawn[str(name)], mine.size, false))
    return tuple(result)


def _reliability(scores: Scores) -> Reliability:
    counted = (scores.made | scores.photo) & np.isfinite(scores.score)
    groups = np.where(scores.generated, scores.generator, scores.source)
    return reliability(scores.at(counted), scores.generated[counted], groups[counted])


def _silence(rows: Sequence[ScoreRow]) -> Silence:
    abstained = [row for row in rows if row.outcome is Outcome.ABSTAINED]
    generated = sum(row.label is Label.GENERATED for row in abstained)
    failed = sum(row.outcome is Outcome.FAILED for row in rows)
    return Silence(len(rows), len(abstained) - generated, generated, failed)


def _cost(rows: Sequence[ScoreRow]) -> Cost:
    seconds = [row.seconds for row in rows if row.condition is Condition.NATIVE]
    middle, late = np.quantile(seconds, [0.5, 0.95])
    return Cost(len(seconds), round(float(middle), 6), round(float(late), 6))
