"""The examiner of the open mark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.evidence._finding import Basis, Claim, Finding, Hypothesis, Tier
from lightkeeper.evidence.watermark.lattice._null import shipped_null
from lightkeeper.evidence.watermark.lattice._read import read_all

if TYPE_CHECKING:
    from lightkeeper.evidence.watermark.lattice._reading import LatticeReading
    from lightkeeper.media import Media


class OpenMarkExaminer:
    """Looks for the open mark in the upright picture.

    Parameters
    ----------
    alpha : float
        Chance per picture of a finding where there is no mark.
    """

    name = "open-mark"
    version = "1"
    tier = Tier.PIXELS

    def __init__(self, *, alpha: float = 1e-6) -> None:
        self.alpha = alpha

    def unavailable(self) -> str | None:
        """Why it cannot run here: it always can."""
        return None

    def examine(self, media: Media) -> tuple[Finding, ...]:
        """One finding for each payload that was read."""
        readings = read_all(media.rgb(), alpha=self.alpha)
        return tuple(_finding(reading, self, len(readings)) for reading in readings)


def _finding(reading: LatticeReading, examiner: OpenMarkExaminer, marks: int) -> Finding:
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
