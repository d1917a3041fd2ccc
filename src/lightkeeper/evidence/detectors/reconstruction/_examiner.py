"""Lets registered autoencoders take part in a scan."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.evidence._finding import Basis, Claim, Details, Finding, Tier
from lightkeeper.evidence.detectors.reconstruction._null import STATISTIC, Null
from lightkeeper.evidence.detectors.reconstruction._registry import Registered, read_autoencoder
from lightkeeper.evidence.detectors.reconstruction._search import (
    FULL,
    PLAIN_CONTRAST,
    QUICK,
    PhaseReading,
    read_scales,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lightkeeper.evidence.detectors.reconstruction._autoencoder import Autoencoder
    from lightkeeper.media import Media

SOURCE = "pixels:decoder-grid"
MODEL_SECONDS = 0.1
"""CPU seconds per picture above which an autoencoder is left to the deep tier."""
OWN_SHARE = 0.4
OWN_SHARE_DEEP = 0.25
"""Part of the decoder's own contrast under which a grid is not called that decoder's."""
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


class ReconstructionExaminer:
    """Looks for the grid of each registered autoencoder.

    Parameters
    ----------
    registered : sequence of Registered
        Autoencoders, with their nulls where they have one.
    deep : bool
        Larger patches, the exact phase and several scales, at the tier ``DEEP``.
    alpha : float
        Chance per picture of a finding where there is no grid, over all tests.
    """

    def __init__(
        self,
        registered: Sequence[Registered],
        *,
        deep: bool = False,
        alpha: float = 0.01,
    ) -> None:
        self._registered = tuple(registered)
        self._deep = deep
        self._form = FULL if deep else QUICK
        self._alpha = alpha

    @classmethod
    def from_files(cls, entries: Sequence[Path], *, deep: bool = False) -> ReconstructionExaminer:
        """Read registry entries.

        Raises
        ------
        InvalidConfiguration
            An entry is wrong; none is passed over.
        """
        return cls([read_autoencoder(path) for path in entries], deep=deep)

    @property
    def name(self) -> str:
        """``reconstruction``, or ``reconstruction-deep``."""
        return "reconstruction-deep" if self._deep else "reconstruction"

    @property
    def tier(self) -> Tier:
        """``MODEL``, or ``DEEP`` for the full form."""
        return Tier.DEEP if self._deep else Tier.MODEL

    @property
    def version(self) -> str:
        """Changes with the weights and with their nulls."""
        known = [
            f"{each.autoencoder.fingerprint[:12]}/{null.id[:12] if (null := each.null) else '-'}"
            for each in self._registered
        ]
        return " ".join(["2", *known])

    def unavailable(self) -> str | None:
        """Why it cannot run here, or ``None``."""
        if not self._registered:
            return "no autoencoder is registered (autoencoders in [detectors])"
        if not self._calibrated:
            return self._uncalibrated()
        if importlib.util.find_spec("onnxruntime") is None:
            return "reconstruction needs the extra 'detect' (onnxruntime)"
        return None

    def examine(self, media: Media) -> tuple[Finding, ...]:
        """One finding per autoencoder whose grid is there; none where a picture gives no say.

        Raises
        ------
        MediaError, EvidenceError
        """
        rgb = media.raster().rgb
        seen = []
        for autoencoder, null in self._calibrated:
            reading = read_scales(autoencoder, rgb, self._form)
            if isinstance(reading, PhaseReading):
                seen.append((autoencoder, null, reading))
        strongest = max((reading.contrast for _, _, reading in seen), default=0.0)
        findings = []
        for autoencoder, null, reading in seen:
            # Less than half of what another one shows is that one's grid, seen from outside.
            if reading.contrast < max(PLAIN_CONTRAST, strongest / 2):
                continue
            # JPEG has a grid too: chance within the picture alone would claim too much.
            chance = null.bound(reading.contrast)
            if self._deep:
                # The four patches of the quick form cannot agree beyond chance.
                chance = max(chance, reading.p_value)
            # Another decoder's grid shows faintly; so does this one's once a picture was resized.
            share = OWN_SHARE_DEEP if self._deep else OWN_SHARE
            if reading.scale == 1 and reading.contrast < share * null.own:
                continue
            p_value = min(1.0, chance * len(self._calibrated))
            if p_value <= self._alpha:
                findings.append(self._finding(autoencoder, null, reading, p_value))
        return tuple(findings)

    def _finding(
        self, autoencoder: Autoencoder, null: Null, reading: PhaseReading, p_value: float
    ) -> Finding:
        # Once enlarged, a picture has its grid rarely where it is measured.
        known = reading.exact and reading.scale == 1
        phase = (reading.phase.y, reading.phase.x) if known else None
        where = f", beginning at row {phase[0]}, column {phase[1]}" if phase else ""
        return Finding(
            claim=Claim.DETECTOR_SCORE,
            basis=Basis.MEASURED,
            summary=(
                f"The picture bears the grid of the decoder {autoencoder.name}{where}; "
                f"{reading.agreeing} of {reading.patches} patches agree."
            ),
            examiner=self.name,
            version=self.version,
            source=SOURCE,
            p_value=p_value,
            tests=len(self._calibrated) * reading.tests,
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
            ),
            limits=LIMITS,
        )

    def _uncalibrated(self) -> str:
        nulls = [each.null for each in self._registered if each.null]
        slow = [n for n in nulls if n.form == self._form.name and n.seconds > MODEL_SECONDS]
        if slow and not self._deep:
            return f"every registered autoencoder needs over {MODEL_SECONDS} s: the tier deep"
        return "no registered autoencoder has a null (lightkeeper detector calibrate)"

    @property
    def _calibrated(self) -> tuple[tuple[Autoencoder, Null], ...]:
        # A null measured in another way bounds nothing here.
        how = (STATISTIC, self._form.name, self._form.scales)
        return tuple(
            (each.autoencoder, null)
            for each in self._registered
            if (null := each.null) and (null.statistic, null.form, null.scales) == how
            if self._deep or null.seconds <= MODEL_SECONDS
        )
