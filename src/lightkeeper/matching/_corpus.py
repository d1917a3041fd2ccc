"""Benign pictures that no entry may match: an entry near one of them is junk or poison."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.errors import InvalidConfiguration, MediaError
from lightkeeper.hashing import pdq, pdq_of_rgb
from lightkeeper.matching._columns import EntryColumns
from lightkeeper.matching._guards import Objection, native_words
from lightkeeper.media import open_media
from lightkeeper.media._compile import compiled, inlined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from lightkeeper.matching._entry import Entry
    from lightkeeper.matching._set import HashSet

_SIDE = 256


class BenignCorpus:
    """PDQ hashes of pictures that are known to be harmless."""

    def __init__(self, bits: NDArray[np.uint8]) -> None:
        self._words = np.unique(bits, axis=0).view(np.uint64)

    def __len__(self) -> int:
        return len(self._words)

    @classmethod
    def drawn(cls) -> BenignCorpus:
        """Pictures that the project draws: ramps, patterns, pages, windows, charts, textures."""
        return cls(_drawn_bits())

    def with_folder(self, folder: Path) -> BenignCorpus:
        """Join the hashes of an operator's own pictures, read from a folder and those below it.

        A file that is no picture is passed over.

        Raises
        ------
        InvalidConfiguration
            It is not a folder, or holds no picture that can be read.
        """
        if not folder.is_dir():
            raise InvalidConfiguration(f"benign pictures: {folder} is not a folder")
        found = [bits for path in sorted(folder.rglob("*")) if (bits := _bits_of(path)) is not None]
        if not found:
            raise InvalidConfiguration(f"benign pictures: {folder} holds none that can be read")
        own = np.frombuffer(b"".join(found), np.uint8).reshape(-1, 32)
        return BenignCorpus(np.concatenate([self._words.view(np.uint8), own]))

    def check_batch(self, entries: Sequence[Entry], hash_set: HashSet) -> list[str | None]:
        """``collides-with-benign`` for each PDQ entry within the set's radius of the corpus.

        A negative set is benign itself and is not checked. The values must be well-formed. Costs
        1.5 microseconds per entry and thousand pictures of the corpus.
        """
        columns = EntryColumns.of(entries)
        reasons: list[str | None] = [None] * len(columns)
        chosen = [i for i, kind in enumerate(columns.kinds) if kind == "pdq"]
        if not chosen or hash_set.negative:
            return reasons
        words = native_words(columns.values[i] for i in chosen)
        near = _near(words, self._words, hash_set.radius_bits)
        for i in np.flatnonzero(near):
            reasons[chosen[i]] = str(Objection.COLLIDES)
        return reasons


def _bits_of(path: Path) -> bytes | None:
    if not path.is_file():
        return None
    try:
        return pdq(open_media(path)).bits
    except (MediaError, OSError):
        return None


@inlined
def _ones(word: np.uint64) -> np.uint64:
    """Population count; LLVM makes it one instruction where the machine has it."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + (
        (word >> np.uint64(2)) & np.uint64(0x3333333333333333)
    )
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (word * np.uint64(0x0101010101010101)) >> np.uint64(56)


@compiled
def _near(words: NDArray[np.uint64], corpus: NDArray[np.uint64], radius: int) -> NDArray[np.bool_]:
    """Rows within the radius of any row of the corpus, by brute force."""
    found = np.zeros(len(words), np.bool_)
    for i in range(len(words)):
        for j in range(len(corpus)):
            distance = np.uint64(0)
            for k in range(4):
                distance += _ones(words[i, k] ^ corpus[j, k])
            if distance <= radius:
                found[i] = True
                break
    return found


@cache
def _drawn_bits() -> NDArray[np.uint8]:
    hashes = [pdq_of_rgb(picture).bits for picture in _pictures()]
    return np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, 32)


def _pictures() -> Iterator[NDArray[np.uint8]]:
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:_SIDE, 0:_SIDE].astype(np.float32) / _SIDE
    for shade in (0, 128, 255):
        yield _grey(np.full((_SIDE, _SIDE), shade))
    for angle in np.linspace(0, 2 * np.pi, 24, endpoint=False):
        yield _grey(128 + 90 * (x * np.cos(angle) + y * np.sin(angle)))
    for centre_x, centre_y in rng.uniform(0, 1, (16, 2)):
        yield _grey(255 * np.hypot(x - centre_x, y - centre_y))
    for cells in (2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32):
        yield _grey(255 * (((x * cells).astype(int) + (y * cells).astype(int)) % 2))
        yield _grey(255 * ((x * cells).astype(int) % 2))
        yield _grey(255 * ((y * cells).astype(int) % 2))
        yield _grey(255 * (((x + y) * cells).astype(int) % 2))
    for draw in (_page, _windows, _chart, _texture, _logo):
        for _ in range(24):
            yield _grey(draw(rng))


def _grey(picture: NDArray[np.generic]) -> NDArray[np.uint8]:
    clipped = np.clip(picture, 0, 255).astype(np.uint8)
    return np.repeat(clipped[..., None], 3, axis=2)


def _page(rng: np.random.Generator) -> NDArray[np.float32]:
    """Dark lines of words on paper."""
    page = np.full((_SIDE, _SIDE), 245, np.float32)
    step = int(rng.integers(8, 20))
    for top in range(step, _SIDE - step, step):
        left = 16
        while (width := int(rng.integers(6, 40))) + left < _SIDE - 16:
            page[top : top + step // 2, left : left + width] = 40
            left += width + 6
    return page


def _windows(rng: np.random.Generator) -> NDArray[np.float32]:
    """Overlapping frames with title bars, as on a desktop."""
    screen = np.full((_SIDE, _SIDE), rng.integers(60, 200), np.float32)
    for _ in range(int(rng.integers(2, 7))):
        top, left = rng.integers(0, _SIDE - 64, 2)
        height, width = rng.integers(48, 180, 2)
        screen[top : top + height, left : left + width] = rng.integers(180, 255)
        screen[top : top + 12, left : left + width] = rng.integers(20, 110)
    return screen


def _chart(rng: np.random.Generator) -> NDArray[np.float32]:
    """Bars on white."""
    chart = np.full((_SIDE, _SIDE), 255, np.float32)
    bars = int(rng.integers(3, 14))
    width = (_SIDE - 20) // bars
    for i, height in enumerate(rng.integers(10, _SIDE - 30, bars)):
        left = 10 + i * width
        chart[_SIDE - 10 - height : _SIDE - 10, left : left + width * 2 // 3] = 90
    return chart


def _texture(rng: np.random.Generator) -> NDArray[np.generic]:
    """Noise whose amplitude falls with frequency, as in clouds, stone and cloth."""
    frequency = np.hypot(np.fft.fftfreq(_SIDE)[:, None], np.fft.rfftfreq(_SIDE)[None, :])
    frequency[0, 0] = 1
    noise = np.fft.rfft2(rng.standard_normal((_SIDE, _SIDE))) / frequency ** rng.uniform(0.5, 2)
    field = np.fft.irfft2(noise, s=(_SIDE, _SIDE))
    return np.asarray(128 + 50 * (field - field.mean()) / field.std())


def _logo(rng: np.random.Generator) -> NDArray[np.float32]:
    """A few discs on a plain ground."""
    y, x = np.mgrid[0:_SIDE, 0:_SIDE]
    logo = np.full((_SIDE, _SIDE), rng.integers(0, 255), np.float32)
    for _ in range(int(rng.integers(1, 5))):
        centre_x, centre_y, radius = rng.integers(20, _SIDE - 20, 3)
        logo[np.hypot(x - centre_x, y - centre_y) < radius // 2] = rng.integers(0, 255)
    return logo
