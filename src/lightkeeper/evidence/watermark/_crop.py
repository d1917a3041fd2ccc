"""Find public marks whose grid was lost: cropped, mirrored, flipped or turned by quarters.

Nothing but numpy, and one walk over the pixels: whatever was cut off, block ``(r, c)`` of a marked
picture carries bit ``shift + s * r + t * c`` of its message, modulo its length ``L``. For a crop
``t`` is 1 and ``s``, the number of blocks in a row of the whole, is unknown; mirroring makes ``t``
-1; a turn by 90 degrees makes ``s`` 1 or -1 and leaves ``t`` unknown. So 64 places of the grid,
``L`` strides, ``L`` shifts and four directions are searched.

Scores of one place are folded at ``L`` in both axes, and one ``L`` by ``L`` Fourier transform G
holds all strides: harmonic ``m`` of the bits folded with stride ``s`` is ``G[m * s, m]``. Its
energy, against the picture's own noise, says which strides carry any message at all; only these
are correlated with the messages.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.watermark._chroma import chroma_was_doubled
from lightkeeper.evidence.watermark._marks import PUBLIC_MARKS, VARIANTS, Mark, Method
from lightkeeper.evidence.watermark._reading import MarkReading, untold
from lightkeeper.evidence.watermark._statistics import SMALLEST_P, chance

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from lightkeeper.media import Media

STEP = 36.0
BLOCK = 8
PLACES = BLOCK * BLOCK
_LARGEST_AREA = 1536 * 1024
"""Pixels of the middle that are searched; of a larger picture the rest is not looked at."""
_SMALLEST_SIDE = 64
_REPEATS = 4
_KEPT = 512
_STRIP = 96
_DIRECTIONS = 4
_OWN_SHARE = np.float32(0.25)
_BYTE = 8
# Halved chroma that a decoder doubled mixes each low-band sample with its neighbours: by 1/8, 3/4,
# 1/8 where the grids agree, by 1/4, 1/2, 1/4 where they are one pixel apart. These undo the first
# as far as five taps can, and the second as far as its noise allows.
_TAPS = ((0.0411, -0.2397, 1.3972), (0.05, -0.35, 1.6))
_DCT_VARIANTS = tuple(k for k, v in enumerate(VARIANTS) if v.method is Method.DWT_DCT)


@dataclass(frozen=True, slots=True, kw_only=True)
class CropReading:
    """The best place, stride, shift and direction of a mark in a picture without its grid.

    Parameters
    ----------
    mark : Mark
    variant : int
        Index in :data:`~lightkeeper.evidence.watermark._marks.VARIANTS`.
    z : float
        Agreement in standard deviations of the picture's own noise.
    r : float
        Correlation of the folded bits with the message.
    p_value : float
        The larger of two chances: of so much agreement where nothing was written, over
        ``tests``; and of so good an agreement where another message was.
    tests : int
    place : tuple of int
        Rows and columns that the grid begins after the picture's corner.
    turned : bool
        Rows and columns of the whole changed places.
    mirrored : bool
        The bits run backwards.
    stride, shift : int
        Bits from one row of blocks to the next (column, where turned), and before the first.
    """

    mark: Mark
    variant: int
    z: float
    r: float
    p_value: float
    tests: int
    place: tuple[int, int]
    turned: bool
    mirrored: bool
    stride: int
    shift: int

    def bits(self, rows: int, columns: int) -> NDArray[np.float32]:
        """The bit of each block, shape (rows, columns)."""
        down, over = (1, self.stride) if self.turned else (self.stride, 1)
        index = down * np.arange(rows)[:, None] + over * np.arange(columns) - self.shift
        written = np.asarray(self.mark.bits, np.float32)
        bits: NDArray[np.float32] = written[(-index if self.mirrored else index) % len(written)]
        return bits

    @property
    def where(self) -> str:
        """Place and direction in words, such as ``grid at 3,5 mirrored``."""
        turned = " turned" if self.turned else ""
        return f"grid at {self.place[0]},{self.place[1]}{turned}{' mirrored' * self.mirrored}"


def read_cropped(
    media: Media, *, marks: Sequence[Mark] = PUBLIC_MARKS, alpha: float = 1e-6
) -> MarkReading | None:
    """The strongest mark of a picture that carries none on its stored grid.

    One at most: what a strong message leaves at other strides must not speak for another mark.

    Parameters
    ----------
    media : Media
    marks : sequence of Mark
        Those that cannot be written by dwtDct are passed over.
    alpha : float
        Chance per picture of calling a mark present where there is none.
    """
    rgb, halved = media.raster().rgb, chroma_was_doubled(media)
    found = [r for r in search_crops(rgb, marks, halved_chroma=halved) if r.p_value < alpha]
    if not found:
        return None
    best = max(found, key=lambda reading: reading.z)
    sizes = []
    for scores in score_places(_middle(rgb), halved):
        own = scores[best.place[0] * BLOCK + best.place[1]]
        bits = best.bits(*own.shape)
        sizes.append(float(((bits - bits.mean()) * own).mean()))
    variant = _DCT_VARIANTS.index(best.variant)
    return MarkReading(
        mark=best.mark.id,
        variant=VARIANTS[best.variant].value,
        method=Method.DWT_DCT.value,
        z=best.z,
        p_value=max(SMALLEST_P, best.p_value),
        tests=best.tests,
        present=True,
        scale=best.where,
        alternatives=untold(sizes, variant, _DCT_VARIANTS),
    )


def search_crops(
    rgb: NDArray[np.uint8], marks: Sequence[Mark], *, halved_chroma: bool
) -> tuple[CropReading, ...]:
    """The best reading of each mark whose bits repeat often enough, dwtDct only.

    Parameters
    ----------
    rgb : uint8, shape (H, W, 3)
    marks : sequence of Mark
        Those that cannot be written by dwtDct are passed over.
    halved_chroma : bool
        The decoder doubled the chroma of this picture.
    """
    rgb = _middle(rgb)
    blocks = (rgb.shape[0] // BLOCK - 1) * (rgb.shape[1] // BLOCK - 1)
    marks = [
        m for m in marks
        if m.method in (None, Method.DWT_DCT) and blocks >= _REPEATS * len(m.bits)
    ]  # fmt: skip
    if not marks or min(rgb.shape[:2]) < _SMALLEST_SIDE:
        return ()
    tests = sum(_DIRECTIONS * len(_DCT_VARIANTS) * PLACES * len(mark.bits) ** 2 for mark in marks)
    messages = sum(_DIRECTIONS * PLACES * len(mark.bits) for mark in marks)
    best: dict[str, CropReading] = {}
    for variant, scores in zip(_DCT_VARIANTS, score_places(rgb, halved_chroma), strict=True):
        for length in sorted({len(mark.bits) for mark in marks}):
            same = [mark for mark in marks if len(mark.bits) == length]
            for reading in _of_length(scores, same, variant, tests, messages):
                held = best.get(reading.mark.id)
                if held is None or reading.z > held.z:
                    best[reading.mark.id] = reading
    return tuple(best[mark.id] for mark in marks if mark.id in best)


def _middle(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    if height * width <= _LARGEST_AREA:
        return rgb
    factor = math.sqrt(_LARGEST_AREA / (height * width))
    down, over = (max(_SMALLEST_SIDE, int(side * factor)) for side in (height, width))
    # Even, so that the grid of halved chroma stays where it was.
    top, left = (height - down) // 4 * 2, (width - over) // 4 * 2
    return rgb[top : top + down, left : left + over]


def score_places(rgb: NDArray[np.uint8], halved_chroma: bool) -> Iterator[NDArray[np.float32]]:
    """Soft bits of every 8x8 block at every place, one array per variant of dwtDct.

    Yields
    ------
    float32, shape (64, rows, columns), in [-1, 1]
        First axis: the place, by rows. In blocks whose first sample is the largest of all, which
        the embedder leaves alone, that sample does not count.
    """
    rows, columns = rgb.shape[0] // BLOCK - 1, rgb.shape[1] // BLOCK - 1
    for swapped, whole in ((False, True), (True, True), (False, False), (True, False)):
        scores = np.empty((BLOCK, BLOCK, rows, columns), np.float32)
        for top in range(0, rows, _STRIP // BLOCK):
            count = min(_STRIP // BLOCK, rows - top)
            first, last = max(0, top * BLOCK - 8), min(rgb.shape[0], (top + count + 1) * BLOCK + 16)
            low = _low_band(rgb[first:last], swapped=swapped, whole=whole)
            if halved_chroma:
                low = _sharpened(low)
            soft = _soft_bits(_largest(np.abs(low)))[top * BLOCK - first :]
            tiles = soft[: count * BLOCK, : columns * BLOCK].reshape(count, BLOCK, columns, BLOCK)
            scores[:, :, top : top + count] = tiles.transpose(1, 3, 0, 2)
        yield scores.reshape(PLACES, rows, columns)


def _low_band(rgb: NDArray[np.uint8], *, swapped: bool, whole: bool) -> NDArray[np.float32]:
    """Haar low band of U at every pixel, as number type and channel order make it."""
    first, green, third = (
        rgb[..., k].astype(np.float32) for k in ((0, 1, 2) if swapped else (2, 1, 0))
    )
    luma = np.float32(0.114) * first
    luma += np.float32(0.587) * green
    luma += np.float32(0.299) * third
    if whole:
        np.rint(luma, out=luma)
    first -= luma
    first *= np.float32(0.492)
    if whole:
        np.rint(first, out=first)
    pairs = first[:, :-1] + first[:, 1:]
    low = pairs[:-1] + pairs[1:]
    low *= np.float32(0.5)
    low += np.float32(256 if whole else 1)
    return low


def _sharpened(low: NDArray[np.float32]) -> NDArray[np.float32]:
    """Undo the doubling of chroma, in both axes; the first sample lies on the grid of the file."""
    for axis in (0, 1):
        size = low.shape[axis]
        pad = [(0, 0), (0, 0)]
        pad[axis] = (4, 4)
        wide = np.pad(low, pad, mode="edge")
        line = [slice(None), slice(None)]
        parts = []
        for k in (0, 2, 4, 6, 8):
            line[axis] = slice(k, k + size)
            parts.append(wide[tuple(line)])
        outer, inner, own = (
            np.expand_dims(np.resize(np.asarray(taps, np.float32), size), 1 - axis)
            for taps in zip(*_TAPS, strict=True)
        )
        low = own * parts[2]
        low += inner * (parts[1] + parts[3])
        low += outer * (parts[0] + parts[4])
    return low


def _largest(size: NDArray[np.float32]) -> NDArray[np.float32]:
    """Largest of each 4x4 samples, two pixels apart, without the first."""
    pairs = np.maximum(size[:, :-2], size[:, 2:])
    three = np.maximum(size[:, 2:-4], pairs[:, 4:])
    four = np.maximum(pairs[:, :-4], pairs[:, 4:])
    lower = np.maximum(four[2:-4], four[4:-2])
    np.maximum(lower, four[6:], out=lower)
    return np.maximum(lower, three[:-6], out=lower)


def _soft_bits(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """As the aligned reader scores them: a parabola through the cell centres."""
    values *= np.float32(1 / STEP)
    values -= np.floor(values)
    values -= np.float32(0.5)
    fall = np.abs(values)
    fall *= np.float32(-16)
    fall += np.float32(8)
    values *= fall
    return values


@lru_cache(maxsize=32)
def _lines(length: int) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Where harmonics 1 .. L/2 of each stride lie in the half transform, shape (2, L, M).

    First strides along the columns, then along the rows. The mask says where the value is
    conjugate.
    """
    half = length // 2 + 1
    harmonic = np.arange(1, half)
    moving = harmonic * np.arange(length)[:, None] % length
    fixed = np.broadcast_to(harmonic, moving.shape)
    rows, columns = np.stack([moving, fixed]), np.stack([fixed, moving])
    mirrored = columns >= half
    rows = np.where(mirrored, -rows % length, rows)
    columns = np.where(mirrored, length - columns, columns)
    return rows * half + columns, mirrored


@lru_cache(maxsize=32)
def _waves(size: int, length: int, count: int) -> NDArray[np.complex64]:
    """Fourier matrix, shape (size, count)."""
    turns = np.outer(np.arange(size), np.arange(count)) % length
    waves: NDArray[np.complex64] = np.exp(-2j * np.pi / length * turns).astype(np.complex64)
    return waves


def _transform(folded: NDArray[np.float32], length: int) -> NDArray[np.complex64]:
    """Half of the ``length`` by ``length`` transform of each place, shape (64, L, L/2 + 1).

    By matrices: sides are short and often shorter than ``length``, where they beat a fast
    transform by three times.
    """
    _, rows, columns = folded.shape
    half = length // 2 + 1
    across = folded.reshape(-1, columns) @ _waves(columns, length, half).view(np.float32)
    lines = across.view(np.complex64).reshape(PLACES, rows, half)
    whole: NDArray[np.complex64] = np.matmul(_waves(rows, length, length).T, lines)
    return whole


def _folded(scores: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Sums over blocks ``length`` apart, in each axis that is longer, mean taken off first."""
    folded: NDArray[np.float32] = scores - scores.mean(axis=(1, 2), keepdims=True)
    for axis in (1, 2):
        size = folded.shape[axis]
        if size <= length:
            continue
        whole = size // length * length
        head, tail = np.split(folded, [whole], axis=axis)
        shape = (*head.shape[:axis], whole // length, length, *head.shape[axis + 1 :])
        summed = head.reshape(shape).sum(axis=axis)
        part = [slice(None)] * 3
        part[axis] = slice(0, size - whole)
        summed[tuple(part)] += tail
        folded = summed
    return folded


def _noise(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Power of the picture's own scores by frequency, without the mark's.

    The mean of the eight frequencies around each, over all places of the grid: the harmonics of a
    stride lie apart, but a mark shows at every place, since blocks half a cell off share its
    samples. A share of the frequency's own mean bounds what a peak of the picture, such as that of
    a brick wall, can add; that it is no message is for the correlation to say.
    """
    local = power.mean(axis=0)
    wide = np.pad(np.pad(local, ((1, 1), (0, 0)), mode="wrap"), ((0, 0), (1, 1)), mode="reflect")
    rows, columns = local.shape
    around = np.zeros_like(local)
    for k in range(3):
        for j in range(3):
            around += wide[k : k + rows, j : j + columns]
    around = (around - local) * np.float32(1 / 8)
    noise: NDArray[np.float32] = np.maximum(around, local * _OWN_SHARE)
    noise[:] = np.maximum(noise, np.float32(1e-6))
    return noise


def _of_length(
    scores: NDArray[np.float32], marks: Sequence[Mark], variant: int, tests: int, messages: int
) -> Iterator[CropReading]:
    length = len(marks[0].bits)
    where, mirrored = _lines(length)
    waves = _transform(_folded(scores, length), length)
    power = waves.real**2 + waves.imag**2
    noise = _noise(power).ravel()
    # Places last, so that one frequency of all places is one stretch of memory.
    share = np.ascontiguousarray((power.reshape(PLACES, -1) / noise).T)
    energy = share[where].sum(axis=2)
    kept = np.argpartition(energy.ravel(), -min(_KEPT, energy.size))[-_KEPT:]
    axis, stride, place = np.unravel_index(kept, energy.shape)
    lines = where[axis, stride]
    values = waves.reshape(PLACES, -1)[place[:, None], lines]
    values = np.where(mirrored[axis, stride], values.conj(), values)
    candidates = _Candidates(values, noise[lines], place, axis, stride)
    for mark in marks:
        yield _best(mark, variant, candidates, tests, messages)


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Strides that may carry a message: their harmonics, and the noise of each."""

    values: NDArray[np.complex64]
    noise: NDArray[np.float32]
    place: NDArray[np.intp]
    axis: NDArray[np.intp]
    stride: NDArray[np.intp]


def _best(
    mark: Mark, variant: int, candidates: _Candidates, tests: int, messages: int
) -> CropReading:
    length = len(mark.bits)
    message, freedom = _message(mark.bits)
    values, noise = candidates.values, candidates.noise
    scale = np.sqrt(_total(np.abs(message) ** 2 / noise, length))
    best, at, shift, backwards = -math.inf, 0, 0, False
    for mirrored in (False, True):
        # Whitened matched filter: all shifts at once.
        mixed = np.zeros((len(values), length // 2 + 1), np.complex64)
        mixed[:, 1:] = values * (message if mirrored else message.conj()) / noise
        z = np.fft.irfft(mixed, length, axis=1) * (length / scale)[:, None]
        if z.max() > best:
            best, backwards = float(z.max()), mirrored
            at, shift = (int(k) for k in np.unravel_index(z.argmax(), z.shape))
    energy = float(_total(np.abs(values[at]) ** 2 / noise[at] * (message != 0), length))
    r = min(1.0, max(0.0, best / math.sqrt(max(energy, 1e-12))))
    p_value = max(0.5 * math.erfc(best / math.sqrt(2)) * tests, chance(r, freedom - 1) * messages)
    place = int(candidates.place[at])
    return CropReading(
        mark=mark,
        variant=variant,
        z=best,
        r=r,
        p_value=min(1.0, p_value),
        tests=tests,
        place=(place // BLOCK, place % BLOCK),
        turned=bool(candidates.axis[at]),
        mirrored=backwards,
        stride=int(candidates.stride[at]),
        shift=shift,
    )


def _total(values: NDArray[np.floating], length: int) -> NDArray[np.floating]:
    """Sum over all harmonics, of which only half are held."""
    total: NDArray[np.floating] = 2 * values.sum(axis=-1)
    return total - values[..., -1] if length % 2 == 0 else total


@lru_cache(maxsize=64)
def _message(bits: tuple[int, ...]) -> tuple[NDArray[np.complex64], int]:
    """Harmonics 1 .. L/2 of a message, and how many real numbers they stand for.

    Text shares the places of its bits in a byte with any other text: these harmonics do not count.
    """
    length = len(bits)
    waves = np.fft.rfft(np.asarray(bits, np.float32))[1:].astype(np.complex64)
    free = length - 1
    if length % _BYTE == 0:
        waves[length // _BYTE - 1 :: length // _BYTE] = 0
        free -= _BYTE - 1
    return waves, free
