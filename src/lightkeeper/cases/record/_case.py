"""The shape of a case."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final


class Arising(StrEnum):
    """Where the material arose. They differ in law and urgency and are never counted together."""

    UPLOADED = "uploaded"
    GENERATED_OUTPUT = "generated-output"
    TRAINING_DATA_FIND = "training-data-find"
    PROMPT_ONLY = "prompt-only"
    MODEL_FILE = "model-file"


class Intake(StrEnum):
    """How a case came in."""

    API = "api"
    FOLDER = "folder"
    SCAN = "scan"
    USER_REPORT = "user-report"
    PARTNER = "partner"


class SubjectKind(StrEnum):
    """What a case is about."""

    USER = "user"
    PROMPT = "prompt"
    MODEL = "model"
    DATA_SET = "data-set"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom or what a case is about; ``identifier`` is the operator's own name for it."""

    kind: SubjectKind
    identifier: str
    details: dict[str, str] = field(default_factory=dict)
    """What a report may say of it: ``screen-name``, ``email``, ``profile-url``, ``ip`` …"""


class Signal(StrEnum):
    """What whoever opened the case, or a reviewer, says of its urgency."""

    IMMINENT_HARM = "imminent-harm"
    LIVE = "live"
    SEXTORTION = "sextortion"
    IDENTIFIED_CHILD = "identified-child"
    POSSIBLE_REAL_CHILD = "possible-real-child"


class CaseState(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    SECOND_OPINION = "second-opinion"
    """One person has decided; another decides blindly."""
    TO_REPORT = "to-report"
    """Decided; a report waits to be confirmed."""
    REPORTING = "reporting"
    REPORTED = "reported"
    CLOSED = "closed"
    DESTROYED = "destroyed"
    """Its media and texts are gone; the certificate and the audit remain."""


UNDECIDED: Final = frozenset({CaseState.OPEN, CaseState.SECOND_OPINION})
"""Somebody still has to decide."""


@dataclass(frozen=True, slots=True)
class TriageReason:
    """One contribution to a triage score."""

    code: str
    points: int
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Triage:
    """How urgent a case is, and why.

    ``rank`` orders queues, lowest first: seconds since 1970 at which a case of score 0 that is
    as urgent would have been opened. Waiting does not change it, and a newer case passes an
    older one by no more than its score is worth, so nothing starves.
    """

    score: int
    reasons: tuple[TriageReason, ...]
    due: datetime
    """When somebody should have decided."""
    rank: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Somebody works on a case, until the lock ends."""

    person: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What a list shows of a case without opening it."""

    items: int = 0
    media: int = 0
    waiting: int = 0
    """Items not yet examined."""
    origin: str | None = None
    """Of the item that supports it most strongly (:class:`lightkeeper.assessment.Origin`)."""
    strength: str | None = None
    conflicts: int = 0
    set_origins: tuple[str, ...] = ()
    """Origins of the hash sets that were matched."""
    clusters: int = 0
    """Groups of near-duplicates: how many reviews its items take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Items about one subject, from intake to what became of it.

    ``id`` cannot be guessed. ``version`` grows with every change; a writer that knew an older
    one is refused.
    """

    id: str
    version: int = 0
    arising: Arising
    intake: Intake
    subject: Subject
    queue: str
    opened: datetime
    occurred: datetime | None = None
    """When what is reported happened, where it is known."""
    state: CaseState = CaseState.OPEN
    source: str
    """Who opened it: an actor's identifier."""
    source_id: str | None = None
    """The source's own identifier; the same twice is one case."""
    times_reported: int = 1
    signals: frozenset[Signal] = frozenset()
    triage: Triage
    outline: Outline = field(default_factory=Outline)
    claim: Claim | None = None
    assigned: str | None = None
    """Handed over to this person."""
    preserve_until: datetime | None = None
    """Not to be destroyed before, where a report was submitted."""
    hold: str | None = None
    """Why nothing of it may be destroyed."""
    put_forward: datetime | None = None
    """When people were told that its time of preservation has passed."""
    note: str = ""
