"""Lets registered autoencoders point at the part of a picture that came through them."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.evidence._finding import Basis, Claim, Details, Finding, Tier
from lightkeeper.evidence.detectors.reconstruction import Abstention
from lightkeeper.evidence.detectors.regions._fuse import fuse
from lightkeeper.evidence.detectors.regions._model_free import model_free_maps
from lightkeeper.evidence.detectors.regions._overlay import Overlay, overlay
from lightkeeper.evidence.detectors.regions._reconstruction import reconstruction_map
from lightkeeper.evidence.detectors.regions._region import Region, strongest_region

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lightkeeper.evidence.detectors.reconstruction import Autoencoder, Registered
    from lightkeeper.media import Media

SOURCE = "pixels:decoder-grid"
LIMITS = (
    "through-this-decoder-only",
    "re-encoding-destroys",
    "within-picture-null-only",
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
    alpha : float
        Chance per picture of a finding where there is no grid, over all tests.
    """

    name = "edited-regions"
    tier = Tier.DEEP

    def __init__(
        self, registered: Sequence[Registered], *, alpha: float = 1e-3, window: int = 64
    ) -> None:
        self._registered = tuple(registered)
        self._alpha = alpha
        self._window = window

    @property
    def version(self) -> str:
        """Changes with the weights."""
        return " ".join(["2", *(each.autoencoder.fingerprint[:12] for each in self._registered)])

    def unavailable(self) -> str | None:
        """Why it cannot run here, or ``None``."""
        if not self._registered:
            return "no autoencoder is registered (autoencoders in [detectors])"
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
        for registered in self._registered:
            found = reconstruction_map(registered.autoencoder, rgb, window=self._window)
            if isinstance(found, Abstention):
                continue
            region = strongest_region(found)
            p_value = min(1.0, region.p_value * len(self._registered))
            if p_value > self._alpha or region.share > _WHOLE:
                continue
            fused = fuse(model_free_maps(rgb, window=self._window), {"": found})
            details = EditedRegion(
                registered.autoencoder.name,
                registered.autoencoder.fingerprint,
                region,
                found.phase,
                overlay(fused),
            )
            tests = found.tests * len(self._registered)
            findings.append(self._finding(registered.autoencoder, details, p_value, tests))
        return tuple(findings)

    def _finding(
        self, autoencoder: Autoencoder, details: EditedRegion, p_value: float, tests: int
    ) -> Finding:
        region = details.region
        return Finding(
            claim=Claim.REGION_EDITED,
            basis=Basis.MEASURED,
            summary=(
                f"A part of the picture ({region.width} by {region.height} pixels at row "
                f"{region.top}, column {region.left}) bears the grid of the decoder "
                f"{autoencoder.name}; the rest does not."
            ),
            examiner=self.name,
            version=self.version,
            source=SOURCE,
            p_value=p_value,
            tests=tests,
            details=details,
            limits=LIMITS,
        )
