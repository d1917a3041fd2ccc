"""What a detector must withstand before a number of it may weigh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.evidence.detectors.statistics import Rate
from lightkeeper.evidence.detectors.treatment import CONTROL_KINDS, Condition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lightkeeper.evidence.detectors.evaluation import Measurements, Setup, TrainedOn

CONTENT_PAIRS = 100
CONTENT_AUC = 0.60
"""Lower end of the AUC on content-matched pairs. Detectors that know contents reach .5."""
KIND_PICTURES = 40
KIND_RATE, KIND_RATE_HIGH = 0.02, 0.10
"""Share of a kind that may fire at the 1 % threshold of photographs, and its upper bound."""
SOURCE_PICTURES = 30
SOURCE_RATE_LOW = 0.03
"""A source fails where even the lower bound of its false alarms is larger."""
NULL_FPR = 1e-2
BAR_PHOTOGRAPHS, BAR_RATE_HIGH = 100, 0.05
"""Of a detector with a bar of its own: photographs, and the upper bound of their false alarms."""


@dataclass(frozen=True, slots=True)
class Control:
    """One condition, whether it is met, and what was seen."""

    name: str
    passed: bool
    sentence: str


def controls(measured: Measurements, trained_on: TrainedOn, setup: Setup) -> tuple[Control, ...]:
    """Judge measurements by every control, in a fixed order."""
    return (
        _training(trained_on),
        _null(measured) if setup.bar is None else _null_at_bar(measured),
        _content(measured),
        _non_photo(measured),
        _sources(measured),
    )


def _training(trained_on: TrainedOn) -> Control:
    """Where nobody says what it has seen, every number may be that of its training set."""
    if not trained_on.declared:
        return Control("training", False, "what it was trained on is not declared")
    known = len(trained_on.sources) + len(trained_on.generators)
    sentence = f"{known:,} sources and generators that it has seen are left out"
    return Control("training", True, sentence if known else "it declares that it was not trained")


def _null(measured: Measurements) -> Control:
    photographs = measured.under(Condition.MATCHED).photographs
    needed = Rate.needed_for(NULL_FPR)
    return Control(
        "null",
        photographs >= needed,
        f"{photographs:,} photographs that it was not trained on; 1 % takes {needed:,}",
    )


def _null_at_bar(measured: Measurements) -> Control:
    """A bar that was set before needs no photographs to be set by, only to be tried on."""
    rates = [point.false_positives for s in measured.separations for point in s.points]
    worst = max((rate for rate in rates if rate is not None), key=lambda rate: rate.high)
    return Control(
        "null",
        worst.of >= BAR_PHOTOGRAPHS and worst.high <= BAR_RATE_HIGH,
        f"at most {worst.high:.1%} of photographs fire, by upper bound on {worst.of:,}; "
        f"{BAR_PHOTOGRAPHS} photographs and {BAR_RATE_HIGH:.0%} are asked",
    )


def _content(measured: Measurements) -> Control:
    result = measured.pairs_under(Condition.MATCHED)
    if result.auc is None or result.pairs < CONTENT_PAIRS:
        sentence = f"{result.pairs:,} pairs of a photograph and its re-synthesis; {CONTENT_PAIRS}"
        return Control("content", False, f"not measured: {sentence} are needed")
    sentence = (
        f"AUC {result.auc.value:.3f} ({result.auc.low:.3f}–{result.auc.high:.3f}) on "
        f"{result.pairs:,} content-matched pairs; the lower end must reach {CONTENT_AUC:.2f}"
    )
    return Control("content", result.auc.low >= CONTENT_AUC, sentence)


def _non_photo(measured: Measurements) -> Control:
    rates = {k.kind: k.false_positives for k in measured.kinds if k.false_positives is not None}
    counts = {kind: rates[kind].of if kind in rates else 0 for kind in CONTROL_KINDS}
    missing = [kind for kind, count in counts.items() if count < KIND_PICTURES]
    if missing:
        return Control(
            "non-photo",
            False,
            f"not measured: under {KIND_PICTURES} pictures of {', '.join(missing)}",
        )
    failing = [
        f"{kind} {rate.value:.0%}"
        for kind, rate in rates.items()
        if rate.value > KIND_RATE or (rate.of >= KIND_PICTURES and rate.high > KIND_RATE_HIGH)
    ]
    if failing:
        sentence = f"fires where nothing was generated: {', '.join(failing)}"
        return Control("non-photo", False, sentence)
    worst = max(rate.high for rate in rates.values())
    return Control("non-photo", True, f"at most {worst:.1%} of any kind fire, by upper bound")


def _sources(measured: Measurements) -> Control:
    large = [s for s in measured.sources if s.pictures >= SOURCE_PICTURES]
    if len(large) < 2:
        return Control(
            "sources",
            False,
            f"not measured: {len(large)} sources of {SOURCE_PICTURES} photographs or more; 2 are "
            "needed",
        )
    failing = list(_failing(measured))
    if failing:
        sentence = f"its threshold does not carry over to {', '.join(failing)}"
        return Control("sources", False, sentence)
    return Control("sources", True, f"the 1 % threshold carries over between {len(large)} sources")


def _failing(measured: Measurements) -> Iterator[str]:
    for source in measured.sources:
        if source.false_positives.low > SOURCE_RATE_LOW:
            yield f"{source.source} ({source.false_positives.value:.0%} fire)"
