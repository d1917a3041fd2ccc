"""Lets registered autoencoders take part in a scan."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from lightkeeper.evidence._finding import Finding, Tier
from lightkeeper.evidence.detectors.reconstruction._composite import grid_parts
from lightkeeper.evidence.detectors.reconstruction._finding import finding
from lightkeeper.evidence.detectors.reconstruction._form import FULL, PLAIN_CONTRAST, QUICK
from lightkeeper.evidence.detectors.reconstruction._null import Null, least_size
from lightkeeper.evidence.detectors.reconstruction._registry import Registered, read_autoencoder
from lightkeeper.evidence.detectors.reconstruction._search import PhaseReading, read_scales

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lightkeeper.evidence.detectors.reconstruction._autoencoder import Autoencoder
    from lightkeeper.evidence.detectors.reconstruction._composite import GridPart
    from lightkeeper.media import Media

MODEL_SECONDS = 0.1
"""CPU seconds per picture above which an autoencoder is left to the deep tier."""
OWN_SHARE = 0.6
OWN_SHARE_DEEP = 0.35
"""Part of the decoder's own contrast under which a grid is not called that decoder's."""


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
            f"{each.autoencoder.fingerprint[:12]}/{null.id[:12] if null else '-'}"
            for each in self._registered
            for null in (each.nulls.of(self._form),)
        ]
        return " ".join(["3", *known])

    def unavailable(self) -> str | None:
        """Why it cannot run here, or can never give a finding; ``None`` otherwise."""
        if not self._registered:
            return "no autoencoder is registered (autoencoders in [detectors])"
        if not self._calibrated:
            return self._uncalibrated()
        if len(self._too_small) == len(self._calibrated):
            return self._too_small[0]
        if importlib.util.find_spec("onnxruntime") is None:
            return "reconstruction needs the extra 'detect' (onnxruntime)"
        return None

    def cautions(self, max_seconds: float) -> tuple[str, ...]:
        """What an operator should know before a scan that gives a file so many seconds."""
        seconds = sum(null.most_seconds for _, null in self._calibrated)
        slow = (
            f"{self.name} took up to {seconds:.0f} CPU seconds for a picture where it was "
            f"calibrated, and a file may take {max_seconds:g} s: raise limits.max_seconds"
        )
        return (*self._too_small, *([slow] if seconds > max_seconds else []))

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
        found = []
        for autoencoder, null, reading in seen:
            chance = self._chance(null, reading, strongest)
            if chance * len(self._calibrated) > self._alpha:
                continue
            parts: tuple[GridPart, ...] = ()
            if reading.exact and reading.scale == 1:
                parts = grid_parts(autoencoder, rgb, reading.phase)
            # Two patches of the quick form cannot agree beyond chance, nor can two parts of a
            # picture, each with a phase of its own: there the null decides alone.
            if self._deep and not parts:
                chance = max(chance, reading.p_value)
            p_value = min(1.0, chance * len(self._calibrated))
            if p_value <= self._alpha:
                found.append(
                    finding(
                        autoencoder,
                        null,
                        reading,
                        parts=parts,
                        p_value=p_value,
                        tests=len(self._calibrated),
                        examiner=(self.name, self.version),
                    )
                )
        return tuple(found)

    def _chance(self, null: Null, reading: PhaseReading, strongest: float) -> float:
        """Chance of this contrast by the null; 1 where it may well be another decoder's."""
        # Less than half of what another one shows is that one's grid, seen from outside.
        if reading.contrast < max(PLAIN_CONTRAST, strongest / 2):
            return 1.0
        # Another decoder's grid shows faintly; so does this one's once a picture was resized.
        share = OWN_SHARE_DEEP if self._deep else OWN_SHARE
        if reading.scale == 1 and reading.contrast < share * null.own:
            return 1.0
        # JPEG has a grid too: chance within the picture alone would claim too much.
        return null.bound(reading.contrast)

    @property
    def _too_small(self) -> tuple[str, ...]:
        """The autoencoders whose nulls are too small for any finding, in words."""
        number = len(self._calibrated)
        least = least_size(self._alpha, number)
        among = f"; with {number} autoencoders" if number > 1 else ""
        return tuple(
            f"the null of {autoencoder.name} has {null.size:,} pictures{among}, a chance of "
            f"{self._alpha:g} needs {least:,} (lightkeeper detector calibrate)"
            for autoencoder, null in self._calibrated
            if null.size < least
        )

    def _uncalibrated(self) -> str:
        if any(each.nulls.of(self._form) for each in self._registered):
            return f"every registered autoencoder needs over {MODEL_SECONDS} s: the tier deep"
        return "no registered autoencoder has a null (lightkeeper detector calibrate)"

    @property
    def _calibrated(self) -> tuple[tuple[Autoencoder, Null], ...]:
        return tuple(
            (each.autoencoder, null)
            for each in self._registered
            if (null := each.nulls.of(self._form))
            if self._deep or null.seconds <= MODEL_SECONDS
        )
