"""The examiners of the open mark: a quick look in the tier of pixels, and the search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.evidence._finding import Basis, Claim, Finding, Hypothesis, Tier
from lightkeeper.evidence.watermark.lattice._null import shipped_null

if TYPE_CHECKING:
    from lightkeeper.evidence.watermark.lattice._reading import LatticeReading
    from lightkeeper.media import Media


class OpenMarkExaminer:
    """Looks for the open mark at the size at which it was written, in the upright picture.

    Turned, resized and bent copies, and small marked parts of a large picture, are left to
    :class:`OpenMarkSearchExaminer`.

    Parameters
    ----------
    alpha : float
        Chance per picture of a finding where there is no mark.
    """

    name = "open-mark"
    version = "2"
    tier = Tier.PIXELS

    def __init__(self, *, alpha: float = 1e-6) -> None:
        self.alpha = alpha

    def unavailable(self) -> str | None:
        """Why it cannot run here: it always can."""
        return None

    def examine(self, media: Media) -> tuple[Finding, ...]:
        """One finding for each payload that was read."""
        from lightkeeper.evidence.watermark.lattice._read import read_at_own_size

        readings = read_at_own_size(media.rgb(), alpha=self.alpha)
        return tuple(_finding(reading, self, len(readings)) for reading in readings)


class OpenMarkSearchExaminer:
    """Searches for the open mark on every lattice, whatever happened to the picture since.

    Parameters
    ----------
    alpha : float
        Chance per picture of a finding where there is no mark.
    beside : bool
        :class:`OpenMarkExaminer` looks too, with the same ``alpha``: what it told is left out.
    """

    name = "open-mark-search"
    version = "1"
    tier = Tier.MODEL
    looks_for = "open marks in turned, resized or bent copies and in parts of a picture"

    def __init__(self, *, alpha: float = 1e-6, beside: bool = True) -> None:
        self.alpha = alpha
        self._beside = beside

    def unavailable(self) -> str | None:
        """Why it cannot run here: it always can."""
        return None

    def examine(self, media: Media) -> tuple[Finding, ...]:
        """One finding for each payload that was read and not told before."""
        from lightkeeper.evidence.watermark.lattice._read import read_all, read_at_own_size

        rgb = media.rgb()
        told = read_at_own_size(rgb, alpha=self.alpha) if self._beside else ()
        known = {reading.payload for reading in told}
        readings = read_all(rgb, alpha=self.alpha)
        return tuple(
            _finding(reading, self, len(readings))
            for reading in readings
            if reading.payload not in known
        )


def _finding(
    reading: LatticeReading, examiner: OpenMarkExaminer | OpenMarkSearchExaminer, marks: int
) -> Finding:
    null = shipped_null()
    beside = "" if marks == 1 else f", one of {marks} open marks"
    return Finding(
        claim=Claim.CARRIES_MARK,
        basis=Basis.PUBLIC_MARK,
        summary=f"Carries the open mark with the payload {reading.payload:012x}{beside}.",
        examiner=examiner.name,
        version=examiner.version,
        source="pixels:luma",
        supports=Hypothesis.GENERATED,
        p_value=reading.p_value,
        tests=reading.tests,
        null_size=null.pictures,
        calibration=null.id,
        details=reading,
        limits=("key-is-public", "one-picture-copies-it"),
    )
