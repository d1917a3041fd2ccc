"""Disagreements, which are results in their own right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.assessment._fusion import is_decoder_grid
from lightkeeper.assessment._result import Conflict
from lightkeeper.evidence import Basis, Claim, Hypothesis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from lightkeeper.evidence import Finding

_AI = (Hypothesis.GENERATED, Hypothesis.AI_EDITED)


def find_conflicts(findings: Sequence[Finding]) -> tuple[Conflict, ...]:
    """All conflicts among the findings, in a stable order."""
    return tuple(conflict for rule in _RULES for conflict in rule(findings))


def _where(findings: Sequence[Finding], test: Callable[[Finding], bool]) -> tuple[int, ...]:
    return tuple(i for i, f in enumerate(findings) if test(f))


def _camera_beside_mark(findings: Sequence[Finding]) -> Iterable[Conflict]:
    marks = _where(findings, lambda f: f.claim is Claim.CARRIES_MARK)
    cameras = _where(findings, lambda f: f.supports is Hypothesis.CAPTURED)
    if marks and cameras:
        yield Conflict(
            "camera-beside-mark",
            f"{_capture(findings, cameras)} beside a generator's mark: the mark may have been put "
            "on a photograph, or the camera fields copied onto a generated picture.",
            cameras + marks,
        )


def _camera_beside_parameters(findings: Sequence[Finding]) -> Iterable[Conflict]:
    told = _where(
        findings,
        lambda f: (
            f.supports is Hypothesis.GENERATED
            and f.claim is not Claim.CARRIES_MARK
            # A photograph that was put through a decoder was captured all the same.
            and not is_decoder_grid(f)
        ),
    )
    cameras = _where(findings, lambda f: f.supports is Hypothesis.CAPTURED)
    if told and cameras and not _all_known(findings, told + cameras):
        yield Conflict(
            "camera-beside-generation",
            f"{_capture(findings, cameras)} beside a statement that the picture was generated.",
            cameras + told,
        )


def _capture(findings: Sequence[Finding], cameras: Sequence[int]) -> str:
    if _all_known(findings, cameras):
        return "A match with known photographed material stands"
    return "Traces of a camera stand"


def _all_known(findings: Sequence[Finding], where: Sequence[int]) -> bool:
    return all(findings[i].basis is Basis.KNOWN for i in where)


def _mark_alone(findings: Sequence[Finding]) -> Iterable[Conflict]:
    marks = _where(findings, lambda f: f.basis is Basis.PUBLIC_MARK)
    others = _where(findings, lambda f: f.supports in _AI and f.basis is not Basis.PUBLIC_MARK)
    if marks and not others:
        yield Conflict(
            "mark-without-other-trace",
            "A public mark is the only trace of generation: anyone can put it on a real "
            "photograph to make it look generated.",
            marks,
        )


def _signed_against_signed(findings: Sequence[Finding]) -> Iterable[Conflict]:
    firm = (Basis.SIGNED, Basis.SECRET_MARK, Basis.KNOWN, Basis.HUMAN)
    ai = _where(findings, lambda f: f.basis in firm and f.supports in _AI)
    camera = _where(findings, lambda f: f.basis in firm and f.supports is Hypothesis.CAPTURED)
    if ai and camera and not _all_known(findings, ai + camera):
        yield Conflict(
            "firm-evidence-disagrees",
            "Evidence that is hard to forge speaks for a camera and for a generator.",
            camera + ai,
        )


def _known_sets_disagree(findings: Sequence[Finding]) -> Iterable[Conflict]:
    known = [(i, f) for i, f in enumerate(findings) if f.basis is Basis.KNOWN]
    generated = tuple(i for i, f in known if f.supports is Hypothesis.GENERATED)
    camera = tuple(i for i, f in known if f.supports is Hypothesis.CAPTURED)
    if generated and camera:
        yield Conflict(
            "known-sets-disagree",
            "One hash set holds it as photographed and another as generated: one of them is "
            "wrong, or it is an altered copy of a photograph.",
            camera + generated,
        )


def _known_beside_benign(findings: Sequence[Finding]) -> Iterable[Conflict]:
    material = _where(
        findings, lambda f: f.claim is Claim.KNOWN_MATERIAL and f.basis is Basis.KNOWN
    )
    benign = _where(findings, lambda f: f.claim is Claim.KNOWN_BENIGN)
    if material and benign:
        yield Conflict(
            "known-beside-benign",
            "It matches a hash set of known material and one of known benign pictures.",
            material + benign,
        )


def _reported(findings: Sequence[Finding]) -> Iterable[Conflict]:
    for index, finding in enumerate(findings):
        if finding.conflict is not None:
            yield Conflict(finding.conflict, finding.summary, (index,))


_RULES: tuple[Callable[[Sequence[Finding]], Iterable[Conflict]], ...] = (
    _camera_beside_mark,
    _camera_beside_parameters,
    _mark_alone,
    _signed_against_signed,
    _known_sets_disagree,
    _known_beside_benign,
    _reported,
)
