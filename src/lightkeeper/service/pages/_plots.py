"""Bars as SVG, with the same numbers as a table beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

_WIDTH: Final = 640
_ROW: Final = 28
_LABEL: Final = 200
_TALL: Final = 150


@dataclass(frozen=True, slots=True)
class Bar:
    """A number with its name."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture of bars, and what it shows."""

    title: str
    bars: tuple[Bar, ...]
    svg: Markup

    @property
    def total(self) -> int:
        """Of all bars."""
        return sum(bar.count for bar in self.bars)


def bars(title: str, rows: tuple[Bar, ...], *, upright: bool = False) -> Plot:
    """Draw bars, lying or upright. Colours are the style sheet's."""
    words = "; ".join(f"{bar.name}: {bar.count}" for bar in rows) or "nothing"
    most = max((bar.count for bar in rows), default=0) or 1
    drawn = _upright(rows, most) if upright else _lying(rows, most)
    height = _TALL if upright else max(_ROW * len(rows), 1)
    svg = (
        f'<svg class="plot" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{escape(title)}: {escape(words)}">'
        f"<title>{escape(title)}</title><desc>{escape(words)}</desc>{drawn}</svg>"
    )
    return Plot(title, rows, Markup(svg))


def _lying(rows: tuple[Bar, ...], most: int) -> str:
    room = _WIDTH - _LABEL - 70
    parts = []
    for row, bar in enumerate(rows):
        y, width = row * _ROW, room * bar.count / most
        name = bar.name if len(bar.name) <= 28 else f"{bar.name[:27]}…"
        parts.append(
            f'<text x="0" y="{y + 18}">{escape(name)}</text>'
            f'<rect class="bar" x="{_LABEL}" y="{y + 5}" width="{max(width, 1):.1f}" height="18"/>'
            f'<text x="{_LABEL + width + 8:.1f}" y="{y + 18}">{bar.count:,}</text>'
        )
    return "".join(parts)


def _upright(rows: tuple[Bar, ...], most: int) -> str:
    step, room = _WIDTH / max(len(rows), 1), _TALL - 46
    parts = []
    for column, bar in enumerate(rows):
        x, height = column * step, room * bar.count / most
        middle = x + step / 2
        parts.append(
            f'<rect class="bar" x="{x + 4:.1f}" y="{_TALL - 24 - max(height, 1):.1f}" '
            f'width="{step - 8:.1f}" height="{max(height, 1):.1f}"/>'
            f'<text class="middle" x="{middle:.1f}" y="{_TALL - 8}">{escape(bar.name)}</text>'
        )
        if bar.count:
            parts.append(
                f'<text class="middle" x="{middle:.1f}" y="{_TALL - 30 - height:.1f}">'
                f"{bar.count:,}</text>"
            )
    return "".join(parts)
