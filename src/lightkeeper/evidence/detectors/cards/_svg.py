"""The plots of a card, as inline SVG without a plotting library."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.detectors.evaluation._scores import Scores
from lightkeeper.evidence.detectors.statistics import roc
from lightkeeper.evidence.detectors.treatment import Condition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lightkeeper.evidence.detectors.evaluation import ScoreRow
    from lightkeeper.evidence.detectors.evaluation._reliability import Reliability
    from lightkeeper.evidence.detectors.statistics import Rate

_WIDTH, _HEIGHT = 520, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 510, 14, 300
_MOST_POINTS = 160
_LABEL_WIDTH, _COUNT_WIDTH, _PITCH = 180, 120, 26
_WORDS = {
    Condition.NATIVE: "native",
    Condition.MATCHED: "matched re-encoding",
    Condition.SHRUNK: "shrunk",
}


def roc_plot(rows: Sequence[ScoreRow]) -> str:
    """Recall over false positives, the latter on a logarithmic axis, one line a condition."""
    lines = []
    photographs = 1
    for number, condition in enumerate(Condition):
        scores = Scores.of(rows, condition)
        real = scores.at(scores.photo)
        photographs = real.size
        lines.append((number, condition, roc(scores.at(scores.made), real)))
    lowest = min(0.1, 10.0 ** math.floor(math.log10(1 / photographs)))
    parts = [*_log_axis(lowest), *_recall_axis(), _chance(lowest)]
    for number, condition, (false, true) in lines:
        parts.append(_line(false, true, lowest, f"c-{number}", _WORDS[condition]))
        y = _TOP + 16 + 16 * number
        # A line of the curve's own style: one of them is dashed.
        key = f"M{_LEFT + 6} {y - 4}h24"
        parts.append(f'<path class="curve c-{number}" d="{key}"/>')
        parts.append(f'<text x="{_LEFT + 36}" y="{y}">{escape(_WORDS[condition])}</text>')
    return _figure("ROC, logarithmic in false positives", parts, _HEIGHT)


def reliability_plot(reliability: Reliability) -> str:
    """Observed over predicted share of generated pictures."""
    parts = [*_recall_axis("observed"), *_probability_axis()]
    parts.append(f'<path class="chance" d="M{_LEFT} {_BOTTOM}L{_RIGHT} {_TOP}"/>')
    for bin_ in reliability.bins:
        x = _LEFT + bin_.predicted * (_RIGHT - _LEFT)
        y = _BOTTOM - bin_.observed * (_BOTTOM - _TOP)
        radius = 2.5 + math.sqrt(bin_.pictures) / 3
        title = f"predicted {bin_.predicted:.2f}, observed {bin_.observed:.2f}"
        parts.append(
            f'<circle class="c-1" cx="{x:.1f}" cy="{y:.1f}" r="{min(radius, 14):.1f}">'
            f"<title>{title}, {bin_.pictures:,} pictures</title></circle>"
        )
    return _figure("Reliability on held-out generators and sources", parts, _HEIGHT)


def rate_plot(title: str, rates: Iterable[tuple[str, Rate]]) -> str:
    """One bar a group with its exact interval."""
    listed = list(rates)
    room = _WIDTH - _LABEL_WIDTH - _COUNT_WIDTH
    parts = []
    for row, (name, rate) in enumerate(listed):
        top = row * _PITCH + 6
        middle, base = top + 7, top + 11
        x = [_LABEL_WIDTH + room * value for value in (rate.value, rate.low, rate.high)]
        words = f"{rate.count:,} of {rate.of:,}"
        parts.append(
            f"<g><title>{escape(name)}: {words}, {rate.low:.1%} to {rate.high:.1%}</title>"
            f'<text class="label" x="{_LABEL_WIDTH - 10}" y="{base}">{escape(name[-26:])}</text>'
            f'<rect class="track" x="{_LABEL_WIDTH}" y="{top}" width="{room}" height="14"/>'
            f'<rect class="c-1" x="{_LABEL_WIDTH}" y="{top}" width="{x[0] - _LABEL_WIDTH:.1f}" '
            f'height="14"/><path class="whisker" d="M{x[1]:.1f} {middle}H{x[2]:.1f}"/>'
            f'<text class="count" x="{_WIDTH}" y="{base}">{rate.value:.1%} ({words})</text></g>'
        )
    return _figure(title, parts, max(1, len(listed)) * _PITCH + 4)


def _figure(title: str, parts: Iterable[str], height: int) -> str:
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg></figure>"
    )


def _x(rate: float, lowest: float) -> float:
    share = 1 - math.log10(max(rate, lowest)) / math.log10(lowest)
    return _LEFT + share * (_RIGHT - _LEFT)


def _log_axis(lowest: float) -> Iterator[str]:
    for power in range(round(math.log10(lowest)), 1):
        x = _x(10.0**power, lowest)
        yield f'<path class="grid" d="M{x:.1f} {_TOP}V{_BOTTOM}"/>'
        label = f"{10.0**power:g}"
        yield f'<text class="tick" x="{x:.1f}" y="{_BOTTOM + 16}">{label}</text>'
    yield f'<text class="tick" x="{(_LEFT + _RIGHT) / 2}" y="{_BOTTOM + 34}">false positives</text>'


def _probability_axis() -> Iterator[str]:
    for step in range(6):
        x = _LEFT + step / 5 * (_RIGHT - _LEFT)
        yield f'<path class="grid" d="M{x:.1f} {_TOP}V{_BOTTOM}"/>'
        yield f'<text class="tick" x="{x:.1f}" y="{_BOTTOM + 16}">{step / 5:g}</text>'
    yield f'<text class="tick" x="{(_LEFT + _RIGHT) / 2}" y="{_BOTTOM + 34}">predicted</text>'


def _recall_axis(word: str = "recall") -> Iterator[str]:
    for step in range(6):
        y = _BOTTOM - step / 5 * (_BOTTOM - _TOP)
        yield f'<path class="grid" d="M{_LEFT} {y:.1f}H{_RIGHT}"/>'
        yield f'<text class="label" x="{_LEFT - 6}" y="{y + 4:.1f}">{step / 5:g}</text>'
    place = f"translate(12 {(_TOP + _BOTTOM) / 2}) rotate(-90)"
    yield f'<text class="side" transform="{place}">{word}</text>'


def _chance(lowest: float) -> str:
    rates = np.logspace(math.log10(lowest), 0, 40)
    return _path(rates, rates, lowest, "chance")


def _line(
    false: np.ndarray[tuple[int], np.dtype[np.float64]],
    true: np.ndarray[tuple[int], np.dtype[np.float64]],
    lowest: float,
    style: str,
    title: str,
) -> str:
    # Many points share a pixel on the right; those on the left are what one looks at.
    wanted = np.unique(np.searchsorted(false, np.logspace(math.log10(lowest), 0, _MOST_POINTS)))
    chosen = np.minimum(wanted, false.size - 1)
    path = _path(false[chosen], true[chosen], lowest, f"curve {style}")
    return path.replace("/>", f"><title>{escape(title)}</title></path>")


def _path(false: Iterable[float], true: Iterable[float], lowest: float, style: str) -> str:
    points = [
        f"{_x(f, lowest):.1f} {_BOTTOM - t * (_BOTTOM - _TOP):.1f}"
        for f, t in zip(false, true, strict=True)
    ]
    return f'<path class="{style}" d="M{"L".join(points)}"/>'
