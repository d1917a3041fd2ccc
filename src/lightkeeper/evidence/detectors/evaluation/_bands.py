"""How much a score weighs: bounded likelihood ratios over ranges of scores.

The ratio of tails (everything above a threshold) would overstate a score that just reaches it.
Ranges do not.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lightkeeper.evidence.detectors.evaluation._measurements import Band
from lightkeeper.evidence.detectors.statistics import clopper_pearson, threshold_at
from lightkeeper.evidence.detectors.treatment import Condition

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.evaluation._scores import Scores

_EDGES = (0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
_FEWEST_ABOVE = 3
"""Photographs that must lie above an edge: a range without any would rest on nothing."""


def bands(by_condition: Mapping[Condition, Scores], bar: float | None = None) -> tuple[Band, ...]:
    """Ranges of scores from low to high; a higher one never weighs less than a lower one.

    Ranges that would are merged with their neighbour. There is none for low scores: a detector
    that does not fire says nothing for a camera.

    A detector with a ``bar`` of its own says yes or nothing: it has one range, which weighs by
    the mixture of the conditions and not by the least favourable one, because nobody knows which
    treatment a picture has met.
    """
    if bar is not None:
        return (_at_bar(by_condition, bar),)
    matched = by_condition[Condition.MATCHED]
    photographs = matched.at(matched.photo)
    edges = sorted(
        {
            threshold_at(photographs, rate)
            for rate in _EDGES
            if rate * photographs.size >= _FEWEST_ABOVE
        }
    )
    if not edges:
        return ()
    above = [*edges[1:], None]
    ranges = [_band(by_condition, low, high) for low, high in zip(edges, above, strict=True)]
    merged: list[Band] = []
    for band in ranges:
        while merged and merged[-1].log10_lr > band.log10_lr:
            band = _band(by_condition, merged.pop().at_least, band.below)
        merged.append(band)
    return tuple(merged)


def _at_bar(by_condition: Mapping[Condition, Scores], bar: float) -> Band:
    """The mean of the lower ends of what is found, over that of the upper ends of false alarms."""
    found, false = [], []
    for scores in by_condition.values():
        found.append(clopper_pearson(*_inside(scores.at(scores.made), bar, None))[0])
        nulls = [scores.at(scores.photo), scores.at(scores.other)]
        false.append(max(clopper_pearson(*_inside(null, bar, None))[1] for null in nulls))
    matched = by_condition[Condition.MATCHED]
    made, real = sum(found) / len(found), sum(false) / len(false)
    return Band(
        bar,
        None,
        _inside(matched.at(matched.made), bar, None)[0],
        _inside(matched.at(matched.photo | matched.other), bar, None)[0],
        round(max(0.0, math.log10(made / real)), 6) if made > 0 else 0.0,
    )


def _band(by_condition: Mapping[Condition, Scores], low: float, high: float | None) -> Band:
    matched = by_condition[Condition.MATCHED]
    weight = min(_log10_lr(scores, low, high) for scores in by_condition.values())
    return Band(
        low,
        high,
        _inside(matched.at(matched.made), low, high)[0],
        _inside(matched.at(matched.photo | matched.other), low, high)[0],
        round(weight, 6),
    )


def _log10_lr(scores: Scores, low: float, high: float | None) -> float:
    generated = clopper_pearson(*_inside(scores.at(scores.made), low, high))[0]
    nulls = [scores.at(scores.photo), scores.at(scores.other)]
    real = max(clopper_pearson(*_inside(null, low, high))[1] for null in nulls)
    # A generated share that may be nil weighs nothing; it does not weigh for the other side.
    return max(0.0, math.log10(generated / real)) if generated > 0 else 0.0


def _inside(scores: NDArray[np.float64], low: float, high: float | None) -> tuple[int, int]:
    upper = math.inf if high is None else high
    return int(((scores >= low) & (scores < upper)).sum()), scores.size
