"""What a scan says about a decoder's grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.evidence._finding import Basis, Claim, Details, Finding, Hypothesis
from lightkeeper.evidence.detectors.reconstruction._patches import Abstention

if TYPE_CHECKING:
    from lightkeeper.evidence.detectors.cards import Card
    from lightkeeper.evidence.detectors.reconstruction._composite import GridPart
    from lightkeeper.evidence.detectors.reconstruction._rule import GridRule, Judged

SOURCE = "pixels:decoder-grid"
LIMITS = ("through-this-decoder-only", "other-decoders-grid-too", "edits-and-upscalers-too")
ABSTENTIONS = {
    Abstention.TOO_SMALL: "the picture is too small for its patches",
    Abstention.TOO_FLAT: "too little of the picture has texture",
    Abstention.TOO_COMPRESSED: "the picture is too strongly compressed, or blurred",
    Abstention.REPLICATED: "the picture was enlarged by repeating pixels, as pixel art is, and "
    "prefers a phase by itself",
    Abstention.PERIODIC: "the picture's content repeats, and prefers a phase by itself",
    Abstention.NO_NULL: "too few pictures of this kind were measured (lightkeeper detector "
    "calibrate)",
}
"""Why it was not looked for, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Rival:
    """Another registered decoder whose grid would have been found, had it stood alone."""

    autoencoder: str
    margin: float
    """How much better the decoder that is named explains the picture.

    At the native scale the log fine error of the other less its own: twice the logarithm of the
    likelihood ratio for one fine coefficient, if errors are Gaussian. Of a resized picture, the
    difference of the shares of what each expects.
    """


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
    excess: float | None = None
    """Log error of the first pass less that of the second: little where it came through this one.
    """
    share: float | None = None
    """Contrast over what this decoder's own pictures show at that excess."""
    rivals: tuple[Rival, ...] = ()
    card: str | None = None
    reasons: tuple[str, ...] = ()
    """Why the finding carries no weight."""


def finding(
    rule: GridRule,
    judged: Judged,
    card: Card | None,
    *,
    rivals: tuple[Rival, ...],
    examiner: tuple[str, str],
) -> Finding:
    """The finding of one autoencoder; ``examiner`` is a name and a version."""
    autoencoder, reading = rule.autoencoder, judged.reading
    # Once enlarged, a picture has its grid rarely where it is measured.
    known = reading.exact and reading.scale == 1
    phase = (reading.phase.y, reading.phase.x) if known else None
    two = " Another part bears it at another phase: it may be put together." if judged.parts else ""
    where = f", beginning at row {phase[0]}, column {phase[1]}" if phase else ""
    weight = rule.log10_lr(judged, card)
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
        supports=Hypothesis.GENERATED if weight is not None else None,
        log10_lr=weight,
        p_value=min(1.0, judged.chance * rule.among),
        tests=rule.among * judged.tests,
        null_size=judged.null_size,
        calibration=card.id if card else rule.null.id,
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
            judged.parts,
            round(reading.excess, 4),
            round(judged.share, 4),
            rivals,
            card.id if card else None,
            card.may_say().reasons if card else (),
        ),
        limits=(*LIMITS, *_unweighed(card)),
    )


def _unweighed(card: Card | None) -> tuple[str, ...]:
    if card is None:
        return ("no-card",)
    return () if card.may_say().likelihood_ratio else ("card-refuses",)
