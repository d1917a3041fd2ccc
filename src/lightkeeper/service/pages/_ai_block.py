"""The block of AI evidence as a person reads it: what is claimed, on which basis, by what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.errors import ReportError
from lightkeeper.plain import to_plain
from lightkeeper.reporting.ai_evidence import AiEvidence, read_ai_evidence
from lightkeeper.service._words import named
from lightkeeper.service.pages._evidence import BASES

if TYPE_CHECKING:
    from lightkeeper.reporting.ai_evidence._block import (
        Assessor,
        Match,
        Model,
        Observation,
        Parameters,
        Scalar,
    )


@dataclass(frozen=True, slots=True)
class Claim:
    """One row: what is said, why it may be believed, and who or what says it."""

    claim: str
    basis: str
    by: str


@dataclass(frozen=True, slots=True)
class Block:
    """A block, read."""

    claims: tuple[Claim, ...]
    not_examined: tuple[str, ...]
    left_out: tuple[str, ...]
    text: str
    """As JSON, with a line for each value."""


def blocks_of(text: str) -> tuple[str, tuple[Block, ...]]:
    """The blocks in a text, and the text without them.

    One that cannot be read stays where it is: nothing of what is sent may be hidden.
    """
    try:
        found = read_ai_evidence(text)
    except ReportError:
        return text, ()
    lines = [line for line in text.split("\n") if not (found and _is_block(line))]
    return "\n".join(lines), tuple(map(_block, found))


def _is_block(line: str) -> bool:
    return bool(read_ai_evidence(line))


def _block(evidence: AiEvidence) -> Block:
    return Block(
        claims=tuple(_claims(evidence)),
        not_examined=tuple(
            f"{named(each.what)}: {each.why.removesuffix('.')}" for each in evidence.not_examined
        ),
        left_out=tuple(f"{named(what)}: {count}" for what, count in evidence.left_out.items()),
        text=json.dumps(to_plain(evidence), indent=1, ensure_ascii=False),
    )


def _claims(evidence: AiEvidence) -> Iterator[Claim]:
    if (answer := evidence.answer) is not None:
        strength = f"{answer.strength}: {named(answer.origin).lower()}"
        yield Claim(f"All together: {strength}", answer.calibration or "", "Lightkeeper")
    for label in evidence.labels:
        yield Claim(
            f"{named(label.field)}: {_value(label.value)}", _basis(label.basis), f"a {label.set_by}"
        )
    for tool in evidence.tools:
        version = f" {tool.version}" if tool.version else ""
        yield Claim(f"Tool: {tool.name}{version}", _basis(tool.basis), tool.carrier)
    for model in evidence.models:
        yield _of_model(model)
    yield from map(_of_parameters, evidence.parameters)
    for mark in evidence.marks:
        words = " ".join(filter(None, (mark.mark, mark.variant)))
        chance = f", p = {mark.p_value:.2g}" if mark.p_value is not None else ""
        yield Claim(f"Mark: {words}", f"{_basis(mark.basis)}{chance}", mark.method or "")
    yield from map(_of_match, evidence.matches)
    yield from map(_of_observation, evidence.observations)
    for conflict in evidence.conflicts:
        yield Claim(f"Conflict: {conflict.summary.text}", named(conflict.code), "")
    yield from map(_of_assessor, evidence.assessors)


def _of_parameters(made: Parameters) -> Claim:
    """Texts are only counted here: the JSON below has them, and is folded."""
    texts = [
        f"{what} of {said.length:,} characters"
        for what, said in (("prompt", made.prompt), ("negative prompt", made.negative_prompt))
        if said is not None
    ]
    values = [f"{name} {value}" for name, value in made.values.items()]
    return Claim(f"Parameters: {'; '.join((*texts, *values))}", "", made.carrier)


def _of_assessor(assessor: Assessor) -> Claim:
    words = f"Decided {assessor.decided}" if assessor.decided else "Examined"
    if assessor.saw_this_file is not None:
        words += ", saw this file" if assessor.saw_this_file else ", saw a near-duplicate of it"
    sure = f"{named(assessor.confidence)} confidence" if assessor.confidence else ""
    return Claim(words, sure, assessor.software or f"a {assessor.kind}")


def _of_model(model: Model) -> Claim:
    hashes = ", ".join(f"{each.kind} {each.value}" for each in model.hashes)
    words = ", ".join(filter(None, (model.name or "without a name", hashes)))
    weight = f", weight {model.weight:g}" if model.weight is not None else ""
    return Claim(f"Model ({model.kind}): {words}{weight}", "", model.carrier)


def _of_match(match: Match) -> Claim:
    held = "a benign set" if match.benign else f"a set of {match.origin} material"
    name = match.set or "its name is kept back"
    return Claim(
        f"Matches {held}: {name}",
        f"{_basis('known')}, {match.kind}, {match.distance_bits} bits apart, {match.transform}",
        "",
    )


def _of_observation(seen: Observation) -> Claim:
    more = [_basis(seen.basis)]
    if seen.p_value is not None:
        more.append(f"p = {seen.p_value:.2g}")
    if seen.null_size is not None:
        more.append(f"against {seen.null_size:,}")
    if seen.calibration:
        more.append(f"calibration {seen.calibration}")
    supports = f" (supports {named(seen.supports).lower()})" if seen.supports else ""
    return Claim(
        f"{seen.summary.text}{supports}", ", ".join(more), f"{seen.examiner} {seen.version}"
    )


def _value(value: Scalar | None) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "can’t tell" if value is None else named(value)


def _basis(code: str | None) -> str:
    if code is None:
        return ""
    words = BASES.get(code)
    return f"{named(code)}: {words}" if words else named(code)
