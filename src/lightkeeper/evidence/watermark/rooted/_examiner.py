"""The examiner of an operator's own secret marks."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from lightkeeper.evidence._finding import Basis, Claim, Finding, Hypothesis, Tier
from lightkeeper.evidence.watermark.rooted._detect import RootedReading, detect
from lightkeeper.evidence.watermark.rooted._read import RootedReader
from lightkeeper.evidence.watermark.rooted._secret import MarkSecret

if TYPE_CHECKING:
    from pathlib import Path

    from lightkeeper.media import Media

_VERSION = "2"
_MOST_COPIED = 0.05
"""A mark that is copied more often than this is worth what a public one is."""


class RootedMarkExaminer:
    """Looks for marks that an operator rooted in its own decoders.

    Parameters
    ----------
    secret : MarkSecret
        Extractor and keys. They are kept in memory and told nowhere.
    alpha : float
        Chance per picture of a finding where there is no mark, over all looks and keys.
    """

    name = "rooted-marks"
    version = _VERSION
    tier = Tier.MODEL

    def __init__(self, secret: MarkSecret, *, alpha: float = 1e-6) -> None:
        self._secret = secret
        self._alpha = alpha
        self._reader = RootedReader(secret.extractor)

    @classmethod
    def from_file(cls, path: Path, passphrase: bytes, *, alpha: float = 1e-6) -> RootedMarkExaminer:
        """From an encrypted secret file.

        Raises
        ------
        InvalidConfiguration
            It does not open.
        """
        return cls(MarkSecret.open(path, passphrase), alpha=alpha)

    def unavailable(self) -> str | None:
        """Why it cannot run here, or ``None``."""
        if importlib.util.find_spec("onnxruntime") is None:
            return "rooted marks need the extra 'detect'"
        if not self._secret.keys:
            return "the secret file holds no key"
        return None

    def examine(self, media: Media) -> tuple[Finding, ...]:
        """One finding per key whose mark is present.

        Raises
        ------
        EvidenceError
            The network cannot be run.
        """
        looks = self._reader.search(media.raster().rgb, self._secret.keys)
        readings = detect(looks, self._secret.keys, alpha=self._alpha)
        return tuple(self._finding(reading) for reading in readings if reading.present)

    def _finding(self, reading: RootedReading) -> Finding:
        limits = ["holder-of-the-key-could-have-marked"]
        copied = self._secret.copied
        proof = copied is not None and copied <= _MOST_COPIED and not self._secret.demonstration
        if self._secret.demonstration:
            limits.append("extractor-is-published")
        if copied is None or copied > _MOST_COPIED:
            limits.append("mark-can-be-copied")
        if not reading.null_size:
            limits.append("key-is-not-calibrated")
        return Finding(
            claim=Claim.CARRIES_MARK,
            basis=Basis.SECRET_MARK if proof else Basis.PUBLIC_MARK,
            summary=f"Carries the rooted mark '{reading.label}' of {self._secret.name}.",
            examiner=self.name,
            version=self.version,
            source="pixels:spectrum",
            supports=Hypothesis.GENERATED,
            p_value=reading.p_value,
            tests=reading.tests,
            null_size=reading.null_size or None,
            limits=tuple(limits),
        )
