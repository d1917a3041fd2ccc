"""What a person decided."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from lightkeeper.assessment import Classification


class Outcome(StrEnum):
    """What becomes of a case."""

    REPORT = "report"
    CLOSE = "close"
    """Nothing to report."""
    REFER = "refer"
    """For somebody else: legal, a partner, the police of another country."""


class Confidence(StrEnum):
    """How sure the person is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Artefact(StrEnum):
    """Traces of generation that a person may look for.

    References
    ----------
    .. [1] Thiel, Stroebe and Portnoff, "Generative ML and CSAM: Implications and Mitigations",
       2023, section 2.1.
    """

    SKIN_TEXTURE = "skin-texture"
    HANDS_AND_JOINTS = "hands-and-joints"
    SHADOWS = "shadows"
    WET_SURFACES = "wet-surfaces"
    JUMBLED_TEXT = "jumbled-text"
    EARS_AND_EYES = "ears-and-eyes"


class Seen(StrEnum):
    """A person's note on one artefact."""

    YES = "yes"
    NO = "no"
    CANNOT_TELL = "cannot-tell"


class FileAnnotation(StrEnum):
    """What a report may say of a file, in the CyberTipline's words."""

    ANIME_DRAWING_VIRTUAL_HENTAI = "animeDrawingVirtualHentai"
    POTENTIAL_MEME = "potentialMeme"
    VIRAL = "viral"
    POSSIBLE_SELF_PRODUCTION = "possibleSelfProduction"
    PHYSICAL_HARM = "physicalHarm"
    VIOLENCE_GORE = "violenceGore"
    BESTIALITY = "bestiality"
    LIVE_STREAMING = "liveStreaming"
    INFANT = "infant"
    GENERATIVE_AI = "generativeAi"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDecision:
    """A person's labels of one item. ``spread_from`` names the item that was really looked at."""

    item: str
    labels: Classification
    artefacts: dict[Artefact, Seen] = field(default_factory=dict)
    annotations: frozenset[FileAnnotation] = frozenset()
    spread_from: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One person's decision about a case. It is never changed: it is undone, and the trace stays.

    ``spread_from`` is the decision, of another case, whose labels reached this case's
    near-duplicates; ``second`` marks a blind second opinion.
    """

    id: str
    case: str
    person: str
    made: datetime
    outcome: Outcome
    confidence: Confidence
    items: tuple[ItemDecision, ...]
    comment: str = ""
    second: bool = False
    spread_from: str | None = None
    undone: datetime | None = None
    undone_by: str | None = None
    undone_because: str = ""

    @property
    def stands(self) -> bool:
        """Nobody has undone it."""
        return self.undone is None
