"""The form of a decision: what it asks, and what a person has answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeVar

from starlette.datastructures import FormData

from lightkeeper.assessment import AgeGroup, Classification
from lightkeeper.cases.decision import Artefact, Confidence, FileAnnotation, Outcome, Seen
from lightkeeper.cases.desk import DecisionDraft, ItemDraft, LabelDraft
from lightkeeper.cases.item import ItemKind
from lightkeeper.service.pages._frame import text_of

if TYPE_CHECKING:
    from lightkeeper.service.pages._evidence import Panel

_Code = TypeVar("_Code", bound=StrEnum)

CLASSES: Final = {
    "A1": "A1: prepubescent, sex act",
    "A2": "A2: prepubescent, lascivious exhibition",
    "B1": "B1: pubescent, sex act",
    "B2": "B2: pubescent, lascivious exhibition",
    "none": "None of these",
    "cannot-tell": "Can’t tell",
}
C_AXIS: Final = {
    "computer_generated": "Computer generated",
    "indistinguishable_from_photographs": "Indistinguishable from a photograph",
    "portrays_explicit_sexual_activity": "Portrays explicit sexual activity",
    "modelled_after_person": "Modelled after a real person or known victim",
}
TRUTHS: Final = {"yes": "Yes", "no": "No", "cannot-tell": "Can’t tell"}
BASES: Final = {"reviewer": "my own eyes", "evidence": "the evidence", "match": "a hash match"}
OUTCOMES: Final = {
    Outcome.REPORT: "Report it",
    Outcome.CLOSE: "Close it: nothing to report",
    Outcome.REFER: "Refer it to somebody else",
}
ANNOTATIONS: Final = {
    FileAnnotation.GENERATIVE_AI: "Generative AI",
    FileAnnotation.ANIME_DRAWING_VIRTUAL_HENTAI: "Anime, drawing or virtual",
    FileAnnotation.POTENTIAL_MEME: "Potential meme",
    FileAnnotation.VIRAL: "Viral",
    FileAnnotation.POSSIBLE_SELF_PRODUCTION: "Possible self-production",
    FileAnnotation.PHYSICAL_HARM: "Physical harm",
    FileAnnotation.VIOLENCE_GORE: "Violence or gore",
    FileAnnotation.BESTIALITY: "Bestiality",
    FileAnnotation.LIVE_STREAMING: "Live streaming",
    FileAnnotation.INFANT: "Infant",
}
_VALUES: Final[dict[str, bool | str]] = {"yes": True, "no": False, "cannot-tell": "cannot-tell"}
ADMITTED_BASES: Final = frozenset(BASES)


@dataclass(frozen=True, slots=True)
class Answers:
    """A form that was filled in, good or not. ``problems`` are by the name of a field."""

    given: Mapping[str, Sequence[str]] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    draft: DecisionDraft | None = None

    def has(self, name: str, value: str) -> bool:
        """Whether a choice was made."""
        return value in self.given.get(name, ())

    def text(self, name: str) -> str:
        """What was written into a field."""
        return next(iter(self.given.get(name, ())), "")


def read_answers(form: FormData, panels: Sequence[Panel]) -> Answers:
    """What a person has answered; ``draft`` is there where nothing is missing."""
    problems: dict[str, str] = {}
    outcome = _one(Outcome, form, "outcome")
    confidence = _one(Confidence, form, "confidence")
    if outcome is None:
        problems["outcome"] = "Say what becomes of the case."
    if confidence is None:
        problems["confidence"] = "Say how sure you are."
    for panel in panels:
        if panel.item.kind is ItemKind.MEDIA:
            name = f"g{panel.number}.industry_class"
            if text_of(form, name) not in CLASSES:
                problems[name] = f"Give group {panel.number} an industry class, or “can’t tell”."
    given = {name: [str(value) for value in form.getlist(name)] for name in form}
    draft = None
    if outcome is not None and confidence is not None and not problems:
        draft = DecisionDraft(
            version=_version(form),
            outcome=outcome,
            confidence=confidence,
            items=tuple(_item(form, p) for p in panels if p.item.kind is not ItemKind.MODEL),
            comment=text_of(form, "comment"),
        )
    return Answers(given, problems, draft)


def classification(form: FormData, number: int, *, person: str) -> Classification:
    """Labels that a person has chosen so far, for guidance alone."""
    labels = Classification()
    for name, label in _labels(form, number).items():
        labels = labels.decide(name, label.value, person=person)
    return labels


def _item(form: FormData, panel: Panel) -> ItemDraft:
    prefix = f"g{panel.number}"
    artefacts = {
        artefact: seen
        for artefact in Artefact
        if (seen := _one(Seen, form, f"{prefix}.artefact.{artefact.value}")) is not None
    }
    marks = {mark.value: mark for mark in FileAnnotation}
    chosen = [str(value) for value in form.getlist(f"{prefix}.annotation")]
    return ItemDraft(
        item=panel.item.id,
        labels=_labels(form, panel.number),
        artefacts=artefacts,
        annotations=frozenset(marks[name] for name in chosen if name in marks),
    )


def _labels(form: FormData, number: int) -> dict[str, LabelDraft]:
    labels: dict[str, LabelDraft] = {}
    prefix = f"g{number}"
    if (code := text_of(form, f"{prefix}.industry_class")) in CLASSES:
        labels["industry_class"] = LabelDraft(value=code)
    for name in C_AXIS:
        if (truth := text_of(form, f"{prefix}.{name}")) in _VALUES:
            basis = text_of(form, f"{prefix}.{name}.basis") or "reviewer"
            labels[name] = LabelDraft(value=_VALUES[truth], basis=basis)
    age = _one(AgeGroup, form, f"{prefix}.age_group")
    if age is not None:
        labels["age_group"] = LabelDraft(value=age.value)
    return labels


def _one(codes: type[_Code], form: FormData, name: str) -> _Code | None:
    value = text_of(form, name)
    return next((code for code in codes if code.value == value), None)


def _version(form: FormData) -> int:
    text = text_of(form, "version", most=12)
    return int(text) if text.isdecimal() else -1
