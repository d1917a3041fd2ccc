"""What a page needs to draw an overlay as inline SVG, and to say it in words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from lightkeeper.evidence.detectors.regions._overlay import MOST_CELLS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ROW = re.compile(f"[0-9a-f]{{1,{MOST_CELLS}}}")
_STRONG = 8
"""Tone from which the words count a cell."""
_LARGEST = 1 << 24


@dataclass(frozen=True, slots=True)
class Drawing:
    """Cells of one tone are one path; all units are cells."""

    columns: int
    rows: int
    paths: tuple[tuple[float, str], ...]
    """Opacity and path data."""
    frame: tuple[float, float, float, float] | None
    """Left, top, width and height of the part that the finding names."""
    words: str
    """The same without eyes."""


def draw(details: Mapping[str, Any]) -> Drawing | None:
    """Read the overlay in the plain form of a finding's details.

    Returns
    -------
    Drawing or None
        ``None`` where there is no overlay, or what is there is none.
    """
    plain = details.get("overlay")
    tones = plain.get("tones") if isinstance(plain, dict) else None
    if not isinstance(plain, dict) or not isinstance(tones, list) or not _is_grid(tones):
        return None
    cell = plain.get("cell")
    frame = _frame(details.get("region"), cell) if _is_length(cell) and cell else None
    return Drawing(len(tones[0]), len(tones), _paths(tones), frame, _words(tones, cell))


def _is_grid(tones: Sequence[Any]) -> bool:
    rows = all(isinstance(row, str) and _ROW.fullmatch(row) for row in tones)
    return rows and 0 < len(tones) <= MOST_CELLS and len(set(map(len, tones))) == 1


def _is_length(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LARGEST


def _frame(region: Any, cell: int) -> tuple[float, float, float, float] | None:
    if not isinstance(region, dict):
        return None
    sides = [region.get(name) for name in ("left", "top", "width", "height")]
    if not all(map(_is_length, sides)):
        return None
    left, top, width, height = (round(float(side or 0) / cell, 2) for side in sides)
    return left, top, width, height


def _paths(tones: Sequence[str]) -> tuple[tuple[float, str], ...]:
    runs: dict[str, list[str]] = {}
    for row, line in enumerate(tones):
        column = 0
        for tone, cells in groupby(line):
            length = len(list(cells))
            if tone != "0":
                runs.setdefault(tone, []).append(f"M{column} {row}h{length}v1h-{length}z")
            column += length
    return tuple((round(int(tone, 16) / 15, 2), "".join(runs[tone])) for tone in sorted(runs))


def _words(tones: Sequence[str], cell: Any) -> str:
    size = f" of {cell} pixels" if _is_length(cell) and cell else ""
    said = f"Map of {len(tones)} rows by {len(tones[0])} columns of cells{size}. "
    strong = [
        (row, column)
        for row, line in enumerate(tones)
        for column, tone in enumerate(line)
        if int(tone, 16) >= _STRONG
    ]
    if not strong:
        return said + "No cell stands out."
    row = sum(r for r, _ in strong) / len(strong) / len(tones)
    column = sum(c for _, c in strong) / len(strong) / len(tones[0])
    share = len(strong) / (len(tones) * len(tones[0]))
    return said + f"{share:.0%} of them stand out, around the {_place(row, column)}."


def _place(row: float, column: float) -> str:
    down = ("top", "middle", "bottom")[min(2, int(row * 3))]
    across = ("left", "middle", "right")[min(2, int(column * 3))]
    return "middle" if down == across == "middle" else f"{down} {across}"
