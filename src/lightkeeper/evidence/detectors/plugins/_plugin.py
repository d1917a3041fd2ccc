"""A plugged-in detector as the protocol and a scan see it."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from lightkeeper.evidence._finding import Basis, Claim, Details, Finding, Hypothesis, Tier
from lightkeeper.evidence.detectors.cards import Card, CardRefused, load_card
from lightkeeper.evidence.detectors.plugins._manifest import (
    Backend,
    Manifest,
    Role,
    read_manifest,
)
from lightkeeper.evidence.detectors.plugins._process import PluginProcess

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from lightkeeper.media import Media

_NEEDS: dict[Backend, tuple[tuple[str, str], ...]] = {
    Backend.ONNX: (("onnxruntime", "the extra 'detect' (onnxruntime)"),),
    Backend.TORCH_EXPORT: (("torch", "torch"),),
    Backend.PYTHON: (),
    Backend.TIMM: (("torch", "torch"), ("timm", "timm"), ("safetensors", "safetensors")),
    Backend.TRANSFORMERS: (("torch", "torch"), ("transformers", "transformers")),
}
SOURCE = "pixels:detector"
"""All detectors look at the same pixels: together they are one piece of evidence."""


class Plugin:
    """A detector that runs in a worker of its own; use as a context manager, or close it.

    Raises
    ------
    InvalidConfiguration
        The manifest is wrong.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest: Manifest = read_manifest(path)
        self._process = PluginProcess(
            path, fingerprint=self.fingerprint, seconds=self.manifest.limits.seconds
        )

    @property
    def name(self) -> str:
        """The manifest's id."""
        return self.manifest.id

    @property
    def version(self) -> str:
        """The manifest's version."""
        return self.manifest.version

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all that can change a score."""
        return self.manifest.fingerprint

    def unavailable(self) -> str | None:
        """Why it cannot run here, naming what to put or install, or ``None``."""
        for module, words in _NEEDS[self.manifest.backend]:
            if importlib.util.find_spec(module) is None:
                return f"the plug-in {self.name} needs {words}"
        for name in self.manifest.files:
            if not (self.path.parent / name).exists():
                return f"the plug-in {self.name} needs {name}, which is never fetched"
        return None

    def start(self) -> None:
        """Start its worker before the first picture: frameworks take seconds to load."""
        self._process.start()

    def score(self, rgb: NDArray[np.uint8]) -> float | None:
        """Score one picture of shape (H, W, 3); ``None`` where it is too small for a crop.

        Raises
        ------
        PluginFailure
        """
        return self._process.score(rgb)

    def card(self) -> Card | None:
        """Its card, computed again from the scores beside it; ``None`` where it has none.

        Raises
        ------
        CardRefused
            The card was altered, or is that of another detector.
        """
        if not self.manifest.card:
            return None
        card = load_card(self.path.parent / self.manifest.card).card
        if card.fingerprint != self.fingerprint:
            raise CardRefused("the card is that of another detector, or of other weights")
        return card

    def close(self) -> None:
        """End its worker."""
        self._process.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class DetectorScore(Details):
    """What a plugged-in detector said."""

    detector: str
    version: str
    licence: str
    role: Role
    score: float
    meaning: str
    card: str | None
    reasons: tuple[str, ...] = ()
    """Why the score carries no weight."""


class PluginExaminer:
    """Lets a plugged-in detector look at pictures; what it may say is up to its card.

    Raises
    ------
    CardRefused, InvalidConfiguration
        On making it: a card that was altered is refused, never passed over.
    """

    tier = Tier.DEEP

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self._card = plugin.card()

    @property
    def name(self) -> str:
        """``plugin:`` and the manifest's id."""
        return f"plugin:{self._plugin.name}"

    @property
    def version(self) -> str:
        """The detector's version and fingerprint, and its card."""
        plugin, card = self._plugin, self._card.id[:12] if self._card else "none"
        # The role decides what a score may mean; rows of the other one must not be kept.
        role = " routing" if plugin.manifest.role is Role.ROUTING else ""
        return f"{plugin.version} {plugin.fingerprint[:12]} card {card}{role}"

    def unavailable(self) -> str | None:
        """Why it cannot run here, or ``None``."""
        return self._plugin.unavailable()

    def examine(self, media: Media) -> tuple[Finding, ...]:
        """One finding with the score; none where the detector abstains.

        Raises
        ------
        MediaError, PluginFailure
        """
        score = self._plugin.score(media.rgb())
        return () if score is None else (self._finding(score),)

    def _finding(self, score: float) -> Finding:
        manifest, card = self._plugin.manifest, self._card
        routing = manifest.role is Role.ROUTING
        weight = card.log10_lr(score) if card and not routing else None
        return Finding(
            claim=Claim.DETECTOR_SCORE,
            basis=Basis.MEASURED,
            summary=_summary(manifest, score, weight),
            examiner=self.name,
            version=self.version,
            source=SOURCE,
            supports=Hypothesis.GENERATED if weight is not None else None,
            log10_lr=weight,
            null_size=card.measurements.null_size if card and weight is not None else None,
            calibration=card.id if card else None,
            details=DetectorScore(
                manifest.id,
                manifest.version,
                manifest.licence,
                manifest.role,
                score,
                manifest.score.meaning,
                card.id if card else None,
                card.may_say().reasons if card else (),
            ),
            limits=_limits(card, routing=routing),
        )


def _summary(manifest: Manifest, score: float, weight: float | None) -> str:
    what = "routing signal" if manifest.role is Role.ROUTING else "detector"
    words = "" if weight is not None else "; by itself this says nothing about origin"
    return f"The {what} {manifest.id} gave the score {score:.4g}{words}."


def _limits(card: Card | None, *, routing: bool) -> tuple[str, ...]:
    if routing:
        return ("routing-only",)
    if card is None:
        return ("no-card",)
    if not card.may_say().likelihood_ratio:
        return ("card-refuses",)
    return ("measured-generators-only",)
