"""The pictures that an audit of a mark works on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.cli._settings import load_settings
from lightkeeper.errors import InvalidConfiguration
from lightkeeper.media import open_media

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

_MOST = 200
"""Marked pictures that an audit averages."""


def middles(folder: Path, side: int, *, fewest: int) -> list[NDArray[np.uint8]]:
    """The middle of every picture in a folder, at most ``side`` pixels wide and high."""
    limits = load_settings().media_limits()
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        rgb = open_media(path, limits=limits).rgb()
        top, left = (max(0, (length - side) // 2) for length in rgb.shape[:2])
        found.append(rgb[top : top + side, left : left + side])
    if len(found) < fewest:
        raise InvalidConfiguration(f"{folder} holds {len(found)} pictures; {fewest} are needed")
    return found


def squares(folder: Path, side: int, *, fewest: int) -> list[NDArray[np.uint8]]:
    """All of one size, so that what they have in common can be added up; at most 200."""
    whole = [rgb for rgb in middles(folder, side, fewest=fewest) if rgb.shape == (side, side, 3)]
    if len(whole) < fewest:
        raise InvalidConfiguration(
            f"{len(whole)} pictures in {folder} have {side} pixels a side; {fewest} are needed"
        )
    return whole[:_MOST]
