"""What a queue shows, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lightkeeper.cases.record import Arising, CaseState, Intake, Signal, SubjectKind


class Sort(StrEnum):
    """Order of a queue. Ties go to the older case, then to the identifier."""

    RANK = "rank"
    """Most urgent first, with ageing."""
    SCORE = "score"
    OLDEST = "oldest"
    NEWEST = "newest"
    REPORTS = "reports"
    """Most often reported first."""
    DUE = "due"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFilter:
    """Which cases; every field narrows, an empty one does not.

    ``queues`` is set by the desk to those that the actor may see.
    """

    queues: frozenset[str] | None = None
    states: frozenset[CaseState] = frozenset()
    arising: frozenset[Arising] = frozenset()
    intake: frozenset[Intake] = frozenset()
    signals: frozenset[Signal] = frozenset()
    """Cases with at least one of them."""
    origins: frozenset[str] = frozenset()
    known: bool | None = None
    """Whether a hash set was matched."""
    subject_kind: SubjectKind | None = None
    subject: str | None = None
    """Exact identifier."""
    least_score: int | None = None
    opened_before: datetime | None = None
    claimed_by: str | None = None
    unclaimed: bool = False
    """No claim stands, and it is handed over to nobody."""
    assigned: str | None = None
    """Handed over to this person."""
    overdue: bool = False
    """Nobody has decided (``open``, ``second-opinion``), and it was due."""
    past_retention: bool = False
    """Its time of preservation has passed, no hold stands, and it is not destroyed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedQueue:
    """A filter with a name, for one person or for all."""

    id: str
    name: str
    owner: str | None
    filter: CaseFilter
    sort: Sort = Sort.RANK
