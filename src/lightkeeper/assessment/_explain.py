"""An assessment in words, so that every verdict can be questioned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.assessment._limits import LIMITS
from lightkeeper.assessment._result import Assessment, Origin

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lightkeeper.assessment.attribution import Attribution
    from lightkeeper.evidence import Finding

_BASES = {
    "asserted": "anyone can write it",
    "public-mark": "others can put it on any picture",
    "measured": "a calibrated statistic",
    "signed": "an intact, trusted signature",
    "secret-mark": "its extractor is secret",
    "known": "a hash match",
    "human": "a person decided",
}

MADE = (Origin.GENERATED, Origin.AI_EDITED)
DECODERS_NAME_NO_GENERATOR = (
    "No generator follows from that: edits and upscalers go through decoders too."
)


def explain(
    assessment: Assessment,
    findings: Sequence[Finding],
    attribution: Attribution | None = None,
) -> str:
    """Tell how an assessment came about.

    Returns
    -------
    str
        Plain text of several lines: the conclusion, the generator where anything points to one,
        each finding with its weight and what it does not prove, conflicts, what was not
        examined, and the routing.
    """
    lines = [_conclusion(assessment)]
    lines += _generator(attribution) if attribution else ()
    lines.append("")
    lines += _evidence(assessment, findings)
    if assessment.conflicts:
        lines += ["", "Conflicts"]
        lines += [f"  ! {c.summary} {_refer(c.findings)}" for c in assessment.conflicts]
    if assessment.not_examined:
        lines += ["", "Not examined"]
        lines += [f"  - {n.examiner}: {n.reason}" for n in assessment.not_examined]
    routing = assessment.routing
    lines += ["", f"Priority {routing.priority} of 100; needs: {', '.join(routing.needs)}"]
    lines += [f"  - {reason}" for reason in routing.reasons]
    lines += ["", f"Weights: calibration {assessment.calibration}. A person decides."]
    return "\n".join(lines)


def _conclusion(assessment: Assessment) -> str:
    if assessment.origin is Origin.UNDETERMINED:
        return "Origin: undetermined. No weighed evidence prevails; this is a normal answer."
    return (
        f"Origin: {assessment.origin.value}, {assessment.strength.value} "
        f"(log10 likelihood ratio {assessment.log10_lr:g})."
    )


def _generator(attribution: Attribution) -> Iterable[str]:
    if attribution.origin in MADE or attribution.candidates:
        name = attribution.generator or "unknown"
        yield f"Generator: {name}. {attribution.reason}"
    for decoder in attribution.decoders:
        places = _refer(decoder.findings)
        yield f"It came through the decoder {decoder.autoencoder} (measured) {places}."
    if attribution.decoders:
        yield DECODERS_NAME_NO_GENERATOR


def _evidence(assessment: Assessment, findings: Sequence[Finding]) -> Iterable[str]:
    if not findings:
        yield "No findings: nothing that was looked for is there."
        return
    weights = {w.finding: w for w in assessment.weights}
    yield "Findings"
    for index, finding in enumerate(findings):
        yield f"  [{index + 1}] {finding.summary}"
        yield f"      {finding.basis.value} ({_BASES[finding.basis.value]}), from {finding.source}"
        if finding.p_value is not None:
            yield f"      {_statistics(finding)}"
        weight = weights.get(index)
        if weight is None:
            yield "      no weight: it supports no origin, or nothing calibrates it"
        elif weight.counted:
            yield f"      weight {weight.log10_lr:+g} for {weight.supports.value}: {weight.reason}"
        else:
            yield "      not counted: another finding of the same witness speaks for it already"
        for code in finding.limits:
            yield f"      limit: {LIMITS.get(code, code)}"


def _statistics(finding: Finding) -> str:
    parts = [f"p = {finding.p_value:.2g} after correction for {finding.tests or 1} tests"]
    if finding.null_size:
        parts.append(
            f"null of {finding.null_size} pictures (empirical bound {3 / finding.null_size:.1g})"
        )
    return "; ".join(parts)


def _refer(indices: Sequence[int]) -> str:
    return " ".join(f"[{i + 1}]" for i in indices)
