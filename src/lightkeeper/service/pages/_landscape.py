"""A quiet picture: hills under a sky, drawn from a number."""

from __future__ import annotations

import math
import random

_WIDTH, _HEIGHT = 640, 360
_SKIES = (("#dbe9f4", "#f7efe2"), ("#cfe3e1", "#f4f1e4"), ("#e6dff0", "#f8ead9"))
_HILLS = ("#9db8ad", "#7fa093", "#5f8578", "#446a60")


def landscape(number: int) -> str:
    """An SVG without style or script; a number is always the same picture."""
    chance = random.Random(number % 997)
    top, bottom = chance.choice(_SKIES)
    sun = f'<circle cx="{chance.randint(120, 520)}" cy="{chance.randint(70, 130)}" r="34" '
    hills = "".join(
        f'<path d="{_ridge(chance, 170 + 45 * row)}" fill="{colour}"/>'
        for row, colour in enumerate(_HILLS)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">'
        "<title>Hills under a quiet sky</title>"
        f'<linearGradient id="sky" x2="0" y2="1"><stop stop-color="{top}"/>'
        f'<stop offset="1" stop-color="{bottom}"/></linearGradient>'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="url(#sky)"/>'
        f'{sun}fill="#fbf3d0"/>{hills}</svg>'
    )


def _ridge(chance: random.Random, height: int) -> str:
    phase, waves = chance.uniform(0, 2 * math.pi), chance.uniform(1.2, 2.6)
    points = [
        f"{x} {height - 28 * math.sin(phase + waves * x / 100):.0f}"
        for x in range(0, _WIDTH + 1, 20)
    ]
    return f"M0 {_HEIGHT} L{' L'.join(points)} L{_WIDTH} {_HEIGHT}Z"
