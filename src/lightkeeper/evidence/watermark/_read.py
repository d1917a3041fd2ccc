"""Read all marks of one picture from one walk over its pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.watermark._chroma import chroma_was_doubled
from lightkeeper.evidence.watermark._marks import (
    PUBLIC_MARKS,
    VARIANTS,
    Mark,
)
from lightkeeper.evidence.watermark._reading import AS_STORED, MarkReading, untold
from lightkeeper.evidence.watermark._rescale import rescaled_copies
from lightkeeper.evidence.watermark._statistics import chance, corrected, correlate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from lightkeeper.media import Media

SMALLEST_AREA = 256 * 256
"""The reference encoder refuses pictures with fewer pixels."""
_REPEATS = 4


@dataclass(frozen=True, slots=True)
class _Scores:
    """Block scores of one copy of a picture."""

    scale: str
    blocks: NDArray[np.float32]
    columns: int

    def carries(self, mark: Mark) -> bool:
        """Whether each bit of the message would be repeated often enough for a test."""
        return int(self.blocks.shape[1]) >= _REPEATS * len(mark.bits)

    @classmethod
    def of(cls, scale: str, rgb: NDArray[np.uint8], *, restore_chroma: bool) -> _Scores:
        """Walk over the pixels once."""
        return cls(scale, score(rgb, restore_chroma=restore_chroma), rgb.shape[1] // 8)


def read_marks(
    media: Media,
    *,
    marks: Sequence[Mark] = PUBLIC_MARKS,
    alpha: float = 1e-6,
    rescaled: bool = False,
    cropped: bool = False,
) -> tuple[MarkReading, ...]:
    """Look for marks in all embedding variants.

    Parameters
    ----------
    media : Media
    marks : sequence of Mark
        Marks for rivaGan and the open mark are passed over.
    alpha : float
        Chance per picture, over all tests, of calling a mark present where there is none.
    rescaled : bool
        Also look in copies at sizes that generators produce; each counts as further tests.
    cropped : bool
        Also look for the strongest mark that lost its grid; half of ``alpha`` is for this search.

    Returns
    -------
    tuple of MarkReading
        One per mark, in the order given; empty for a picture that is too small to carry any.
    """
    marks = tuple(m for m in marks if m.method is None or m.method.is_read_from_blocks)
    if cropped:
        from lightkeeper.evidence.watermark._crop import read_cropped

        own = read_marks(media, marks=marks, alpha=alpha / 2, rescaled=rescaled)
        if any(reading.present and reading.scale == AS_STORED for reading in own):
            return own
        cut = read_cropped(media, marks=marks, alpha=alpha / 2)
        return own if cut is None else (*(r for r in own if r.mark != cut.mark), cut)
    copies = tuple(_copies(media, rescaled=rescaled))
    tests = sum(len(mark.rows()) for mark in marks for copy in copies if copy.carries(mark))
    readings: dict[str, MarkReading] = {}
    found: list[Mark] = []
    # Strongest first: what a found mark explains must not speak for another one.
    while len(found) < len(marks):
        rest = [mark for mark in marks if mark not in found]
        tried = {m.id: reading for m in rest if (reading := _best(m, copies, found, tests, alpha))}
        readings |= tried
        present = [m for m in rest if m.id in tried and tried[m.id].present]
        if not present:
            break
        found.append(min(present, key=lambda m: (tried[m.id].p_value, -tried[m.id].z)))
    return tuple(readings[mark.id] for mark in marks if mark.id in readings)


def _copies(media: Media, *, rescaled: bool) -> Iterator[_Scores]:
    rgb = media.raster().rgb
    restore = chroma_was_doubled(media)
    if rgb.shape[0] * rgb.shape[1] >= SMALLEST_AREA and min(rgb.shape[:2]) >= 8:
        yield _Scores.of(AS_STORED, rgb, restore_chroma=restore)
        if rescaled:
            # A picture that was saved again no longer tells how its chroma was stored.
            other = "chroma-as-decoded" if restore else "chroma-restored"
            yield _Scores.of(other, rgb, restore_chroma=not restore)
    if rescaled:
        for name, copy in rescaled_copies(rgb):
            yield _Scores.of(name, copy, restore_chroma=False)


def score(rgb: NDArray[np.uint8], *, restore_chroma: bool) -> NDArray[np.float32]:
    """Block scores of all variants; see :mod:`lightkeeper.evidence.watermark._kernels`."""
    from lightkeeper.evidence.watermark import _kernels

    return _kernels.score_blocks(rgb, restore=restore_chroma)


def fold(scores: NDArray[np.float32], length: int) -> NDArray[np.float64]:
    """Mean score of each message bit, for every variant."""
    from lightkeeper.evidence.watermark import _kernels

    return _kernels.fold(scores, length)


def _best(
    mark: Mark, copies: Sequence[_Scores], found: Sequence[Mark], tests: int, alpha: float
) -> MarkReading | None:
    best: MarkReading | None = None
    for copy in copies:
        if not copy.carries(mark):
            continue
        reading = _test(mark, copy, found)
        if best is None or reading.p_value < best.p_value:
            best = reading
    if best is None:
        return None
    p_value = corrected(best.p_value, tests)
    return replace(best, p_value=p_value, tests=tests, present=p_value < alpha)


def _test(mark: Mark, copy: _Scores, found: Sequence[Mark]) -> MarkReading:
    """The mark's best variant in one copy, before correction."""
    rows = mark.rows()
    folded = fold(copy.blocks, len(mark.bits))[list(rows)]
    blocks = copy.blocks.shape[1]
    explained = [_footprint(other, len(mark.bits), blocks) for other in found]
    r, freedom = correlate(folded, mark.bits, columns=copy.columns, explained=explained)
    at = int(r.argmax())
    variant = VARIANTS[rows[at]]
    bits = np.asarray(mark.bits, np.float64)
    sizes = folded @ (bits - bits.mean())
    return MarkReading(
        mark=mark.id,
        variant=variant.value,
        method=variant.method.value,
        z=float(r[at]) * math.sqrt(freedom + 1),
        p_value=chance(float(r[at]), freedom),
        tests=1,
        present=False,
        scale=copy.scale,
        alternatives=untold(sizes, at, rows),
    )


def _footprint(mark: Mark, length: int, blocks: int) -> NDArray[np.float64]:
    """What a picture that carries ``mark`` shows when its blocks are folded at ``length``."""
    written = np.resize(np.asarray(mark.bits, np.float32), blocks)
    return fold(written[None, :], length).ravel()


def warm_up() -> None:
    """Compile the kernels, or load them from the cache, so that no picture pays for it."""
    score(np.zeros((16, 16, 3), np.uint8), restore_chroma=False)
