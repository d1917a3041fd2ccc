"""Look for the keyed mark: as it is, turned by quarters or mirrored, and at any size."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from lightkeeper.evidence._finding import Details
from lightkeeper.evidence.watermark._statistics import SMALLEST_P
from lightkeeper.evidence.watermark.keyed._content import BLOCK, Content, resized, whitened
from lightkeeper.evidence.watermark.keyed._pattern import CODED, SIDE
from lightkeeper.evidence.watermark.lattice import PAYLOAD_BITS
from lightkeeper.evidence.watermark.lattice._code import decode, encode
from lightkeeper.evidence.watermark.lattice._kernels import luma

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from lightkeeper.evidence.watermark.keyed._pattern import KeyedPattern

SMALLEST_READ: Final = 64
_CELL: Final = 2
_WHOLE, _WINDOW = 1024, 256
"""Pixels of the picture as it was marked: of a look at it as it is, and of one in the search."""
_SMALLEST_SCALE, _LARGEST_SCALE, _STEP = 0.28, 2.05, 1.024
_NEARBY: Final = (0.988, 0.992, 0.996, 1.0, 1.004, 1.008, 1.012)
_WORTH: Final = 5.3
"""Deviations from which on a look of the search is followed up; about one in ten unmarked."""
_CLEARLY: Final = 8.5
"""Deviations that chance does not reach in a million searches: followed up at once."""
_FOLLOWED: Final = 2
_SURE: Final = 1e-6
_ORIENTATIONS: Final = tuple((turns, flipped) for flipped in (False, True) for turns in range(4))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedReading(Details):
    """The keyed mark of one picture.

    ``score`` is the correlation with the plane that shows presence, in deviations of its null, and
    ``p_value`` a bound for such a reading over all ``tests`` places and looks. ``payload`` is
    ``None`` where too little of the mark is left to read it; ``payload_score`` is the correlation
    with it. The picture is ``scale`` times as large as when it was marked, and was turned by
    ``rotation`` degrees anticlockwise, after a flip from left to right where ``flipped``.
    """

    p_value: float
    tests: int
    score: float
    payload: int | None
    payload_score: float
    scale: float
    rotation: int
    flipped: bool


def read_keyed(
    rgb: NDArray[np.uint8], patterns: Sequence[KeyedPattern], *, alpha: float = 1e-6
) -> tuple[KeyedReading | None, ...]:
    """Look for the marks of some keys.

    Parameters
    ----------
    rgb : uint8, shape (H, W, 3)
        Crops, sizes from 0.28 to 2 times that of the marked picture, quarter turns and flips are
        searched; other turns and changes of aspect are not. Of a large picture, the middle.
    patterns : sequence of KeyedPattern
    alpha : float
        Chance per picture of a reading where there is no mark, over all keys.

    Returns
    -------
    tuple of KeyedReading or None
        In the order of the patterns.

    Notes
    -----
    The signs of a key are drawn at random and independently of the picture. For any fixed picture
    the correlation is then a sum of symmetric terms in units of its own deviation, and exceeds z
    with a chance of at most exp(-z²/2) (Hoeffding). Every place, look and key that is open to the
    search is counted, whether or not it came to it, and both signs: who takes out more of a mark
    than there is leaves its negative.
    """
    if min(rgb.shape[:2]) < SMALLEST_READ:
        return (None,) * len(patterns)
    views = _Views(rgb)
    looks = len(_searched()) + 2 * (1 + (1 + _FOLLOWED) * len(_NEARBY))
    tests = 2 * looks * SIDE * SIDE * max(len(patterns), 1)
    return tuple(_one(views, pattern, tests, alpha) for pattern in patterns)


@dataclass(frozen=True, slots=True)
class _Geometry:
    """What may have happened to a picture since it was marked."""

    scale: float = 1.0
    turns: int = 0
    flipped: bool = False


def _searched() -> tuple[_Geometry, ...]:
    low = math.floor(math.log(_SMALLEST_SCALE) / math.log(_STEP))
    high = math.ceil(math.log(_LARGEST_SCALE) / math.log(_STEP))
    scales = [_Geometry(_STEP**k) for k in range(low, high + 1)]
    return (*[_Geometry(1.0, *orientation) for orientation in _ORIENTATIONS[1:]], *scales)


@dataclass(frozen=True, slots=True)
class _View:
    """A picture undone by a geometry: its detail in cells, weighted in ways, and what it shows."""

    details: tuple[NDArray[np.float32], ...]
    content: Content


@dataclass(slots=True)
class _Views:
    """Views of one picture, each made once for all keys."""

    rgb: NDArray[np.uint8]
    _luma: NDArray[np.float32] = field(init=False)
    _made: dict[tuple[_Geometry, int], _View | None] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        most = math.ceil(_WHOLE * _LARGEST_SCALE)
        top, left = (max(0, (side - most) // 2) for side in self.rgb.shape[:2])
        middle = self.rgb[top : top + most, left : left + most]
        self._luma = luma(np.ascontiguousarray(middle))

    def view(self, geometry: _Geometry, window: int) -> _View | None:
        """The middle of the picture; ``None`` where a geometry leaves too little of it."""
        if (geometry, window) not in self._made:
            self._made[geometry, window] = self._make(geometry, window)
        return self._made[geometry, window]

    def _make(self, geometry: _Geometry, window: int) -> _View | None:
        values = self._luma
        pixel = geometry.scale * _CELL
        rows, columns = (
            int(min(side / pixel + 1e-9, window // _CELL)) // BLOCK * BLOCK for side in values.shape
        )
        if min(rows, columns) * _CELL < SMALLEST_READ // 2:
            return None
        height, width = rows * pixel, columns * pixel
        top, left = (values.shape[0] - height) / 2, (values.shape[1] - width) / 2
        if geometry.scale == 1:
            # Whole pixels: every cell is then made of the same pixels as when it was marked.
            top, left = math.floor(top), math.floor(left)
        box = (left, top, min(left + width, values.shape[1]), min(top + height, values.shape[0]))
        cells = resized(values, rows, columns, box)
        cells = np.rot90(cells, -geometry.turns)
        cells = np.ascontiguousarray(cells[:, ::-1] if geometry.flipped else cells)
        content = Content.of(cells)
        weights = content.weights()
        details = [whitened(cells) * weights]
        if window == _WHOLE:
            details.append(whitened(cells, rough=True) * weights)
        return _View(tuple(details), content)


def _one(views: _Views, pattern: KeyedPattern, tests: int, alpha: float) -> KeyedReading | None:
    """The reading of one key, from the likeliest look to the least."""
    for geometry in _candidates(views, pattern):
        found = _look(views.view(geometry, _WHOLE), pattern)
        if _chance(found.z, tests) < alpha:
            return _reading(views, pattern, geometry, found, tests)
    return None


def _candidates(views: _Views, pattern: KeyedPattern) -> Iterator[_Geometry]:
    """As it is; then what a search says, and sizes near it."""
    yield _Geometry()
    looks = []
    for geometry in _searched():
        z = _look(views.view(geometry, _WINDOW), pattern).z
        if z > _CLEARLY:
            yield _nearest(views, pattern, geometry)
        looks.append((z, geometry))
    looks.sort(key=lambda look: -look[0])
    for z, geometry in looks[:_FOLLOWED]:
        if z < _WORTH:
            return
        yield _nearest(views, pattern, geometry)


def _nearest(views: _Views, pattern: KeyedPattern, geometry: _Geometry) -> _Geometry:
    """The best of some sizes near one."""
    near = [
        _Geometry(geometry.scale * factor, geometry.turns, geometry.flipped) for factor in _NEARBY
    ]
    return max(near, key=lambda each: _look(views.view(each, _WHOLE), pattern).z)


@dataclass(frozen=True, slots=True)
class _Look:
    """Best place of a pattern in a view, in deviations of the null; ``sign`` is -1 for a negative.

    ``way`` says which weighting of the view's detail it was seen in.
    """

    z: float
    sign: int = 1
    way: int = 0
    down: int = 0
    across: int = 0


def _look(view: _View | None, pattern: KeyedPattern) -> _Look:
    best = _Look(0.0)
    if view is None:
        return best
    signs = view.content.signs(pattern.questions[0])
    for way, detail in enumerate(view.details):
        folded = _folded(detail * signs)
        transform = np.conj(np.fft.rfft2(folded)) * pattern.spectrum
        surface = np.fft.irfft2(transform, s=(SIDE, SIDE)).reshape(-1)
        high, low = int(surface.argmax()), int(surface.argmin())
        sign, at = (1, high) if surface[high] >= -surface[low] else (-1, low)
        z = sign * float(surface[at]) / max(float(np.linalg.norm(folded)), 1e-9)
        if z > best.z:
            best = _Look(z, sign, way, *divmod(at, SIDE))
    return best


def _folded(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sum of all cells that share a place on the plane."""
    rows, columns = (-(-side // SIDE) * SIDE for side in values.shape)
    if (rows, columns) != values.shape:
        spare = (0, rows - values.shape[0]), (0, columns - values.shape[1])
        values = np.pad(values, spare)
    whole = values.reshape(rows // SIDE, SIDE, columns // SIDE, SIDE)
    return np.asarray(whole.sum(axis=(0, 2)), np.float32)


def _chance(z: float, tests: int) -> float:
    exponent = math.log(tests) - max(z, 0.0) ** 2 / 2
    return min(1.0, max(SMALLEST_P, math.exp(min(exponent, 0.0))))


def _reading(
    views: _Views, pattern: KeyedPattern, geometry: _Geometry, found: _Look, tests: int
) -> KeyedReading:
    view = views.view(geometry, _WHOLE)
    if view is None:
        raise AssertionError
    signs = found.sign * view.content.signs(pattern.questions[1])
    folded = _folded(view.details[found.way] * signs)
    placed = np.roll(folded, (found.down, found.across), axis=(0, 1))
    slots = (placed * pattern.payload).reshape(-1)
    soft = np.bincount(pattern.coded, slots, CODED).astype(np.float32)
    payload, score = decode(soft), 0.0
    if payload is not None:
        score = float(soft @ (2.0 * encode(payload) - 1)) / max(float(np.linalg.norm(placed)), 1e-9)
        # The same bound, over all payloads.
        if math.log(2) * PAYLOAD_BITS - score**2 / 2 > math.log(_SURE):
            payload = None
    return KeyedReading(
        p_value=_chance(found.z, tests),
        tests=tests,
        score=found.z,
        payload=payload,
        payload_score=score,
        scale=geometry.scale,
        rotation=90 * geometry.turns,
        flipped=geometry.flipped,
    )
