"""What one examiner saw: never more than was observed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lightkeeper.media import Media


class Tier(IntEnum):
    """Cost class of an examiner; a scan stops at the tier that its policy allows."""

    BYTES = 0
    PIXELS = 1
    MODEL = 2
    DEEP = 3


class Claim(StrEnum):
    """What a finding says was observed."""

    GENERATED = "generated"
    AI_EDITED = "ai-edited"
    CAPTURED = "captured"
    CARRIES_MARK = "carries-mark"
    PARAMETERS = "parameters"
    MODEL_REFERENCE = "model-reference"
    PROVENANCE = "provenance"
    EDITED = "edited"
    STRIPPED = "stripped"
    CONTRADICTION = "contradiction"
    DAMAGED = "damaged"
    KNOWN_MATERIAL = "known-material"
    KNOWN_BENIGN = "known-benign"
    DETECTOR_SCORE = "detector-score"
    REGION_EDITED = "region-edited"


class Basis(StrEnum):
    """Who could have forged it, from weakest to strongest."""

    ASSERTED = "asserted"
    PUBLIC_MARK = "public-mark"
    MEASURED = "measured"
    SIGNED = "signed"
    SECRET_MARK = "secret-mark"
    KNOWN = "known"
    HUMAN = "human"


class Hypothesis(StrEnum):
    """An answer to the question of origin that a finding can support."""

    GENERATED = "generated"
    AI_EDITED = "ai-edited"
    CAPTURED = "captured"


class Details:
    """Base of the typed details of findings; every subclass is a frozen dataclass."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One observation about one file.

    Parameters
    ----------
    claim, basis
        What was seen, and how hard it would be to forge.
    summary : str
        One sentence for a person, without verdict.
    examiner, version : str
        Who saw it.
    source : str
        The physical place the observation rests on (``exif``, ``png:tEXt:parameters``,
        ``c2pa``, ``pixels:u-plane`` …). Findings that share a source are one piece of evidence
        and are never counted twice.
    supports : Hypothesis, optional
        The answer that it speaks for, if any.
    log10_lr : float, optional
        Calibrated likelihood ratio for ``supports``; ``None`` where no calibration exists.
    p_value : float, optional
        Chance of a statistic at least this large on an unmarked picture, after correction for
        ``tests``.
    tests : int, optional
        Number of tests that the correction counted.
    null_size : int, optional
        Pictures in the empirical null sample behind ``p_value``.
    calibration : str, optional
        Identifier of the calibration.
    details : Details, optional
        Typed particulars.
    limits : tuple of str
        Codes of what it does not prove (``anyone-can-write``, ``key-is-public`` …).
    conflict : str, optional
        Code of the disagreement inside the file that this finding reports.
    """

    claim: Claim
    basis: Basis
    summary: str
    examiner: str
    version: str
    source: str
    supports: Hypothesis | None = None
    log10_lr: float | None = None
    p_value: float | None = None
    tests: int | None = None
    null_size: int | None = None
    calibration: str | None = None
    details: Details | None = None
    limits: tuple[str, ...] = ()
    conflict: str | None = None


@dataclass(frozen=True, slots=True)
class NotExamined:
    """An examiner that did not look, or not everywhere, and why (one sentence)."""

    examiner: str
    reason: str


@runtime_checkable
class Examiner(Protocol):
    """Looks at one medium and reports what it saw; never judges."""

    @property
    def name(self) -> str:
        """Stable name, such as ``metadata``."""

    @property
    def version(self) -> str:
        """Changes whenever the same file could give other findings."""

    @property
    def tier(self) -> Tier:
        """Cost class."""

    def unavailable(self) -> str | None:
        """Why it cannot run here (one sentence naming the extra), or ``None``."""

    def examine(self, media: Media) -> Sequence[Finding | NotExamined]:
        """Findings about this medium, in a stable order, and what was not looked at in it.

        A ``NotExamined`` says why this medium gave no answer: too small, too compressed, a search
        that belongs to a later tier. Silence means that it looked and saw nothing.

        Raises
        ------
        MediaError, EvidenceError
        """
