"""Cost against recall of every first stage, as one SVG file."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lightkeeper.assessment.policy._simulate import Simulation

_WIDTH, _HEIGHT = 720, 440
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 700, 46, 384
_COLOURS = ("#7b3a8c", "#0b5fa5", "#0a666e", "#8a5200", "#a8322a", "#626873")
_AT_RANDOM = "fill='none' stroke='#626873' stroke-dasharray='5 5'"
_KEEPS_SOMETHING = 0.02
_FONT = "font-family='system-ui, sans-serif' font-size='13'"


def draw_trade_off(curves: Mapping[str, Sequence[Simulation]], *, prevalence: float) -> str:
    """Draw the share of generated pictures kept over the cost, one line a first stage.

    The cost is logarithmic: at a low prevalence everything that matters lies far to the left.
    The dashed line, named in the key, escalates at random.
    """
    lowest = _lowest(curves)
    title = f"Generated pictures kept, over cost, at a prevalence of {prevalence:g}"
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {_HEIGHT}' role='img'>",
        f"<title>{escape(title)}</title><rect width='100%' height='100%' fill='#fffefb'/>",
        f"<text x='{_LEFT}' y='26' {_FONT} fill='#20242b'>{escape(title)}</text>",
        *_axes(lowest),
        _chance(lowest),
    ]
    for number, curve in enumerate(curves.values()):
        points = "L".join(_place(p.cost, p.generated_kept, lowest) for p in curve)
        parts.append(f"<path d='M{points}' {_stroke(number)}/>")
    return "".join([*parts, *_key(list(curves)), "</svg>"]) + "\n"


def _key(names: Sequence[str]) -> Iterator[str]:
    """A sample of each line with its name, in the bottom right corner, where no curve runs."""
    styles = [(name, _stroke(number)) for number, name in enumerate(names)]
    for row, (name, style) in enumerate([*styles, ("at random", _AT_RANDOM)]):
        y = _BOTTOM - 14 - 18 * (len(names) - row)
        yield f"<path d='M{_RIGHT - 38} {y - 4}h30' {style}/>"
        yield (
            f"<text x='{_RIGHT - 46}' y='{y}' {_FONT} fill='#20242b' text-anchor='end'>"
            f"{escape(name)}</text>"
        )


def _stroke(number: int) -> str:
    return f"fill='none' stroke='{_COLOURS[number % len(_COLOURS)]}' stroke-width='2'"


def _lowest(curves: Mapping[str, Sequence[Simulation]]) -> float:
    """Left end of the axis: a power of ten below all that keeps anything."""
    points = [point for curve in curves.values() for point in curve]
    costs = [max(p.cost, 1e-6) for p in points if p.generated_kept >= _KEEPS_SOMETHING]
    return 10.0 ** math.floor(math.log10(min([*costs, 0.1])))


def _x(cost: float, lowest: float) -> float:
    highest = 2.0
    clipped = min(max(cost, lowest), highest)
    share = math.log(clipped / lowest) / math.log(highest / lowest)
    return _LEFT + share * (_RIGHT - _LEFT)


def _place(cost: float, kept: float, lowest: float) -> str:
    return f"{_x(cost, lowest):.1f} {_BOTTOM - kept * (_BOTTOM - _TOP):.1f}"


def _axes(lowest: float) -> Iterator[str]:
    for power in range(round(math.log10(lowest)), 1):
        x = _x(10.0**power, lowest)
        yield f"<path d='M{x:.1f} {_TOP}V{_BOTTOM}' stroke='#dedad0'/>"
        yield (
            f"<text x='{x:.1f}' y='{_BOTTOM + 18}' {_FONT} fill='#595f69' text-anchor='middle'>"
            f"{10.0**power:g}</text>"
        )
    for step in range(6):
        y = _BOTTOM - step / 5 * (_BOTTOM - _TOP)
        yield f"<path d='M{_LEFT} {y:.1f}H{_RIGHT}' stroke='#dedad0'/>"
        yield (
            f"<text x='{_LEFT - 8}' y='{y + 4:.1f}' {_FONT} fill='#595f69' text-anchor='end'>"
            f"{step / 5:g}</text>"
        )
    middle = (_LEFT + _RIGHT) / 2
    words = "cost, as a share of running the last stage on everything"
    yield (
        f"<text x='{middle}' y='{_HEIGHT - 14}' {_FONT} fill='#595f69' text-anchor='middle'>"
        f"{words}</text>"
    )
    place = f"translate(20 {(_TOP + _BOTTOM) / 2}) rotate(-90)"
    yield (
        f"<text transform='{place}' {_FONT} fill='#595f69' text-anchor='middle'>"
        "share of generated pictures kept</text>"
    )


def _chance(lowest: float) -> str:
    steps = [lowest ** (1 - i / 60) for i in range(61)]
    points = "L".join(_place(share, share, lowest) for share in steps)
    return f"<path d='M{points}' {_AT_RANDOM}/>"
