"""Lets registered autoencoders point at the part of a picture that came through them."""

from __future__ import annotations

import importlib.util
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.evidence._finding import Basis, Claim, Details, Finding, Tier
from lightkeeper.evidence.detectors.reconstruction import Abstention
from lightkeeper.evidence.detectors.regions._fills import filled_map
from lightkeeper.evidence.detectors.regions._fuse import fuse
from lightkeeper.evidence.detectors.regions._model_free import model_free_maps
from lightkeeper.evidence.detectors.regions._null import RegionNull, read_region_null
from lightkeeper.evidence.detectors.regions._overlay import Overlay, overlay
from lightkeeper.evidence.detectors.regions._reconstruction import reconstruction_map
from lightkeeper.evidence.detectors.regions._region import Region, strongest_region

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lightkeeper.evidence.detectors.reconstruction import Registered
    from lightkeeper.media import Media

SOURCE = "pixels:decoder-grid"
LIMITS = (
    "through-this-decoder-only",
    "re-encoding-destroys",
    "a-lead-a-person-looks",
)
_WHOLE = 0.8


@dataclass(frozen=True, slots=True)
class EditedRegion(Details):
    """A part of a picture that bears a decoder's grid while the rest does not."""

    autoencoder: str
    fingerprint: str
    region: Region
    phase: tuple[int, int]
    overlay: Overlay
    """The fused map: no content of the picture."""


class EditedRegionExaminer:
    """Looks for a part that came through a registered autoencoder.

    Parameters
    ----------
    registered : sequence of Registered
        Only those whose map has a null speak.
    alpha : float
        Chance per picture of a finding where there is no grid, over all tests.

    Raises
    ------
    InvalidConfiguration
        A null is wrong; none is passed over.
    """

    name = "edited-regions"
    tier = Tier.DEEP

    def __init__(self, registered: Sequence[Registered], *, alpha: float = 0.01) -> None:
        self._registered = len(registered)
        self._calibrated = tuple(
            (each.autoencoder, read_region_null(each.map_null, each.autoencoder.fingerprint))
            for each in registered
            if each.map_null
        )
        self._alpha = alpha

    @property
    def version(self) -> str:
        """Changes with the weights and with their nulls."""
        known = [f"{a.fingerprint[:12]}/{null.id[:12]}" for a, null in self._calibrated]
        return " ".join(["3", *known])

    def unavailable(self) -> str | None:
        """Why it cannot run here, or ``None``."""
        if not self._registered:
            return "no autoencoder is registered (autoencoders in [detectors])"
        if not self._calibrated:
            return "no registered autoencoder has a map_null (lightkeeper detector calibrate --map)"
        needed = math.ceil(len(self._calibrated) / self._alpha) - 1
        if all(null.size < needed for _, null in self._calibrated):
            return f"the map's nulls are too small: {needed} pictures each are the least"
        if importlib.util.find_spec("onnxruntime") is None:
            return "edited regions need the extra 'detect' (onnxruntime)"
        return None

    def examine(self, media: Media) -> tuple[Finding, ...]:
        """One finding per autoencoder that a part, but not the whole, of the picture came through.

        Raises
        ------
        MediaError, EvidenceError
        """
        rgb = media.raster().rgb
        findings = []
        for autoencoder, null in self._calibrated:
            found = reconstruction_map(autoencoder, rgb, window=null.window)
            if isinstance(found, Abstention):
                continue
            region = strongest_region(found)
            # The null of other pictures, because JPEG's grid and clipped shadows break the
            # picture's own; the picture's own, because a small null must not be all there is.
            chance = max(region.p_value, null.bound(region.surprise))
            p_value = min(1.0, chance * len(self._calibrated))
            if p_value > self._alpha or region.share > _WHOLE:
                continue
            fused = fuse(model_free_maps(rgb, window=null.window), {"": found})
            fused += filled_map(rgb)
            details = EditedRegion(
                autoencoder.name, autoencoder.fingerprint, region, found.phase, overlay(fused)
            )
            tests = found.tests * len(self._calibrated)
            findings.append(self._finding(details, null, p_value, tests))
        return tuple(findings)

    def _finding(
        self, details: EditedRegion, null: RegionNull, p_value: float, tests: int
    ) -> Finding:
        region = details.region
        return Finding(
            claim=Claim.REGION_EDITED,
            basis=Basis.MEASURED,
            summary=(
                f"A part of the picture ({region.width} by {region.height} pixels at row "
                f"{region.top}, column {region.left}) bears the grid of the decoder "
                f"{details.autoencoder}; the rest does not."
            ),
            examiner=self.name,
            version=self.version,
            source=SOURCE,
            p_value=p_value,
            tests=tests,
            null_size=null.size,
            calibration=null.id,
            details=details,
            limits=LIMITS,
        )
