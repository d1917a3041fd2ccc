"""What the desk is asked for, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lightkeeper.cases.decision import Artefact, Confidence, Decision, FileAnnotation, Outcome, Seen
from lightkeeper.cases.item import Item, ItemKind, View
from lightkeeper.cases.record import Arising, Case, Intake, Signal, Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCase:
    """A case to open. The same ``source_id`` of the same source is the same case."""

    arising: Arising
    intake: Intake
    subject: Subject
    queue: str = "default"
    source: str | None = None
    """Who has given the identifier; the actor where it is left out. Only reviewers name another."""
    source_id: str | None = None
    occurred: datetime | None = None
    signals: frozenset[Signal] = frozenset()
    times_reported: int = 1
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItem:
    """An item to add. ``content`` for media, ``text`` for prompts and texts."""

    kind: ItemKind
    content: bytes | None = field(default=None, repr=False)
    text: str | None = field(default=None, repr=False)
    file_name: str | None = None
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelDraft:
    """One field that a person sets: ``basis`` is ``evidence``, ``match`` or ``reviewer``."""

    value: bool | str | None
    basis: str = "reviewer"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDraft:
    """Labels of one item, by field of :class:`lightkeeper.assessment.Classification`."""

    item: str
    labels: dict[str, LabelDraft] = field(default_factory=dict)
    artefacts: dict[Artefact, Seen] = field(default_factory=dict)
    annotations: frozenset[FileAnnotation] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionDraft:
    """A decision as a person hands it in. Items of one cluster need to be named once.

    ``version`` is that of the case which the person saw.
    """

    version: int
    outcome: Outcome
    confidence: Confidence
    items: tuple[ItemDraft, ...] = ()
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Near-duplicates that are reviewed once: items of this case, and how many of others."""

    cluster: str
    likeness: str | None
    items: tuple[Item, ...]
    elsewhere: int
    earlier: Decision | None
    """A standing decision of another case about the same cluster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """A case as one person may see it: a blind second reviewer sees no earlier decision."""

    case: Case
    items: tuple[Item, ...]
    groups: tuple[Group, ...]
    decisions: tuple[Decision, ...]
    viewed: frozenset[str]
    """Items that somebody has seen entirely."""
    blind: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """Pixels for the page, and the view that was written down."""

    content: bytes = field(repr=False)
    media_type: str
    view: View


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What an operator may set about the work."""

    claim_lasts: timedelta = timedelta(minutes=15)
    second_opinion_share: float = 0.05
    """Of decided cases, drawn by the case's identifier."""
    retention: timedelta = timedelta(days=366)
    """From submission: one year, whatever the calendar does."""
    reuse_known_decisions: bool = False
    """Close or prepare a case by itself where a person has decided about every one of its
    clusters before, and no signal stands."""
