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
from lightkeeper.evidence import Basis, Claim, Hypothesis

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lightkeeper.evidence import Finding

_AI = (Hypothesis.GENERATED, Hypothesis.AI_EDITED)
_MADE = (Origin.GENERATED, Origin.AI_EDITED)
_VOUCHED = (Basis.SIGNED, Basis.SECRET_MARK, Basis.KNOWN, Basis.HUMAN)


class Standing(StrEnum):
    """How firmly a generator is named."""

    UNKNOWN = "unknown"
    CLAIMED = "claimed"
    """By something that anyone can write or put there."""
    VOUCHED = "vouched"
    """By a trusted signature, a secret mark, known material or a person."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A generator that something names."""

    generator: str
    family: Family
    standing: Standing
    findings: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Decoder:
    """A decoder that the picture came through, as measured.

    It names a family of autoencoders and never one generator: many generators, their fine-tuned
    versions and programs that only encode and decode share one.
    """

    autoencoder: str
    p_value: float
    findings: tuple[int, ...]
    rivals: tuple[str, ...] = ()
    """Registered decoders that explain the picture less well and would have been found alone."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """Real or generated, then the family, then the generator: each only where the one before is.

    ``generator`` is ``None`` for "unknown generator". ``candidates`` lists everything that was
    named, also where it led to nothing; ``decoders`` what was measured, which names no generator:
    edits, upscalers and plain encoding go through decoders too.
    """

    origin: Origin
    family: Family
    generator: str | None
    standing: Standing
    reason: str
    candidates: tuple[Candidate, ...]
    decoders: tuple[Decoder, ...]


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
    origin, candidates = assessment.origin, _candidates(findings)
    family, generator, standing, reason = _named(origin, candidates)
    return Attribution(origin, family, generator, standing, reason, candidates, _decoders(findings))


_WORDS = {
    Standing.VOUCHED: "Named by something that is hard to forge.",
    Standing.CLAIMED: "Named by something that anyone can write or copy; nobody vouches for it.",
}

_Answer = tuple[Family, str | None, Standing, str]


def _named(origin: Origin, candidates: Sequence[Candidate]) -> _Answer:
    if origin not in _MADE:
        reason = f"The origin is {origin}, so no generator is looked for."
        return Family.UNKNOWN, None, Standing.UNKNOWN, reason
    for standing in (Standing.VOUCHED, Standing.CLAIMED):
        named = [c for c in candidates if c.standing is standing]
        if named:
            return _chosen(standing, named)
    return Family.UNKNOWN, None, Standing.UNKNOWN, "Nothing names a generator."


def _chosen(standing: Standing, named: Sequence[Candidate]) -> _Answer:
    # A name without a family may be of any: beside it no family is established.
    families = {c.family for c in named}
    family = families.pop() if len(families) == 1 else Family.UNKNOWN
    if len(named) > 1:
        return family, None, standing, "Different generators are named, so none is taken."
    return family, named[0].generator, standing, _WORDS[standing]


def _decoders(findings: Sequence[Finding]) -> tuple[Decoder, ...]:
    """Each decoder whose grid was seen, the clearest first."""
    found: dict[str, list[tuple[float, int, tuple[str, ...]]]] = {}
    for index, finding in enumerate(findings):
        if finding.claim is not Claim.DETECTOR_SCORE or finding.p_value is None:
            continue
        from lightkeeper.evidence.detectors.reconstruction._finding import DecoderGrid

        if isinstance(grid := finding.details, DecoderGrid):
            rivals = tuple(rival.autoencoder for rival in grid.rivals)
            found.setdefault(grid.autoencoder, []).append((finding.p_value, index, rivals))
    decoders = (
        Decoder(
            name,
            min(p for p, _, _ in seen),
            tuple(index for _, index, _ in seen),
            tuple(sorted({rival for *_, rivals in seen for rival in rivals})),
        )
        for name, seen in found.items()
    )
    return tuple(sorted(decoders, key=lambda d: (d.p_value, d.autoencoder)))


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
    # A mark that was copied from another picture supports nothing, and so names nothing.
    if finding.supports not in _AI:
        return iter(())
    # Each room is imported only for findings of its own: a scan of bytes never loads a kernel.
    if finding.claim is Claim.PARAMETERS:
        return _of_parameters(finding)
    if finding.claim is Claim.CARRIES_MARK:
        return _of_mark(finding)
    if finding.claim in (Claim.GENERATED, Claim.AI_EDITED):
        return _of_provenance(finding)
    return iter(())


def _of_parameters(finding: Finding) -> Iterator[Named]:
    from lightkeeper.evidence.metadata import GenerationRecord

    if isinstance(record := finding.details, GenerationRecord):
        if record.tool in TOOLS:
            yield TOOLS[record.tool]
        elif record.model_name:
            yield model_named(record.model_name)


def _of_mark(finding: Finding) -> Iterator[Named]:
    from lightkeeper.evidence.watermark import MarkReading

    if isinstance(reading := finding.details, MarkReading) and reading.mark in MARKS:
        yield MARKS[reading.mark]


def _of_provenance(finding: Finding) -> Iterator[Named]:
    from lightkeeper.evidence.provenance import ProvenanceDetails

    if isinstance(details := finding.details, ProvenanceDetails) and details.vendor:
        yield details.vendor, Family.UNKNOWN
