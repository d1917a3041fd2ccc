"""Read the mark: at its own size first, then on every lattice that the picture suggests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.watermark.lattice import _code, _soft
from lightkeeper.evidence.watermark.lattice._chance import chance
from lightkeeper.evidence.watermark.lattice._kernels import fold, unfold, whiten
from lightkeeper.evidence.watermark.lattice._own_size import (
    BASIS,
    BLOCKS,
    is_whole,
    own_size_spectrum,
)
from lightkeeper.evidence.watermark.lattice._pattern import PERIOD, slot_signs
from lightkeeper.evidence.watermark.lattice._peaks import lattices
from lightkeeper.evidence.watermark.lattice._peel import without
from lightkeeper.evidence.watermark.lattice._reading import LatticeReading, LatticeTransform
from lightkeeper.evidence.watermark.lattice._sync import SHIFTS, Synchronised, synchronise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SMALLEST_READ = 64
_WINDOW = 512
_LEAST_Z = 3.5
_SUSPECT_Z = 5.0
"""One look in thousands at a picture without a mark comes here; it is worth a larger sample."""
_MOST_MARKS = 8
_MOST_ON_LATTICE = 4
_MOST_LATTICES = 4


def read(rgb: NDArray[np.uint8], *, alpha: float = 1e-6) -> LatticeReading | None:
    """Look for the open mark and read its payload.

    Parameters
    ----------
    rgb : uint8, shape (H, W, 3)
        First as :func:`read_at_own_size` looks. Then scales from 0.25 to 2, any rotation, aspects
        from 0.6 to 1.6, flips and crops are searched: of a large picture, in windows of 512
        pixels, its centre and four around it.
    alpha : float
        Chance per picture of a reading where there is no mark.

    Returns
    -------
    LatticeReading or None
        ``None`` unless a payload was decoded, its check agrees and ``p_value`` is below ``alpha``.
    """
    return next(_readings(rgb, alpha), None)


def read_all(rgb: NDArray[np.uint8], *, alpha: float = 1e-6) -> tuple[LatticeReading, ...]:
    """Look for every open mark: each that was read is taken out, and the rest looked at again.

    Parameters
    ----------
    rgb, alpha
        As for :func:`read`. All windows are looked at, whatever the first one gave.

    Returns
    -------
    tuple of LatticeReading
        One for each payload, eight at most, in the order in which they were read. Those after the
        first rest on a picture from which the others were taken as well as they are known.
    """
    found: dict[int, LatticeReading] = {}
    for reading in _readings(rgb, alpha):
        found.setdefault(reading.payload, reading)
        if len(found) == _MOST_MARKS:
            break
    return tuple(found.values())


def read_at_own_size(rgb: NDArray[np.uint8], *, alpha: float = 1e-6) -> tuple[LatticeReading, ...]:
    """Look for open marks at the size at which they were written, and search no other.

    Crops, flips, quarter turns and codecs leave that size. It costs about as much as decoding a
    JPEG of a megapixel, and no more for larger pictures: half a megapixel is looked at, in blocks
    spread over the picture; two, where these show the pattern but no payload. What it reads is what
    :func:`read_all` reads first.

    Parameters
    ----------
    rgb : uint8, shape (H, W, 3)
    alpha : float
        As for :func:`read`.

    Returns
    -------
    tuple of LatticeReading
        One for each payload, four at most.
    """
    return tuple(_at_own_size(rgb, _Looked(alpha)))


def _at_own_size(rgb: NDArray[np.uint8], looked: _Looked) -> Iterator[LatticeReading]:
    if min(rgb.shape[:2]) < SMALLEST_READ:
        return
    for blocks in (BLOCKS, 4 * BLOCKS):
        nothing = True
        # What was not resized starts at a whole pixel.
        spectrum = own_size_spectrum(rgb, blocks)
        for reading in looked.on_lattice(spectrum, BASIS, shifts=PERIOD):
            nothing = False
            yield reading
        if is_whole(rgb, blocks) or not (nothing and looked.best_z >= _SUSPECT_Z):
            return


def _readings(rgb: NDArray[np.uint8], alpha: float) -> Iterator[LatticeReading]:
    """Readings as they come, payloads repeated where several windows or looks have them."""
    looked = _Looked(alpha)
    yield from _at_own_size(rgb, looked)
    for window in _windows(rgb):
        values = whiten(window)
        for _ in range(_MOST_LATTICES):
            for basis in _bases(values):
                inverse = _inverse(basis)
                once = False
                for reading in looked.on_lattice(np.fft.fft2(fold(values, inverse)), basis):
                    once = True
                    yield reading
                if once:
                    unfold(values, inverse)
                    break
            else:
                break


@dataclass(slots=True)
class _Looked:
    """How often was looked, and how surely a reading must be none of chance's."""

    alpha: float
    tests: int = 0
    best_z: float = 0.0

    def on_lattice(
        self,
        spectrum: NDArray[np.complex128],
        basis: NDArray[np.float64],
        *,
        shifts: int = SHIFTS,
    ) -> Iterator[LatticeReading]:
        """All marks on one lattice, each found in what the ones before it left."""
        seen: set[int] = set()
        while len(seen) < _MOST_ON_LATTICE:
            tile, looks = synchronise(spectrum, basis, shifts=shifts)
            self.tests += looks
            if tile is not None:
                self.best_z = max(self.best_z, tile.z)
            if tile is None or tile.z < _LEAST_Z:
                return
            reading = _decoded(tile, self.tests)
            if reading is None or reading.p_value >= self.alpha or reading.payload in seen:
                return
            yield reading
            seen.add(reading.payload)
            spectrum = without(spectrum, tile, reading.payload)


def _inverse(basis: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.inv(basis), np.float64)


def _bases(values: NDArray[np.float32]) -> Iterator[NDArray[np.float64]]:
    yield BASIS
    yield from lattices(values)


def _windows(rgb: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """The centre, and four windows towards the corners where the picture is larger than one."""
    height, width = rgb.shape[:2]
    if min(height, width) < SMALLEST_READ:
        return
    rows, columns = min(height, _WINDOW), min(width, _WINDOW)
    places = [(0.5, 0.5)]
    if height * width > 1.2 * _WINDOW**2:
        places += [(0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (1.0, 0.0)]
    taken = set()
    for down, across in places:
        top, left = int(down * (height - rows)), int(across * (width - columns))
        if (top, left) not in taken:
            taken.add((top, left))
            yield np.ascontiguousarray(rgb[top : top + rows, left : left + columns])


def likeliest(rgb: NDArray[np.uint8]) -> int:
    """The likeliest payload where the synchronising points agree best, its check not looked at."""
    best, word = 0.0, 0
    for window in _windows(rgb):
        values = whiten(window)
        for basis in _bases(values):
            tile, _ = synchronise(np.fft.fft2(fold(values, _inverse(basis))), basis)
            if tile is not None and tile.z > best:
                best = tile.z
                word = _code.words(_soft.coded_values(_soft.slot_values(tile)))[0]
    return word >> _code.CHECK_BITS


def _decoded(tile: Synchronised, tests: int) -> LatticeReading | None:
    slots = _soft.slot_values(tile)
    decoded = _code.decode(_soft.coded_values(slots))
    if decoded is None:
        return None
    signs = slot_signs(decoded)
    score = float(slots @ signs) / max(float(np.linalg.norm(slots)), 1e-12)
    used = slots != 0
    return LatticeReading(
        payload=decoded,
        p_value=chance(tile.z, score, tests),
        tests=tests,
        score=tile.z,
        payload_score=score,
        corrected=int(np.count_nonzero(slots * signs < 0)),
        slots=int(used.sum()),
        transform=LatticeTransform.of(tile.basis / PERIOD),
    )


def warm_up(*, search: bool = True) -> None:
    """Compile or load the kernels, so that no picture pays for it.

    Parameters
    ----------
    search : bool
        Also those that :func:`read_at_own_size` does without.
    """
    picture = np.random.default_rng(0).integers(0, 256, (160, 160, 3), dtype=np.uint8)
    if search:
        read(picture)
    else:
        read_at_own_size(picture)
