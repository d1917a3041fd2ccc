"""What the API takes and gives, where the records of the domain are not it already."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from lightkeeper.cases.decision import (
    Artefact,
    Confidence,
    Decision,
    FileAnnotation,
    Outcome,
    Seen,
)
from lightkeeper.cases.desk import CaseFile, DecisionDraft, ItemDraft, LabelDraft, NewCase, NewItem
from lightkeeper.cases.item import Item, ItemKind, ItemState, MediaFacts
from lightkeeper.cases.record import Arising, Case, Intake, Signal, Subject, SubjectKind

Word = Annotated[str, Field(min_length=1, max_length=200)]
Reason = Annotated[str, Field(min_length=1, max_length=2_000)]
_Facts = Annotated[dict[Word, Annotated[str, Field(max_length=4_000)]], Field(max_length=50)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SubjectBody(_Body):
    """Whom or what a case is about."""

    kind: SubjectKind
    identifier: Word
    details: _Facts = {}


class CaseBody(_Body):
    """A case to open. The same ``source_id`` of the same key is the same case."""

    arising: Arising
    intake: Intake = Intake.API
    subject: SubjectBody
    queue: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")] = "default"
    source_id: Word | None = None
    occurred: AwareDatetime | None = None
    signals: frozenset[Signal] = frozenset()
    times_reported: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    note: Annotated[str, Field(max_length=10_000)] = ""

    def new_case(self) -> NewCase:
        """For the desk."""
        subject = Subject(self.subject.kind, self.subject.identifier, dict(self.subject.details))
        plain = {name: getattr(self, name) for name in type(self).model_fields}
        return NewCase(**plain | {"subject": subject})


class TextBody(_Body):
    """A prompt, a text, or a reference to a model."""

    kind: ItemKind
    text: Annotated[str, Field(min_length=1, max_length=500_000)] | None = None
    facts: _Facts = {}

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.kind in (ItemKind.PROMPT, ItemKind.TEXT)) != (self.text is not None):
            raise ValueError("prompts and texts come with their text, and nothing else does")
        if self.kind is ItemKind.MEDIA:
            raise ValueError("media is sent as the body of its own request")
        if self.kind is ItemKind.MODEL and not self.facts:
            raise ValueError("a model comes with its names or hashes as facts")
        return self

    def new_item(self) -> NewItem:
        """For the desk."""
        return NewItem(kind=self.kind, text=self.text, facts=dict(self.facts))


class BecauseBody(_Body):
    """Why."""

    because: Reason


class HandOverBody(_Body):
    """To whom, and why."""

    to: Word
    because: Reason


class SignalsBody(_Body):
    """All signals that hold, and why they changed."""

    signals: frozenset[Signal]
    because: Reason


class DestructionBody(_Body):
    """On whose request media and texts are destroyed."""

    request: Reason
    by_law_enforcement: bool = False


class LabelBody(_Body):
    """One field that a person sets."""

    value: bool | str | None
    basis: Annotated[str, Field(pattern="^(reviewer|evidence|match)$")] = "reviewer"


class ItemDecisionBody(_Body):
    """Labels of one item; near-duplicates need to be named once."""

    item: Word
    labels: dict[Word, LabelBody] = {}
    artefacts: dict[Artefact, Seen] = {}
    annotations: frozenset[FileAnnotation] = frozenset()

    def draft(self) -> ItemDraft:
        """For the desk."""
        labels = {n: LabelDraft(value=one.value, basis=one.basis) for n, one in self.labels.items()}
        return ItemDraft(
            item=self.item,
            labels=labels,
            artefacts=dict(self.artefacts),
            annotations=self.annotations,
        )


class DecisionBody(_Body):
    """A person's decision; ``version`` is that of the case which the person saw."""

    version: Annotated[int, Field(ge=0)]
    outcome: Outcome
    confidence: Confidence
    items: Annotated[list[ItemDecisionBody], Field(max_length=10_000)] = []
    comment: Annotated[str, Field(max_length=10_000)] = ""

    def draft(self) -> DecisionDraft:
        """For the desk."""
        return DecisionDraft(
            version=self.version,
            outcome=self.outcome,
            confidence=self.confidence,
            items=tuple(item.draft() for item in self.items),
            comment=self.comment,
        )


class MediaView(BaseModel):
    """What is known of a file. Where it is kept is nobody's business."""

    size_bytes: int
    sha256: str
    sha1: str
    md5: str
    format: str | None
    width: int | None
    height: int | None
    pdq: str | None
    pdq_quality: int | None

    @classmethod
    def of(cls, media: MediaFacts) -> Self:
        """Without the keys of the vault."""
        return cls(**{name: getattr(media, name) for name in cls.model_fields})


class ItemView(BaseModel):
    """An item of a case."""

    id: str
    case: str
    kind: ItemKind
    state: ItemState
    added: datetime
    file_name: str | None
    media: MediaView | None
    text: str | None
    facts: dict[str, str]
    examination: dict[str, Any] | None
    cluster: str | None
    likeness: str | None

    @classmethod
    def of(cls, item: Item) -> Self:
        """From the record."""
        plain = {name: getattr(item, name) for name in cls.model_fields}
        return cls(**plain | {"media": None if item.media is None else MediaView.of(item.media)})


class CaseFileView(BaseModel):
    """A case as the asking person may see it."""

    case: Case
    items: list[ItemView]
    decisions: list[Decision]
    viewed: list[str]
    """Items that somebody has seen entirely."""
    blind: bool

    @classmethod
    def of(cls, file: CaseFile) -> Self:
        """From the desk's answer."""
        return cls(
            case=file.case,
            items=[ItemView.of(item) for item in file.items],
            decisions=list(file.decisions),
            viewed=sorted(file.viewed),
            blind=file.blind,
        )


class PageView(BaseModel):
    """Part of a queue; ``next`` is the ``after`` of its continuation."""

    cases: list[Case]
    next: str | None


class CountView(BaseModel):
    """How many, counted up to 10,000."""

    count: int


class Problem(BaseModel):
    """Why a request was refused."""

    code: str
    message: str


class ProblemView(BaseModel):
    """The body of every refusal."""

    error: Problem
