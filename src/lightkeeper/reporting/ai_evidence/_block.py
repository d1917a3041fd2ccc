"""The block's content. Field names are its keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

SCHEMA: Final = "lightkeeper.ai-evidence/1"
"""Changes its number whenever a key changes its meaning or goes; added keys keep it."""

Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The beginning of a text, and how long all of it is in characters."""

    text: str
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What all findings say together, and how strongly."""

    origin: str
    strength: str
    log10_lr: float | None
    calibration: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A program that is named, and where it is named."""

    name: str
    version: str | None
    carrier: str
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hash:
    """A hash as it was found."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model that is named: ``checkpoint``, ``vae``, ``lora`` …"""

    kind: str
    name: str | None
    hashes: tuple[Hash, ...]
    weight: float | None
    carrier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Parameters of one generation, as one tool wrote them in one place."""

    carrier: str
    prompt: Excerpt | None
    negative_prompt: Excerpt | None
    values: dict[str, Scalar]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A watermark that was read."""

    mark: str
    variant: str | None
    method: str | None
    basis: str
    z: float | None
    p_value: float | None
    tests: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One finding of an examiner, with its statistics."""

    claim: str
    basis: str
    examiner: str
    version: str
    source: str
    supports: str | None
    log10_lr: float | None
    p_value: float | None
    null_size: int | None
    calibration: str | None
    summary: Excerpt


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An entry of a hash set. ``set`` is withheld where its owner wants it kept."""

    set: str | None
    origin: str
    benign: bool
    kind: str
    distance_bits: int
    transform: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A disagreement within the evidence."""

    code: str
    summary: Excerpt


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLabel:
    """A label, its basis, and whether a machine or a person set it."""

    field: str
    value: Scalar | None
    basis: str | None
    set_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessor:
    """Who assessed: ``machine`` or ``person``. A person has no name here."""

    kind: str
    software: str | None = None
    decided: str | None = None
    confidence: str | None = None
    saw_this_file: bool | None = None
    """``False`` where the decision about a near-duplicate was carried over."""
    artefacts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotExamined:
    """What nobody looked for, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AiEvidence:
    """All that is known of one item's origin."""

    schema: str = SCHEMA
    kind: str
    """``media``, ``prompt``, ``text`` or ``model``."""
    sha256: str | None
    arising: str
    answer: Answer | None
    tools: tuple[Tool, ...]
    models: tuple[Model, ...]
    parameters: tuple[Parameters, ...]
    marks: tuple[Mark, ...]
    observations: tuple[Observation, ...]
    matches: tuple[Match, ...]
    conflicts: tuple[Conflict, ...]
    labels: tuple[SetLabel, ...]
    assessors: tuple[Assessor, ...]
    not_examined: tuple[NotExamined, ...]
    limits: tuple[str, ...]
    left_out: dict[str, int] = field(default_factory=dict)
    """How many entries of a list did not fit."""

    @property
    def speaks_of_generation(self) -> bool:
        """Whether anything in it supports that a generative model took part."""
        answers = {"generated", "ai-edited"}
        return (
            (self.answer is not None and self.answer.origin in answers)
            or any(each.supports in answers for each in self.observations)
            or any(
                each.field == "computer_generated" and each.value is True for each in self.labels
            )
        )
