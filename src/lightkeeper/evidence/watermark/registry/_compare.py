"""Whether a picture that carries a mark is the one that the mark's entry is about."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from lightkeeper.evidence._finding import Details
from lightkeeper.evidence.watermark.registry._sketch import (
    NOTHING,
    Copy,
    Frame,
    Overlay,
    cells_of,
    draw_sketch,
    likeness_of,
)
from lightkeeper.hashing import pdq_of_rgb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lightkeeper.evidence.watermark.registry._entry import Fingerprint
    from lightkeeper.evidence.watermark.registry._sketch import Plane

PDQ_RADIUS_BITS: Final = 48
"""Within which the PDQ of a whole frame must be, too, turned upright."""
CONSISTENT_BITS: Final = 31
_LEAST_QUALITY: Final = 50
_SMALLEST_SIDE: Final = 5
FORGED_PSNR: Final = 29.5
"""Decibels. A picture counts as the entry's only if an unlike one had to be damaged below that."""
_AGREES, _DETAIL_AGREES = 0.85, 0.7
_OTHER, _DETAIL_OTHER = 0.6, 0.5
LEAST_CELLS: Final = 250
"""Under this many cells nothing is told: what is left of a picture is too little."""
_BESIDE: Final = 0.15
_FLAT: Final = 1.5
"""Grey levels of contrast under which a copy shows nothing."""
DECOYS: Final = 16
"""Drawn ones, and at most as many of a registry."""
_TURNS: Final = 8
_FEWEST_CHOICES: Final = 100
_LEAST_SPREAD: Final = 0.035
_LEAST_ALIKE: Final = 0.35
_FORGER: Final = 0.05
"""Chance that one of all the entries in one of eight turns is more alike than is allowed for."""


class Likeness(StrEnum):
    """What a comparison of fingerprints says."""

    MATCHES = "matches"
    DIFFERS = "does-not-match"
    CONSISTENT = "consistent"
    """The public hash agrees, which anyone can aim at; the sketch was not there to ask."""
    CANNOT_TELL = "cannot-be-told"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Details):
    """A picture beside the fingerprint of an entry.

    ``pdq_distance`` is that of the whole frame, turned upright as the mark says; ``None`` where
    the picture has another frame, such as a crop. ``agreement`` and ``detail`` are correlations of
    contrasts with the sketch's at two scales, at the best place, over ``cells`` cells; of ``parts``
    of the place that show anything, ``agreeing`` agree. ``alike`` is the correlation that this
    picture may have with one of the ``choices`` entries open to a forger, as its decoys say.
    ``forged_psnr`` is the damage in dB (peak signal to noise) that no change of a picture which is
    no more alike than that stays above, if it is to look like this one; ``None`` without a sketch.
    """

    likeness: Likeness
    pdq_distance: int | None
    pdq_quality: int
    agreement: float
    detail: float
    cells: int
    agreeing: int
    parts: int
    alike: float
    choices: int
    forged_psnr: float | None


def compare(
    rgb: NDArray[np.uint8],
    fingerprint: Fingerprint,
    *,
    matrix: NDArray[np.float64] | None = None,
    decoys: Sequence[Fingerprint] = (),
    choices: int = 1,
) -> Comparison:
    """Compare a picture with the fingerprint of a marked one.

    The picture is turned back as the mark's own geometry says and laid over the sketch, wherever
    it fits best: so a crop, a rotation or a frame around it is no difference. It matches only if it
    agrees at two scales, part by part, if PDQ agrees where the frame is whole, and if no picture
    that is as unlike as the decoys are could have been changed into this one above 29.5 dB.

    Parameters
    ----------
    rgb : uint8, shape (H, W, 3)
    fingerprint : Fingerprint
        Without its sketch the answer is ``consistent`` at most.
    matrix : float64, shape (2, 2), optional
        Steps (x, y) in pixels of the marked picture to steps in pixels of this one, as read from
        the mark; as large as this one by default.
    decoys : sequence of Fingerprint
        Of other pictures, such as other entries; sixteen drawn pictures are always taken, too.
    choices : int
        Entries among which a forger could choose.

    Returns
    -------
    Comparison
        ``cannot-be-told`` for what is cropped to little, flat, or between the thresholds, which
        are measured in ``docs/explanation/copied-marks.md``.
    """
    step = np.eye(2) if matrix is None else np.asarray(matrix, np.float64)
    if min(rgb.shape[:2]) < _SMALLEST_SIDE:
        return _comparison(Likeness.CANNOT_TELL, None, 0, NOTHING, 1.0, choices, None)
    distance, quality = _pdq(rgb, fingerprint, step)
    if fingerprint.sketch is None:
        near = distance is not None and distance <= CONSISTENT_BITS and quality >= _LEAST_QUALITY
        likeness = Likeness.CONSISTENT if near else Likeness.CANNOT_TELL
        return _comparison(likeness, distance, quality, NOTHING, 1.0, choices, None)
    copy = Copy.of(rgb, step, fingerprint.frame)
    if copy is None:
        return _comparison(Likeness.CANNOT_TELL, distance, quality, NOTHING, 1.0, choices, None)
    own = cells_of(fingerprint.sketch, fingerprint.frame)
    found = copy.on(own)
    others = [
        cells_of(decoy.sketch, decoy.frame, as_in=fingerprint.frame)
        for decoy in decoys[:DECOYS]
        if decoy.sketch is not None
    ]
    # The same picture may be registered twice: it is no decoy of itself.
    others = [cells for cells in others if likeness_of(cells, own) < _AGREES]
    alike = _alike(copy, [*drawn_decoys(fingerprint.frame), *others], choices)
    damage = _least_damage(found, alike)
    likeness = judge(found, damage, distance)
    return _comparison(likeness, distance, quality, found, alike[0], choices, damage)


def judge(found: Overlay, damage: float, distance: int | None) -> Likeness:
    """What a place, a forger's least damage in grey levels and a PDQ distance say together."""
    if found.cells < LEAST_CELLS or found.contrast < _FLAT:
        return Likeness.CANNOT_TELL
    same = found.agreement >= _AGREES and found.detail >= _DETAIL_AGREES
    # One part that is another is enough: somebody may have been put there.
    # So may another picture that lies beside it: a frame shows little.
    if same and found.agreeing == found.parts > 0 and found.beside <= _BESIDE:
        far = distance is not None and distance > PDQ_RADIUS_BITS
        cheap = damage < 255 / 10 ** (FORGED_PSNR / 20)
        return Likeness.CANNOT_TELL if far or cheap else Likeness.MATCHES
    other = found.agreement < _OTHER and found.detail < _DETAIL_OTHER
    # Of nine parts one agrees by chance now and then.
    if other and found.agreeing <= found.parts // 8 and found.parts:
        return Likeness.DIFFERS
    return Likeness.CANNOT_TELL


def _least_damage(found: Overlay, alike: tuple[float, float]) -> float:
    """Grey levels (root mean square) that an unlike picture is away from this one, at least.

    Pictures whose contrasts correlate with the sketch by no more than ``alike`` are a cone; this
    is the distance of the copy's contrasts from it. Neither the mean of channels nor that of a
    cell, nor taking its surroundings off, makes a change larger than it is in the pixels. What
    lies outside of the original, such as a frame, may be left out: a change there only adds.
    """
    return max(
        _distance(found.contrast, found.explained, alike[0]),
        _distance(found.inside, found.agreement, alike[1]),
    )


def _distance(contrast: float, correlation: float, alike: float) -> float:
    away = math.acos(alike) - math.acos(min(max(correlation, -1.0), 1.0))
    return contrast * math.sin(min(away, math.pi / 2)) if away > 0 else 0.0


def _alike(copy: Copy, decoys: Sequence[Plane], choices: int) -> tuple[float, float]:
    """How alike one of so many other pictures may be, each in eight turns: whole, and inside.

    The correlations with decoys are each the best of many places, so that their tail is taken for
    that of Gumbel's law, after Fisher's transform.
    """
    found = [copy.roughly_on(cells) for cells in decoys]
    number = _TURNS * max(choices, _FEWEST_CHOICES) / _FORGER
    whole, inside = [f.explained for f in found], [f.agreement for f in found]
    return _most(whole, number), _most(inside, number)


def _most(correlations: Sequence[float], number: float) -> float:
    values = np.arctanh(np.clip(correlations, -0.999, 0.999))
    spread = max(float(values.std()), _LEAST_SPREAD)
    tail = math.sqrt(6) / math.pi * (math.log(number) - float(np.euler_gamma))
    return max(math.tanh(float(values.mean()) + tail * spread), _LEAST_ALIKE)


@lru_cache(maxsize=64)
def drawn_decoys(frame: Frame) -> tuple[Plane, ...]:
    """Drawn pictures in the shape of a frame: leaves that lie on one another."""
    square = Frame(_SIDE, _SIDE)
    return tuple(cells_of(sketch, square, as_in=frame) for sketch in _all_leaves())


_LEAVES: Final = 400
_SIDE: Final = 96


@cache
def _all_leaves() -> tuple[bytes, ...]:
    return tuple(map(_leaves, range(DECOYS)))


def _leaves(number: int) -> bytes:
    label = f"lightkeeper decoy {number}".encode()
    random = np.frombuffer(hashlib.shake_256(label).digest(_LEAVES * 8), "<u2") / 65535
    rows, columns = np.mgrid[:_SIDE, :_SIDE]
    grey: NDArray[np.float64] = np.zeros((_SIDE, _SIDE))
    for across, down, size, shade in random.reshape(-1, 4):
        # Radii after an inverse cube, as the sizes of things in pictures are.
        radius = _SIDE / 2 / math.sqrt(1 + 250 * size)
        inside = (columns - across * _SIDE) ** 2 + (rows - down * _SIDE) ** 2 < radius**2
        grey[inside] = 255 * shade
    rgb = np.repeat(np.rint(grey).astype(np.uint8)[..., None], 3, axis=2)
    return draw_sketch(rgb)


def _pdq(
    rgb: NDArray[np.uint8], fingerprint: Fingerprint, matrix: NDArray[np.float64]
) -> tuple[int | None, int]:
    """Distance of the whole frame, turned upright, and the lesser quality."""
    shown = upright(rgb, matrix, fingerprint.frame)
    if shown is None:
        return None, 0
    own = pdq_of_rgb(np.ascontiguousarray(shown))
    distance = (int.from_bytes(own.bits) ^ int.from_bytes(fingerprint.pdq)).bit_count()
    return distance, min(own.quality, fingerprint.quality)


_WHOLE: Final = 1.5 / 48
"""Part of a side by which a whole frame may seem larger or smaller: a mark's scale is measured."""
_SKEW: Final = 0.02


def upright(
    rgb: NDArray[np.uint8], matrix: NDArray[np.float64], frame: Frame
) -> NDArray[np.uint8] | None:
    """The picture as it was marked, if it is mirrored or turned by right angles at most, and whole.

    Its scale stays; ``None`` for all else.
    """
    if not np.isfinite(matrix).all():
        return None
    swapped = abs(matrix[0, 1]) > abs(matrix[0, 0])
    shown = rgb.transpose(1, 0, 2) if swapped else rgb
    steps = matrix[::-1] if swapped else matrix
    across, down = float(steps[0, 0]), float(steps[1, 1])
    if min(abs(across), abs(down)) <= 0:
        return None
    if abs(steps[0, 1]) > _SKEW * abs(down) or abs(steps[1, 0]) > _SKEW * abs(across):
        return None
    shown = shown[:: 1 if down > 0 else -1, :: 1 if across > 0 else -1]
    sides = shown.shape[1] / abs(across) / frame.width, shown.shape[0] / abs(down) / frame.height
    return shown if all(abs(side - 1) <= _WHOLE for side in sides) else None


def _comparison(
    likeness: Likeness,
    distance: int | None,
    quality: int,
    place: Overlay,
    alike: float,
    choices: int,
    damage: float | None,
) -> Comparison:
    psnr = None if damage is None else 20 * math.log10(255 / max(damage, 0.255))
    return Comparison(
        likeness=likeness,
        pdq_distance=distance,
        pdq_quality=quality,
        agreement=round(place.agreement, 4),
        detail=round(place.detail, 4),
        cells=place.cells,
        agreeing=place.agreeing,
        parts=place.parts,
        alike=round(alike, 4),
        choices=choices,
        forged_psnr=None if psnr is None else round(psnr, 2),
    )
