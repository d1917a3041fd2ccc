"""Summary plots of a report, as inline SVG without a plotting library."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from lightkeeper.assessment import Origin, Strength

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Sequence

    from lightkeeper.scan._summary import Summary

_WIDTH, _LABEL_WIDTH, _COUNT_WIDTH = 520, 200, 52
_BAR_HEIGHT, _PITCH = 14, 26
_MOST_BARS = 8
_LABEL_LENGTH = 24
_ORIGIN_TITLE = "Origin, by strength of support"

Segment = tuple[str, str, int]
"""CSS class, words for the tooltip, files."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One labelled bar made of segments."""

    label: str
    segments: tuple[Segment, ...]

    @property
    def total(self) -> int:
        """Files of all segments."""
        return sum(count for _, _, count in self.segments)


def plots(summary: Summary) -> str:
    """All figures of a report; one without any bar is left out."""
    figures = (
        (_ORIGIN_TITLE, _origin_bars(summary)),
        ("Evidence found", _evidence_bars(summary)),
        ("Tools named", _bars(summary.tools, "tone")),
        ("Models named", _bars(summary.models, "tone")),
        ("Watermarks", _bars(summary.marks, "tone")),
        ("Conflicts", _bars(summary.conflicts, "warn")),
        ("Errors", _bars(summary.errors, "bad")),
    )
    return "\n".join(_figure(title, bars) for title, bars in figures if bars)


def _origin_bars(summary: Summary) -> list[Bar]:
    bars = [
        Bar(
            origin.value,
            tuple(
                (f"o-{origin.value} s-{strength.rank}", strength.value, count)
                for strength in reversed(Strength)
                if (count := summary.origins[origin.value, strength.value])
            ),
        )
        for origin in Origin
    ]
    if errors := summary.errors.total():
        bars.append(Bar("not examined", (("bad", "error", errors),)))
    return bars


def _evidence_bars(summary: Summary) -> list[Bar]:
    return [
        Bar(f"{claim}, {basis}", ((f"b-{basis}", basis, count),))
        for (claim, basis), count in summary.evidence.most_common(_MOST_BARS)
    ]


def _bars(counter: Counter[str], style: str) -> list[Bar]:
    bars = [Bar(name, ((style, name, n),)) for name, n in counter.most_common(_MOST_BARS)]
    if rest := counter.total() - sum(bar.total for bar in bars):
        bars.append(Bar(f"{len(counter) - len(bars):,} others", (("rest", "others", rest),)))
    return bars


def _figure(title: str, bars: Sequence[Bar]) -> str:
    height = len(bars) * _PITCH + 4
    note = " <small>fuller colour: stronger</small>" if title == _ORIGIN_TITLE else ""
    words = "; ".join(f"{bar.label} {bar.total:,}" for bar in bars)
    return (
        f"<figure><figcaption>{escape(title)}{note}</figcaption>"
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}: '
        f'{escape(words)}">{"".join(_drawn(bars))}</svg></figure>'
    )


def _drawn(bars: Sequence[Bar]) -> Iterable[str]:
    room = _WIDTH - _LABEL_WIDTH - _COUNT_WIDTH
    longest = max(bar.total for bar in bars) or 1
    for row, bar in enumerate(bars):
        top, x = row * _PITCH + 6, float(_LABEL_WIDTH)
        base = top + _BAR_HEIGHT - 3
        yield f"<g><title>{escape(bar.label)}: {bar.total:,}</title>"
        yield f'<text class="label" x="{_LABEL_WIDTH - 10}" y="{base}">{_short(bar.label)}</text>'
        yield f'<rect class="track" x="{x}" y="{top}" width="{room}" height="{_BAR_HEIGHT}"/>'
        for style, words, count in bar.segments:
            width = max(1.5, count / longest * room)
            yield (
                f'<rect class="{escape(style)}" x="{x:.1f}" y="{top}" width="{width:.1f}" '
                f'height="{_BAR_HEIGHT}"><title>{escape(words)}: {count:,}</title></rect>'
            )
            x += width
        yield f'<text class="count" x="{_WIDTH}" y="{base}">{bar.total:,}</text></g>'


def _short(label: str) -> str:
    cut = label if len(label) <= _LABEL_LENGTH else label[: _LABEL_LENGTH - 1] + "…"
    return escape(cut)
