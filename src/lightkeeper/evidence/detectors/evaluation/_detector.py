"""What the protocol needs of a detector, and what a detector was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Detector(Protocol):
    """Anything that gives one number per picture; a larger one speaks for generation."""

    @property
    def name(self) -> str:
        """Stable name."""

    @property
    def version(self) -> str:
        """Version for people."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all that can change a score: weights, preprocessing, code."""

    def score(self, rgb: NDArray[np.uint8]) -> float | None:
        """Score one picture of shape (H, W, 3), or ``None`` to abstain.

        Raises
        ------
        EvidenceError
            It failed on this picture; the evaluation goes on and counts it.
        """


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """Sources and generators that a detector has seen; they are left out of every measurement.

    Nobody can check this. ``declared`` is false where nothing was said: such scores never weigh.
    """

    declared: bool = False
    sources: tuple[str, ...] = ()
    generators: tuple[str, ...] = ()
