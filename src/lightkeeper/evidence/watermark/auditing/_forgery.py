"""What a forger must do to a photograph so that a registry takes it for the picture of an entry.

He holds all that is public, and more than that: the marked picture, and so its sketch. The mark
itself costs him nothing here, it is read at rest, and a strip is cut off so that no frame is whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from lightkeeper.evidence.watermark.registry import Comparison, Fingerprint, Likeness, compare
from lightkeeper.evidence.watermark.registry._sketch import (
    _SURROUNDINGS,
    Copy,
    Frame,
    _contrast,
    cells_of,
    draw_sketch,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

BAR_PSNR = 30.0
_CUT = 0.04
_HALVINGS = 7
_COMPARED = 3


def turned(rgb: Picture) -> Iterator[Picture]:
    """A picture in its eight turns."""
    for mirrored in (rgb, rgb[:, ::-1]):
        for quarters in range(4):
            yield np.ascontiguousarray(np.rot90(mirrored, quarters))


def chosen(
    photograph: Picture, entries: Sequence[Fingerprint]
) -> tuple[Comparison, Fingerprint, Picture]:
    """The entry, of all of them, and the turn of the photograph that fit best."""
    tried: list[tuple[float, Fingerprint, Picture]] = []
    for shown in turned(photograph):
        copies: dict[Frame, Copy | None] = {}
        for entry in entries:
            assert entry.sketch is not None
            if entry.frame not in copies:
                copies[entry.frame] = Copy.of(shown, np.eye(2), entry.frame)
            copy = copies[entry.frame]
            if copy is not None:
                found = copy.on(cells_of(entry.sketch, entry.frame))
                tried.append((found.agreement, entry, shown))
    best = sorted(tried, key=lambda t: t[0])[-_COMPARED:]
    told = [
        (compare(shown, entry, decoys=entries, choices=len(entries)), entry, shown)
        for _, entry, shown in best
    ]
    return max(told, key=lambda t: (t[0].likeness is Likeness.MATCHES, t[0].agreement))


def least_fit(
    photograph: Picture, entry: Fingerprint, *, decoys: Sequence[Fingerprint] = ()
) -> float | None:
    """PSNR at which a photograph passes that was changed towards the sketch; ``None`` if never.

    The change is the shortest one: down the gradient of the correlation, which is a straight way
    in the plane of the photograph's contrasts and the sketch's.
    """
    assert entry.sketch is not None
    target = cells_of(entry.sketch, entry.frame)
    base = _as_large(photograph, entry)
    own = cells_of(draw_sketch(base), entry.frame)
    whole = np.ones_like(own)
    mine, theirs = (
        _contrast(cells, whole, _SURROUNDINGS).astype(np.float64) for cells in (own, target)
    )
    size = float(np.linalg.norm(mine))
    along = theirs / max(float(np.linalg.norm(theirs)), 1e-6)
    angle = math.acos(float((mine * along).sum()) / max(size, 1e-6))
    across = mine - float((mine * along).sum()) * along
    across /= max(float(np.linalg.norm(across)), 1e-6)

    strong = max(size, 1.5 * float(np.linalg.norm(theirs)))

    def moved(share: float) -> Picture:
        left = angle * (1 - min(share, 1.0))
        length = size * math.cos(angle - left) if share < 1 else size
        # Beyond the sketch's own direction only more contrast is left to add.
        length += max(share - 1, 0.0) * (strong - size)
        wanted = length * (math.cos(left) * along + math.sin(left) * across)
        return _added(base, _enlarged(wanted - mine, base))

    return _least(base, moved, entry, decoys)


def least_average(
    photograph: Picture,
    marked: Picture,
    entry: Fingerprint,
    *,
    decoys: Sequence[Fingerprint] = (),
) -> float | None:
    """PSNR at which the mean of a photograph and the marked picture passes; ``None`` if never."""
    base = _as_large(photograph, entry)

    def mixed(share: float) -> Picture:
        share = min(share, 1.0)
        return np.asarray(np.clip(np.rint((1 - share) * base + share * marked), 0, 255), np.uint8)

    return _least(base, mixed, entry, decoys)


def _least(
    base: Picture,
    change: Callable[[float], Picture],
    entry: Fingerprint,
    decoys: Sequence[Fingerprint],
) -> float | None:
    """Halve the way between the least share known to pass and the most that does not."""

    def passes(shown: Picture) -> bool:
        found = compare(_cut(shown), entry, decoys=decoys, choices=len(decoys))
        return found.likeness is Likeness.MATCHES

    high = next((share for share in (1.0, 2.0) if passes(change(share))), None)
    if high is None:
        return None
    low = high - 1
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if passes(change(middle)) else (middle, high)
    return psnr(base, change(high))


def psnr(one: Picture, other: Picture) -> float:
    """Peak signal to noise in dB, 60 at most."""
    error = float(np.mean((one.astype(np.float64) - other) ** 2))
    return 10 * math.log10(255**2 / max(error, 0.065))


def _as_large(photograph: Picture, entry: Fingerprint) -> Picture:
    size = entry.width, entry.height
    return np.asarray(Image.fromarray(photograph).resize(size, Image.Resampling.BICUBIC))


def _enlarged(cells: NDArray[np.float64], base: Picture) -> NDArray[np.float32]:
    plane = Image.fromarray(cells.astype(np.float32))
    return np.asarray(plane.resize((base.shape[1], base.shape[0]), Image.Resampling.BICUBIC))


def _added(rgb: Picture, plane: NDArray[np.float32]) -> Picture:
    return np.asarray(np.clip(np.rint(rgb + plane[..., None]), 0, 255), np.uint8)


def _cut(rgb: Picture) -> Picture:
    return np.ascontiguousarray(rgb[int(_CUT * rgb.shape[0]) :, int(_CUT * rgb.shape[1]) :])
