"""Whether a picture that carries a mark is the one that the mark's entry is about."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np

from lightkeeper.evidence._finding import Details
from lightkeeper.evidence.watermark.registry._sketch import NOTHING, Overlay, lay_over
from lightkeeper.hashing import pdq_of_rgb

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightkeeper.evidence.watermark.registry._entry import Fingerprint

PDQ_BOUND_BITS: Final = 31
_LEAST_QUALITY: Final = 50
_SMALLEST_SIDE: Final = 5
Z_SAME: Final = 8.5
Z_OTHER: Final = 7.0
"""What copied marks reach at most is stated in ``docs/explanation/copied-marks.md``."""
LEAST_CELLS: Final = 250
"""Under this many cells of the copy, a low z says little: a true crop would not reach more."""


class Likeness(StrEnum):
    """What a comparison of fingerprints says."""

    MATCHES = "matches"
    DIFFERS = "does-not-match"
    CANNOT_TELL = "cannot-be-told"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Details):
    """A picture beside the fingerprint of an entry.

    ``pdq_distance`` is the least over the eight orientations. ``correlation``, ``cells`` and ``z``
    are those of the best place on the sketch.
    """

    likeness: Likeness
    pdq_distance: int
    pdq_quality: int
    correlation: float
    cells: int
    z: float


def compare(
    rgb: NDArray[np.uint8],
    fingerprint: Fingerprint,
    *,
    matrix: NDArray[np.float64] | None = None,
) -> Comparison:
    """Compare a picture with the fingerprint of a marked one.

    A PDQ within 31 bits in any orientation is a match. Otherwise the picture is turned back as the
    mark's own geometry says and laid over the sketch, wherever it fits best: so a crop, a rotation
    or a frame around it is no difference.

    Parameters
    ----------
    rgb : uint8, shape (H, W, 3)
    fingerprint : Fingerprint
    matrix : float64, shape (2, 2), optional
        Steps (x, y) in pixels of the marked picture to steps in pixels of this one, as read from
        the mark; as large as this one by default.

    Returns
    -------
    Comparison
        ``cannot-be-told`` for what is cropped to little, flat, or between the thresholds, which
        are measured in ``docs/explanation/mark-registry.md``.
    """
    if min(rgb.shape[:2]) < _SMALLEST_SIDE:
        return _comparison(Likeness.CANNOT_TELL, 256, 0, NOTHING)
    own = pdq_of_rgb(rgb)
    known = int.from_bytes(fingerprint.pdq)
    distance = min((int.from_bytes(h.bits) ^ known).bit_count() for h in own.dihedral())
    quality = min(own.quality, fingerprint.quality)
    if distance <= PDQ_BOUND_BITS and quality >= _LEAST_QUALITY:
        return _comparison(Likeness.MATCHES, distance, quality, NOTHING)
    step = np.eye(2) if matrix is None else np.asarray(matrix, np.float64)
    place = lay_over(rgb, step, fingerprint.sketch, fingerprint.frame)
    return _comparison(_judge(place), distance, quality, place)


def _judge(place: Overlay) -> Likeness:
    if place.z >= Z_SAME:
        return Likeness.MATCHES
    if place.z < Z_OTHER and place.available >= LEAST_CELLS:
        return Likeness.DIFFERS
    return Likeness.CANNOT_TELL


def _comparison(likeness: Likeness, distance: int, quality: int, place: Overlay) -> Comparison:
    return Comparison(
        likeness=likeness,
        pdq_distance=distance,
        pdq_quality=quality,
        correlation=round(place.correlation, 4),
        cells=place.cells,
        z=round(place.z, 2),
    )
