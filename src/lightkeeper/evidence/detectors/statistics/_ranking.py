"""How well scores separate two classes, without a threshold and at one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.detectors.statistics._intervals import Interval

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Scores = NDArray[np.float64]
    Counts = NDArray[np.float64]


def auc(generated: Scores, real: Scores) -> float:
    """Area under the ROC curve; ties count half.

    It is the chance that a generated picture scores above a real one (Mann–Whitney).
    """
    return _auc(*_binned(generated, real))


def average_precision(generated: Scores, real: Scores) -> float:
    """Mean precision over the steps of recall, without interpolation."""
    return _average_precision(*_binned(generated, real))


def threshold_at(real: Scores, rate: float) -> float:
    """The lowest threshold that at most ``rate`` of the real scores reach.

    A picture fires where its score is at least the threshold.
    """
    allowed = int(np.floor(rate * real.size + 1e-9))
    if allowed >= real.size:
        return float(np.finfo(np.float64).min)
    descending = np.sort(real)[::-1]
    return float(np.nextafter(descending[allowed], np.inf))


def auc_interval(
    generated: Scores,
    real: Scores,
    *,
    rng: np.random.Generator,
    resamples: int,
    paired: bool = False,
) -> Interval:
    """AUC with a percentile bootstrap interval.

    The classes are resampled apart; ``paired`` scores stand in the same place, and a pair is
    resampled as one.
    """
    if paired:
        return _paired(generated, real, rng=rng, resamples=resamples)
    return _bootstrap(_auc, generated, real, rng=rng, resamples=resamples)


def average_precision_interval(
    generated: Scores, real: Scores, *, rng: np.random.Generator, resamples: int
) -> Interval:
    """Average precision with a percentile bootstrap interval."""
    return _bootstrap(_average_precision, generated, real, rng=rng, resamples=resamples)


def _paired(
    generated: Scores, real: Scores, *, rng: np.random.Generator, resamples: int
) -> Interval:
    first, second, bins = _places(generated, real)
    values = []
    for _ in range(resamples):
        chosen = _resample(rng, generated.size)
        values.append(_auc(_counts(first[chosen], bins), _counts(second[chosen], bins)))
    return _interval(auc(generated, real), values)


def auc_difference(
    new: tuple[Scores, Scores],
    old: tuple[Scores, Scores],
    *,
    rng: np.random.Generator,
    resamples: int,
) -> tuple[float, float]:
    """AUC of one detector less that of another on the same pictures, and its standard error.

    Each side is ``(generated, real)`` in the same order of pictures, which are resampled together.
    """
    sides = [_places(*new), _places(*old)]
    values = []
    for _ in range(resamples):
        generated, real = _resample(rng, new[0].size), _resample(rng, new[1].size)
        areas = [_auc(_counts(g[generated], n), _counts(r[real], n)) for g, r, n in sides]
        values.append(areas[0] - areas[1])
    return auc(*new) - auc(*old), float(np.std(values, ddof=1))


def roc(generated: Scores, real: Scores) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """False and true positive rates, from the highest threshold down, starting at (0, 0)."""
    positive, negative = _binned(generated, real)
    false = np.cumsum(negative[::-1]) / real.size
    true = np.cumsum(positive[::-1]) / generated.size
    return np.concatenate([[0.0], false]), np.concatenate([[0.0], true])


def _places(generated: Scores, real: Scores) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
    """Rank of each score among the distinct ones of both classes."""
    distinct, places = np.unique(np.concatenate([generated, real]), return_inverse=True)
    return places[: generated.size], places[generated.size :], distinct.size


def _resample(rng: np.random.Generator, size: int) -> NDArray[np.intp]:
    # Not rng.integers: its stream may change with numpy, and cards are computed again.
    return (rng.random(size) * size).astype(np.intp)


def _counts(places: NDArray[np.intp], bins: int) -> Counts:
    return np.bincount(places, minlength=bins).astype(np.float64)


def _binned(generated: Scores, real: Scores) -> tuple[Counts, Counts]:
    if not generated.size or not real.size:
        raise ValueError("both classes need a score")
    first, second, bins = _places(generated, real)
    return _counts(first, bins), _counts(second, bins)


def _auc(positive: Counts, negative: Counts) -> float:
    below = np.cumsum(negative) - negative / 2
    return float(positive @ below / (positive.sum() * negative.sum()))


def _average_precision(positive: Counts, negative: Counts) -> float:
    found = np.cumsum(positive[::-1])
    fired = found + np.cumsum(negative[::-1])
    precision = np.divide(found, fired, out=np.zeros_like(found), where=fired > 0)
    return float(precision @ positive[::-1] / positive.sum())


def _bootstrap(
    statistic: Callable[[Counts, Counts], float],
    generated: Scores,
    real: Scores,
    *,
    rng: np.random.Generator,
    resamples: int,
) -> Interval:
    first, second, bins = _places(generated, real)
    values = []
    for _ in range(resamples):
        positive = _counts(first[_resample(rng, first.size)], bins)
        negative = _counts(second[_resample(rng, second.size)], bins)
        values.append(statistic(positive, negative))
    return _interval(statistic(_counts(first, bins), _counts(second, bins)), values)


def _interval(value: float, values: list[float]) -> Interval:
    low, high = np.quantile(values, [0.025, 0.975])
    # Percentiles of few resamples can miss the estimate itself; it always lies inside.
    return Interval(
        round(value, 6), round(min(float(low), value), 6), round(max(float(high), value), 6)
    )
