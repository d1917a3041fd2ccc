"""Which generator, as far as anything says so; unknown is the normal answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from lightkeeper.assessment._result import Assessment, Origin
from lightkeeper.assessment.attribution._generators import (
    MARKS,
    TOOLS,
    Family,
    Named,
    model_named,
)
from lightkeeper.evidence import Basis, Claim
from lightkeeper.evidence.metadata._record import GenerationRecord
from lightkeeper.evidence.provenance._examiner import ProvenanceDetails
from lightkeeper.evidence.watermark._read import MarkReading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lightkeeper.evidence import Finding

_MADE = (Origin.GENERATED, Origin.AI_EDITED)
_VOUCHED = (Basis.SIGNED, Basis.SECRET_MARK, Basis.KNOWN, Basis.HUMAN)


class Standing(StrEnum):
    """How firmly a generator is named."""

    UNKNOWN = "unknown"
    CLAIMED = "claimed"
    """By something that anyone can write or put there."""
    VOUCHED = "vouched"
    """By a trusted signature or a secret mark."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A generator that something names."""

    generator: str
    family: Family
    standing: Standing
    findings: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Attribution:
    """Real or generated, then the family, then the generator: each only where the one before is.

    ``generator`` is ``None`` for "unknown generator". ``candidates`` lists everything that was
    named, also where it led to nothing.
    """

    origin: Origin
    family: Family
    generator: str | None
    standing: Standing
    reason: str
    candidates: tuple[Candidate, ...]


def attribute(assessment: Assessment, findings: Sequence[Finding]) -> Attribution:
    """Say which generator made a picture, if anything says so.

    No detector's score names a generator here: over seven classes, networks accept most unknown
    generators as one of those that they know.

    Parameters
    ----------
    assessment : Assessment
        What the findings mean together.
    findings : sequence of Finding
        Those that were assessed.
    """
    candidates = _candidates(findings)
    if assessment.origin not in _MADE:
        reason = f"The origin is {assessment.origin}, so no generator is looked for."
        return _unknown(assessment.origin, reason, candidates)
    for standing in (Standing.VOUCHED, Standing.CLAIMED):
        named = [c for c in candidates if c.standing is standing]
        if named:
            return _chosen(assessment.origin, standing, named, candidates)
    return _unknown(assessment.origin, "Nothing names a generator.", candidates)


def _chosen(
    origin: Origin,
    standing: Standing,
    named: Sequence[Candidate],
    candidates: tuple[Candidate, ...],
) -> Attribution:
    families = {c.family for c in named} - {Family.UNKNOWN}
    family = families.pop() if len(families) == 1 else Family.UNKNOWN
    if len(named) > 1:
        words = "Different generators are named, so none is taken."
        return Attribution(origin, family, None, standing, words, candidates)
    words = {
        Standing.VOUCHED: "Named by a trusted signature or a secret mark.",
        Standing.CLAIMED: "Named by something that anyone can write; nobody vouches for it.",
    }[standing]
    return Attribution(origin, family, named[0].generator, standing, words, candidates)


def _unknown(origin: Origin, reason: str, candidates: tuple[Candidate, ...]) -> Attribution:
    return Attribution(origin, Family.UNKNOWN, None, Standing.UNKNOWN, reason, candidates)


def _candidates(findings: Sequence[Finding]) -> tuple[Candidate, ...]:
    """All names, the firmest first; one for each generator and standing."""
    found: dict[tuple[Standing, str], tuple[Family, list[int]]] = {}
    for index, finding in enumerate(findings):
        standing = Standing.VOUCHED if finding.basis in _VOUCHED else Standing.CLAIMED
        for name, family in _names(finding):
            found.setdefault((standing, name), (family, []))[1].append(index)
    ranked = sorted(found.items(), key=lambda item: (item[0][0] is Standing.CLAIMED, item[0][1]))
    return tuple(
        Candidate(name, family, standing, tuple(indices))
        for (standing, name), (family, indices) in ranked
    )


def _names(finding: Finding) -> Iterator[Named]:
    details = finding.details
    if isinstance(details, GenerationRecord):
        if details.tool in TOOLS:
            yield TOOLS[details.tool]
        elif details.model_name:
            yield model_named(details.model_name)
    elif isinstance(details, MarkReading):
        if details.mark in MARKS:
            yield MARKS[details.mark]
    elif (
        isinstance(details, ProvenanceDetails)
        and finding.claim in (Claim.GENERATED, Claim.AI_EDITED)
        and details.vendor
    ):
        yield details.vendor, Family.UNKNOWN
