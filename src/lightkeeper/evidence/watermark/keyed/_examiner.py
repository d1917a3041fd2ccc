"""The examiner of an owner's keyed marks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.evidence._finding import Basis, Claim, Finding, Hypothesis, Tier
from lightkeeper.evidence.watermark.keyed._pattern import KeyedPattern
from lightkeeper.evidence.watermark.keyed._read import KeyedReading, read_keyed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lightkeeper.evidence.watermark.rooted._secret import LatticeKey
    from lightkeeper.media import Media


class KeyedMarkExaminer:
    """Looks for the keyed marks of an owner.

    Parameters
    ----------
    keys : sequence of LatticeKey
        They are kept in memory and told nowhere.
    alpha : float
        Chance per picture of a finding where there is no mark, over all keys.
    """

    name = "keyed-marks"
    version = "1"
    tier = Tier.MODEL

    def __init__(self, keys: Sequence[LatticeKey], *, alpha: float = 1e-6) -> None:
        self._labels = tuple(key.label for key in keys)
        self._patterns = tuple(KeyedPattern.of(key.key) for key in keys)
        self._alpha = alpha

    def unavailable(self) -> str | None:
        """Why it cannot run here: it always can."""
        return None

    def examine(self, media: Media) -> tuple[Finding, ...]:
        """One finding for each key whose mark is present."""
        readings = read_keyed(media.rgb(), self._patterns, alpha=self._alpha)
        pairs = zip(self._labels, readings, strict=True)
        return tuple(self._finding(label, found) for label, found in pairs if found is not None)

    def _finding(self, label: str, reading: KeyedReading) -> Finding:
        told = "" if reading.payload is None else f" with the payload {reading.payload:012x}"
        return Finding(
            claim=Claim.CARRIES_MARK,
            basis=Basis.PUBLIC_MARK,
            summary=f"Carries the keyed mark '{label}'{told}.",
            examiner=self.name,
            version=self.version,
            source="pixels:luma",
            supports=Hypothesis.GENERATED,
            p_value=reading.p_value,
            tests=reading.tests,
            details=reading,
            limits=(
                "holder-of-the-key-could-have-marked",
                "mark-can-be-copied",
                "pairs-break-the-key",
            ),
        )
