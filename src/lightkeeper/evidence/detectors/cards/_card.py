"""What was measured of one detector, and what follows for what it may say."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

# Cards are read back by these types, so they are needed at run time.
from lightkeeper.evidence.detectors.cards._controls import Control, controls
from lightkeeper.evidence.detectors.evaluation import Measurements, Setup, TrainedOn, measure
from lightkeeper.evidence.detectors.evaluation._detector import Detector  # noqa: TC001
from lightkeeper.evidence.detectors.evaluation._evaluate import Run  # noqa: TC001
from lightkeeper.evidence.detectors.evaluation._scores import write_rows
from lightkeeper.plain import to_plain

SCHEMA = "lightkeeper.card/1"


@dataclass(frozen=True, slots=True)
class MaySay:
    """Whether a detector's scores may weigh, and every reason why not."""

    likelihood_ratio: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The measured record of one detector; made by :meth:`of`, read by ``load_card``."""

    schema: str
    name: str
    version: str
    fingerprint: str
    """SHA-256 of the detector that was measured; no other detector may use the card."""
    trained_on: TrainedOn
    setup: Setup
    data: str
    """SHA-256 over the content and labels of the pictures."""
    unreadable: int
    scores: str
    """SHA-256 of the file of scores beside the card."""
    measurements: Measurements
    controls: tuple[Control, ...]

    @classmethod
    def of(cls, detector: Detector, run: Run) -> Card:
        """Measure a run and write down the result."""
        measured = measure(run.rows, run.setup)
        return cls(
            schema=SCHEMA,
            name=detector.name,
            version=detector.version,
            fingerprint=detector.fingerprint,
            trained_on=run.trained_on,
            setup=run.setup,
            data=run.data,
            unreadable=run.unreadable,
            scores=hashlib.sha256(write_rows(run.rows)).hexdigest(),
            measurements=measured,
            controls=controls(measured, run.trained_on, run.setup),
        )

    @property
    def id(self) -> str:
        """SHA-256 over the canonical JSON: the calibration id of findings."""
        return _id(self)

    def may_say(self) -> MaySay:
        """Whether scores may weigh as likelihood ratios.

        Without that, a detector can give a ``detector-score`` and nothing that follows from it.
        """
        reasons = [f"{c.name}: {c.sentence}" for c in self.controls if not c.passed]
        if not any(band.log10_lr > 0 for band in self.measurements.bands):
            reasons.append("bands: no range of scores weighs anything")
        return MaySay(not reasons, tuple(reasons))

    def log10_lr(self, score: float) -> float | None:
        """Weight of a score for generation; ``None`` where it says nothing.

        A low score never speaks for a camera: it may be a generator that nobody has measured.
        The size of the null bounds the result.
        """
        if not self.may_say().likelihood_ratio:
            return None
        for band in reversed(self.measurements.bands):
            if score >= band.at_least:
                bounded = min(band.log10_lr, math.log10(max(1, self.measurements.null_size)))
                return bounded if bounded > 0 else None
        return None


def canonical(document: dict[str, Any]) -> bytes:
    """The one JSON text of a card: sorted keys, no spaces, UTF-8, no NaN."""
    return json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


@lru_cache(maxsize=32)
def _id(card: Card) -> str:
    return hashlib.sha256(canonical(to_plain(card))).hexdigest()
