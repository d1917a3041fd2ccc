"""What a scan says about a decoder's grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.evidence._finding import Basis, Claim, Details, Finding

if TYPE_CHECKING:
    from lightkeeper.evidence.detectors.reconstruction._autoencoder import Autoencoder
    from lightkeeper.evidence.detectors.reconstruction._composite import GridPart
    from lightkeeper.evidence.detectors.reconstruction._null import Null
    from lightkeeper.evidence.detectors.reconstruction._search import PhaseReading

SOURCE = "pixels:decoder-grid"
LIMITS = ("through-this-decoder-only", "other-decoders-grid-too", "edits-and-upscalers-too")


@dataclass(frozen=True, slots=True)
class DecoderGrid(Details):
    """A decoder's grid, seen in a picture."""

    autoencoder: str
    fingerprint: str
    licence: str
    grid: int
    phase: tuple[int, int] | None
    """Row and column where the grid begins; other than (0, 0), the picture was cropped since.

    ``None`` in the quick form, which finds it modulo four only, and in a resized picture.
    """
    scale: float
    contrast: float
    within_picture_p: float
    agreeing_patches: int
    patches: int
    parts: tuple[GridPart, ...] = ()
    """Parts whose grids begin apart, as in a composite of two pictures; none where there is one."""


def finding(
    autoencoder: Autoencoder,
    null: Null,
    reading: PhaseReading,
    *,
    parts: tuple[GridPart, ...],
    p_value: float,
    tests: int,
    examiner: tuple[str, str],
) -> Finding:
    """The finding of one autoencoder; ``examiner`` is a name and a version."""
    # Once enlarged, a picture has its grid rarely where it is measured.
    known = reading.exact and reading.scale == 1
    phase = (reading.phase.y, reading.phase.x) if known else None
    two = " Another part bears it at another phase: it may be put together." if parts else ""
    where = f", beginning at row {phase[0]}, column {phase[1]}" if phase else ""
    return Finding(
        claim=Claim.DETECTOR_SCORE,
        basis=Basis.MEASURED,
        summary=(
            f"The picture bears the grid of the decoder {autoencoder.name}{where}; "
            f"{reading.agreeing} of {reading.patches} patches agree.{two}"
        ),
        examiner=examiner[0],
        version=examiner[1],
        source=SOURCE,
        p_value=p_value,
        tests=tests * reading.tests,
        null_size=null.size,
        calibration=null.id,
        details=DecoderGrid(
            autoencoder.name,
            autoencoder.fingerprint,
            autoencoder.licence,
            autoencoder.grid,
            phase,
            reading.scale,
            reading.contrast,
            reading.p_value,
            reading.agreeing,
            reading.patches,
            parts,
        ),
        limits=LIMITS,
    )
