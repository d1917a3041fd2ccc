"""Examiners for public marks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.evidence._finding import Basis, Claim, Finding, Hypothesis, Tier
from lightkeeper.evidence.watermark._calibration import EmpiricalNull, shipped_null
from lightkeeper.evidence.watermark._crop import read_cropped
from lightkeeper.evidence.watermark._marks import PUBLIC_MARKS, Mark, Method, load_marks
from lightkeeper.evidence.watermark._read import read_marks
from lightkeeper.evidence.watermark._reading import AS_STORED, MarkReading

if TYPE_CHECKING:
    from pathlib import Path

    from lightkeeper.media import Media

_VERSION = "2"


class PublicMarkExaminer:
    """Looks for public marks on the grid of the stored pixels.

    Parameters
    ----------
    marks : Path, optional
        An operator's own marks (TOML), tested beside the published ones.
    alpha : float
        Chance per picture of a finding where there is no mark, over all tests.

    Raises
    ------
    InvalidConfiguration
        The file of marks is wrong.
    """

    name = "public-marks"
    version = _VERSION
    tier = Tier.PIXELS
    _rescaled = False

    def __init__(self, *, marks: Path | None = None, alpha: float = 1e-6) -> None:
        self.marks: tuple[Mark, ...] = (*PUBLIC_MARKS, *(load_marks(marks) if marks else ()))
        self.alpha = alpha

    @staticmethod
    def cropped(*, marks: Path | None = None, alpha: float = 1e-6) -> CroppedMarkExaminer:
        """The examiner of crops and of mirrored, flipped and turned pictures."""
        return CroppedMarkExaminer(marks=marks, alpha=alpha)

    def unavailable(self) -> str | None:
        """Why it cannot run here: it always can."""
        return None

    def examine(self, media: Media) -> tuple[Finding, ...]:
        """One finding per mark that is present."""
        readings = read_marks(media, marks=self.marks, alpha=self.alpha, rescaled=self._rescaled)
        marks = {mark.id: mark for mark in self.marks}
        return tuple(
            mark_finding(reading, marks[reading.mark], examiner=self.name, version=self.version)
            for reading in readings
            if reading.present and (reading.scale != AS_STORED or not self._rescaled)
        )


class RescaledMarkExaminer(PublicMarkExaminer):
    """Looks for public marks in copies at sizes that generators produce.

    A resized picture loses the grid of its mark. Every copy is counted as further tests; marks on
    the stored grid are left to :class:`PublicMarkExaminer`.
    """

    name = "rescaled-marks"
    tier = Tier.DEEP
    _rescaled = True


class CroppedMarkExaminer(PublicMarkExaminer):
    """Looks for public marks in crops, and in mirrored, flipped and turned pictures.

    At the stored size, dwtDct only, and one mark at most; not where a mark is on the stored grid.
    """

    name = "cropped-marks"
    tier = Tier.DEEP

    def examine(self, media: Media) -> tuple[Finding, ...]:
        """The strongest mark, if any."""
        stored = read_marks(media, marks=self.marks, alpha=self.alpha)
        if any(reading.present for reading in stored):
            return ()
        reading = read_cropped(media, marks=self.marks, alpha=self.alpha)
        if reading is None:
            return ()
        mark = next(mark for mark in self.marks if mark.id == reading.mark)
        null = shipped_null("cropped")
        return (mark_finding(reading, mark, examiner=self.name, version=self.version, null=null),)


def mark_finding(
    reading: MarkReading,
    mark: Mark,
    *,
    examiner: str,
    version: str,
    null: EmpiricalNull | None = None,
) -> Finding:
    """Say that a picture carries a mark, and no more than that."""
    if null is None and reading.method != Method.RIVA_GAN:
        null = shipped_null()
    limits = ["key-is-public"]
    if mark.also_on_human_art:
        limits.append("also-on-human-art")
    if null is None:
        limits.append("not-calibrated-per-key")
    place = "" if reading.scale == AS_STORED else f", read at {reading.scale}"
    return Finding(
        claim=Claim.CARRIES_MARK,
        basis=Basis.PUBLIC_MARK,
        summary=f"Carries the public mark '{mark.id}' ({mark.description}){place}.",
        examiner=examiner,
        version=version,
        source="pixels:u-plane",
        supports=None if mark.also_on_human_art else Hypothesis.GENERATED,
        p_value=reading.p_value,
        tests=reading.tests,
        null_size=null.pictures if null else None,
        calibration=null.id if null else None,
        details=reading,
        limits=tuple(limits),
    )
