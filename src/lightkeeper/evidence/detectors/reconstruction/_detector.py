"""Grid-phase contrast as one number, so that the protocol can measure it like any detector."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.evidence.detectors.reconstruction._form import FULL, Form
from lightkeeper.evidence.detectors.reconstruction._patches import Abstention
from lightkeeper.evidence.detectors.reconstruction._search import read_scales

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.reconstruction._autoencoder import Autoencoder


@dataclass(frozen=True, slots=True)
class GridDetector:
    """The contrast of one autoencoder's grid; no training, so there is nothing it has seen."""

    autoencoder: Autoencoder
    form: Form = FULL
    version: str = "3"

    @property
    def name(self) -> str:
        """``decoder-grid:`` and the autoencoder's name."""
        return f"decoder-grid:{self.autoencoder.name}"

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the weights' fingerprint and the form of the search."""
        parts = f"{self.version} {self.autoencoder.fingerprint} {self.form}"
        return hashlib.sha256(parts.encode()).hexdigest()

    def score(self, rgb: NDArray[np.uint8]) -> float | None:
        """Drop of the log fine error at the best phase; ``None`` where there is too little."""
        reading = read_scales(self.autoencoder, rgb, self.form)
        return None if isinstance(reading, Abstention) else reading.contrast
