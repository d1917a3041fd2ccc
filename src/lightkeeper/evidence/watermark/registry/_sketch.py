"""A coarse sketch of a picture, against which a cropped or turned copy can still be laid.

PDQ fixes the frame of a picture: a crop is another picture to it. A sketch keeps the grey level of
each of up to 48 × 48 cells and can be slid over. It is compared by *how much* a cell is lighter
than its surroundings, at two scales, and not by whether it is: a sign flips for a grey level, an
amount costs what it is worth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Self

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Plane = NDArray[np.float32]

CELLS = 48
"""Along the longer side."""
_FINE = 4
"""Samples along a cell: a copy may be off by a fraction of one."""
_MOST_SIDE = 6
"""A copy may be pasted into a canvas of up to this many times the longer side."""
_LEAST_CELLS_ACROSS = 3
_SURROUNDINGS, _NEXT = 4.0, 1.0
"""Deviation, in cells, of what a cell is compared with: its surroundings, and what is next to it.

The first gives the contrast that a comparison rests on; the second is a check of its own at the
place that the first found."""
_LEAST_SHARE = 0.5
"""Of the smaller of copy and original that a place must cover."""
_WORTH = 0.5
"""Agreement at half cells under which quarters of one make no difference."""
_PARTS = 3
"""Parts across and down, each of which is compared for itself."""
_LEAST_IN_PART = 12
_FLAT = 3.0
"""Grey levels of contrast under which a part shows nothing."""
_PART_AGREES, _PART_DETAIL = 0.7, 0.4
_EDGE = 2
"""Cells along a place in which its edge shows."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Size of a picture in pixels, and what follows from it: cells, and pixels of a sample."""

    width: int
    height: int

    @property
    def sample(self) -> float:
        """Pixels along one sample of the fine grid."""
        return max(self.width, self.height) / (CELLS * _FINE)

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns of the sketch."""
        side = self.sample * _FINE
        return max(1, round(self.height / side)), max(1, round(self.width / side))


@dataclass(frozen=True, slots=True)
class Overlay:
    """The best place of a copy on a sketch.

    ``explained`` is the correlation of the copy's contrasts with the sketch's over all cells of
    the copy, ``agreement`` and ``detail`` those over the ``cells`` that both have, at the wider
    and at the narrower scale. ``contrast`` is that of the whole copy in grey levels (root mean
    square over all its cells), ``inside`` that of those cells alone over as many. ``available``
    counts the cells of the copy. Of ``parts`` of the place that show anything, ``agreeing`` agree
    at both scales. ``beside`` is the share of cells away from the place that show something else.
    """

    explained: float
    agreement: float
    detail: float
    contrast: float
    inside: float
    cells: int
    available: int
    agreeing: int
    parts: int
    beside: float


NOTHING = Overlay(0.0, 0.0, 0.0, 0.0, 0.0, 0, 0, 0, 0, 0.0)


def draw_sketch(rgb: NDArray[np.uint8]) -> bytes:
    """Sketch a picture: one byte for the mean grey level of each cell, row by row."""
    rows, columns = Frame(rgb.shape[1], rgb.shape[0]).cells
    cells = Image.fromarray(_grey(rgb)).resize((columns, rows), Image.Resampling.BOX)
    sketch: NDArray[np.uint8] = np.rint(np.asarray(cells)).astype(np.uint8)
    return sketch.tobytes()


def cells_of(sketch: bytes, frame: Frame, *, as_in: Frame | None = None) -> Plane:
    """The grey levels of a sketch, shape (rows, columns); those of a picture of another shape."""
    cells = np.frombuffer(sketch, np.uint8).reshape(frame.cells).astype(np.float32)
    if as_in is None or as_in.cells == frame.cells:
        return cells
    rows, columns = as_in.cells
    return np.asarray(Image.fromarray(cells).resize((columns, rows), Image.Resampling.BICUBIC))


class Copy:
    """A picture, turned back onto the grid of an original as its mark says.

    Parameters
    ----------
    rgb : uint8, shape (H, W, 3)
    matrix : float64, shape (2, 2)
        Steps (x, y) in pixels of the original to steps in pixels of the copy.
    frame : Frame
        Size of the original.
    """

    def __init__(self, shifts: list[_Shift], size: tuple[int, int]) -> None:
        self._shifts = shifts
        self._size = size

    @classmethod
    def of(cls, rgb: NDArray[np.uint8], matrix: NDArray[np.float64], frame: Frame) -> Self | None:
        """``None`` where the copy is too small or far larger than the original."""
        undone = _undo(_grey(rgb), matrix, frame.sample)
        if undone is None:
            return None
        sides = zip(undone[0].shape, frame.cells, strict=True)
        down, across = (_fast(side // _FINE + cells - 1) for side, cells in sides)
        # A copy in a wide canvas is tried at half as many fractions, to bound the time.
        steps = range(0, _FINE, 1 if max(undone[0].shape) <= 2 * CELLS * _FINE else 2)
        shifts = [_Shift.of(undone, (y, x), frame, (down, across)) for y in steps for x in steps]
        return cls([shift for shift in shifts if shift is not None], (down, across))

    def on(self, cells: Plane) -> Overlay:
        """The best place on an original: at half cells, and at quarters of one if it may be it."""
        found = self._best(cells, [s for s in self._shifts if s.at_half])
        return found if found.agreement < _WORTH else self._best(cells, self._shifts)

    def roughly_on(self, cells: Plane) -> Overlay:
        """The same at whole cells: for many pictures that it is not a copy of."""
        return self._best(cells, self._shifts[:1])

    def _best(self, cells: Plane, shifts: list[_Shift]) -> Overlay:
        template = _contrast(cells, np.ones_like(cells), _SURROUNDINGS)
        planes = np.stack([template, template * template])
        spectra = np.conj(np.fft.rfft2(planes, s=self._size))
        places = [(found, shift) for shift in shifts if (found := shift.search(spectra))]
        if not places:
            return NOTHING
        place, shift = max(places, key=lambda found: found[0].projection)
        return shift.at(place, cells)


@dataclass(frozen=True, slots=True)
class _Place:
    """Grey levels of the copy along the original, and the cell where the original begins."""

    projection: float
    down: int
    across: int


@dataclass(frozen=True, slots=True)
class _Shift:
    """Cells of a copy at one fraction of a cell, which of them there are, and their contrasts."""

    cells: Plane
    known: Plane
    contrast: Plane
    available: int
    spectra: NDArray[np.complex128]
    """Of the contrasts and of what is known, at a size that leaves room to slide."""
    size: tuple[int, int]
    places: NDArray[np.bool_]
    """Where enough of the smaller of copy and original overlaps."""
    at_half: bool

    @classmethod
    def of(
        cls,
        undone: tuple[Plane, Plane],
        begin: tuple[int, int],
        frame: Frame,
        size: tuple[int, int],
    ) -> _Shift | None:
        samples, there = undone
        sides = zip(samples.shape, begin, strict=True)
        rows, columns = ((side - start) // _FINE for side, start in sides)
        if min(rows, columns) < _LEAST_CELLS_ACROSS:
            return None
        inside = np.s_[begin[0] :, begin[1] :]
        blocks = (rows, _FINE, columns, _FINE)
        cut = np.s_[: rows * _FINE, : columns * _FINE]
        count = there[inside][cut].reshape(blocks).sum(axis=(1, 3))
        total = (samples * there)[inside][cut].reshape(blocks).sum(axis=(1, 3))
        known = (count >= 0.75 * _FINE * _FINE).astype(np.float32)
        cells = np.where(known > 0, total / np.maximum(count, 1), 0).astype(np.float32)
        contrast = _contrast(cells, known, _SURROUNDINGS)
        spectra = np.fft.rfft2(np.stack([contrast, known]), s=size)
        available, whole = int(known.sum()), np.ones(frame.cells)
        overlap = np.fft.irfft2(spectra[1] * np.conj(np.fft.rfft2(whole, s=size)), s=size)
        least = max(_LEAST_SHARE * min(available, whole.size), 1.0)
        places, at_half = np.rint(overlap) >= least, all(side % 2 == 0 for side in begin)
        return cls(cells, known, contrast, available, spectra, size, places, at_half)

    def search(self, original: NDArray[np.complex128]) -> _Place | None:
        """Where the copy has most of what the original shows."""
        product, energy = np.fft.irfft2(self.spectra * original, s=self.size)
        enough = self.places & (energy > 1.0)
        if not enough.any():
            return None
        along = np.where(enough, product / np.sqrt(np.maximum(energy, 1.0)), -np.inf)
        down, across = divmod(int(along.argmax()), along.shape[1])
        best = float(along[down, across]) / math.sqrt(self.available)
        down -= self.size[0] if down >= self.cells.shape[0] else 0
        across -= self.size[1] if across >= self.cells.shape[1] else 0
        return _Place(best, down, across)

    def at(self, place: _Place, original: Plane) -> Overlay:
        """Compare copy and original where they overlap; each sees only what both have."""
        ends = place.down + original.shape[0], place.across + original.shape[1]
        top, left = max(0, place.down), max(0, place.across)
        bottom, right = (min(end, side) for end, side in zip(ends, self.cells.shape, strict=True))
        here = np.s_[top:bottom, left:right]
        there = original[top - place.down : bottom - place.down]
        there = there[:, left - place.across : right - place.across]
        known = self.known[here]
        mine = [_contrast(self.cells[here], known, wide) for wide in (_SURROUNDINGS, _NEXT)]
        theirs = [_contrast(there, known, wide) for wide in (_SURROUNDINGS, _NEXT)]
        whole = float(np.linalg.norm(self.contrast))
        agreeing = [_part_agrees(*part) for part in _parts(mine, theirs, known)]
        seen = [agrees for agrees in agreeing if agrees is not None]
        return Overlay(
            explained=_product(self.contrast[here], theirs[0])
            / max(whole * float(np.linalg.norm(theirs[0])), 1e-6),
            agreement=_correlation(mine[0], theirs[0]),
            detail=_correlation(mine[1], theirs[1]),
            contrast=whole / math.sqrt(max(self.available, 1)),
            inside=float(np.linalg.norm(mine[0])) / math.sqrt(max(self.available, 1)),
            cells=int(known.sum()),
            available=self.available,
            agreeing=sum(seen),
            parts=len(seen),
            beside=self._beside(top, bottom, left, right),
        )

    def _beside(self, top: int, bottom: int, left: int, right: int) -> float:
        """Share of cells, away from the edges of a place, in which there is some detail."""
        away = self.known > 0
        away[max(0, top - _EDGE) : bottom + _EDGE, max(0, left - _EDGE) : right + _EDGE] = False
        if not away.any():
            return 0.0
        return float(np.mean(np.abs(_contrast(self.cells, self.known, _NEXT)[away]) > _FLAT))


def likeness_of(one: Plane, other: Plane) -> float:
    """Correlation of the contrasts of two originals of one shape, one upon the other."""
    whole = np.ones_like(one)
    return _correlation(*(_contrast(cells, whole, _SURROUNDINGS) for cells in (one, other)))


def _parts(
    mine: list[Plane], theirs: list[Plane], known: Plane
) -> Iterator[tuple[list[Plane], list[Plane], int]]:
    for rows in np.array_split(np.arange(known.shape[0]), _PARTS):
        for columns in np.array_split(np.arange(known.shape[1]), _PARTS):
            part = np.ix_(rows, columns)
            yield [p[part] for p in mine], [p[part] for p in theirs], int(known[part].sum())


def _part_agrees(mine: list[Plane], theirs: list[Plane], cells: int) -> bool | None:
    """Whether a part is the same at both scales; ``None`` where it shows nothing."""
    if cells < _LEAST_IN_PART:
        return None
    strongest = max(float(np.linalg.norm(mine[0])), float(np.linalg.norm(theirs[0])))
    if strongest < _FLAT * math.sqrt(cells):
        return None
    wide, narrow = (_correlation(*pair) for pair in zip(mine, theirs, strict=True))
    return wide >= _PART_AGREES and narrow >= _PART_DETAIL


def _product(one: Plane, other: Plane) -> float:
    return float((one.astype(np.float64) * other).sum())


def _correlation(one: Plane, other: Plane) -> float:
    lengths = float(np.linalg.norm(one)) * float(np.linalg.norm(other))
    return _product(one, other) / max(lengths, 1e-6)


def _grey(rgb: NDArray[np.uint8]) -> Plane:
    """Mean of the channels: a change of so many grey levels moves it by no more than that."""
    return np.asarray(rgb.mean(axis=2, dtype=np.float32), np.float32)


def _undo(grey: Plane, matrix: NDArray[np.float64], sample: float) -> tuple[Plane, Plane] | None:
    """Samples of the copy on the original's grid, and where the copy has any."""
    if not np.isfinite(matrix).all():
        return None
    size = math.sqrt(abs(float(np.linalg.det(matrix))))
    # A cell of less than a pixel shows what is between pixels, and not the picture.
    if not 1e-3 < size < 1e3 or sample * _FINE * size < 1:
        return None
    # What lies between two samples must not alias: reduce first, then turn.
    step = max(1.0, sample * size)
    reduced = (max(1, round(grey.shape[1] / step)), max(1, round(grey.shape[0] / step)))
    picture = Image.fromarray(grey).resize(reduced, Image.Resampling.BOX)
    scale = np.array([reduced[0] / grey.shape[1], reduced[1] / grey.shape[0]])
    forward = scale[:, None] * matrix * sample
    corners = np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) * reduced
    placed = corners @ np.linalg.inv(forward).T
    low, high = placed.min(axis=0), placed.max(axis=0)
    width, height = (math.ceil(side - 1e-6) for side in high - low)
    least = _LEAST_CELLS_ACROSS * _FINE
    if max(width, height) > _MOST_SIDE * CELLS * _FINE or min(width, height) < least:
        return None
    offset = forward @ low
    (a, b), (d, e) = forward
    numbers = (a, b, offset[0], d, e, offset[1])
    affine = Image.Transform.AFFINE
    smooth = Image.Resampling.BILINEAR
    turned = picture.transform((width, height), affine, numbers, smooth)
    there = Image.new("F", reduced, 1.0).transform((width, height), affine, numbers, smooth)
    return np.asarray(turned, np.float32), (np.asarray(there) > 0.99).astype(np.float32)


def _contrast(cells: Plane, known: Plane, wide: float) -> Plane:
    """Each cell less the mean of its surroundings, as far as they are known."""
    down, across = (_near(side, wide) for side in cells.shape)
    around = down @ (cells * known) @ across / np.maximum(down @ known @ across, 1e-9)
    return np.where(known > 0, cells - around, 0).astype(np.float32)


@cache
def _near(side: int, wide: float) -> Plane:
    """Weights of each cell of a line in the surroundings of each."""
    place = np.arange(side)
    return np.exp(-(((place[:, None] - place) / wide) ** 2) / 2).astype(np.float32)


def _fast(side: int) -> int:
    """A length at least this that transforms fast: a power of two, or three quarters of one."""
    power = 1 << max(side - 1, 15).bit_length()
    return power * 3 // 4 if side <= power * 3 // 4 else power
