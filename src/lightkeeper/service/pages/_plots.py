"""Bars as SVG, with the same numbers as a table beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

_WIDTH: Final = 360
"""So that a label keeps its size on a narrow page too."""
_ROW: Final = 44
_AMOUNT: Final = 110
_TALL: Final = 150
_LONGEST_NAME: Final = 46


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


def bars(title: str, rows: tuple[Bar, ...], *, upright: bool = False, share_of: int = 0) -> Plot:
    """Draw bars, lying or upright. Colours are the style sheet's.

    ``share_of`` is what lying bars are a share of: they get their percentage.
    """
    words = "; ".join(f"{bar.name}: {bar.count}" for bar in rows) or "nothing"
    most = max((bar.count for bar in rows), default=0) or 1
    drawn = _upright(rows, most) if upright else _lying(rows, most, share_of)
    height = _TALL if upright else max(_ROW * len(rows), 1)
    svg = (
        f'<svg class="plot" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{escape(title)}: {escape(words)}">'
        f"<title>{escape(title)}</title><desc>{escape(words)}</desc>{drawn}</svg>"
    )
    return Plot(title, rows, Markup(svg))


def _lying(rows: tuple[Bar, ...], most: int, share_of: int) -> str:
    """Each bar below its name: beside it, long names would be cut."""
    room = _WIDTH - _AMOUNT
    parts = []
    for row, bar in enumerate(rows):
        y, width = row * _ROW, max(room * bar.count / most, 1)
        name = bar.name
        if len(name) > _LONGEST_NAME:
            name = f"{name[: _LONGEST_NAME - 1]}…"
        parts.append(
            f'<text x="0" y="{y + 14}">{escape(name)}</text>'
            f'<rect class="bar" x="0" y="{y + 20}" width="{width:.1f}" height="16"/>'
            f'<text x="{width + 8:.1f}" y="{y + 33}">{_amount(bar, share_of)}</text>'
        )
    return "".join(parts)


def _amount(bar: Bar, share_of: int) -> str:
    share = f" ({bar.count / share_of:.1%})" if share_of else ""
    return f"{bar.count:,}{share}"


def _upright(rows: tuple[Bar, ...], most: int) -> str:
    """First, middle and last are named: fourteen dates would be too small to read."""
    step, room = _WIDTH / max(len(rows), 1), _TALL - 46
    named = {0: "start", len(rows) // 2: "middle", len(rows) - 1: "end"}
    parts = []
    for column, bar in enumerate(rows):
        x, height = column * step, room * bar.count / most
        middle = x + step / 2
        parts.append(
            f'<rect class="bar" x="{x + 2:.1f}" y="{_TALL - 24 - max(height, 1):.1f}" '
            f'width="{step - 4:.1f}" height="{max(height, 1):.1f}"/>'
        )
        if column in named:
            place = {"start": x, "middle": middle, "end": x + step}[named[column]]
            parts.append(
                f'<text class="{named[column]}" x="{place:.1f}" y="{_TALL - 6}">'
                f"{escape(bar.name)}</text>"
            )
        if bar.count:
            parts.append(
                f'<text class="middle" x="{middle:.1f}" y="{_TALL - 30 - height:.1f}">'
                f"{bar.count:,}</text>"
            )
    return "".join(parts)
