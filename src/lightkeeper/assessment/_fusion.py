"""Likelihood ratios of findings, combined without counting one source twice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lightkeeper.assessment._calibration import FORGEABLE
from lightkeeper.assessment._result import Weight
from lightkeeper.evidence import Basis, Hypothesis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lightkeeper.assessment._calibration import Calibration
    from lightkeeper.evidence import Finding

_OPPOSED = {
    Hypothesis.GENERATED: (Hypothesis.CAPTURED,),
    # An edited photograph was captured once, so a camera's traces do not speak against it.
    Hypothesis.AI_EDITED: (),
    Hypothesis.CAPTURED: (Hypothesis.GENERATED, Hypothesis.AI_EDITED),
}


_DECODER_GRID = "pixels:decoder-grid"


def is_decoder_grid(finding: Finding) -> bool:
    """Whether it says that a whole picture came through a generator's decoder."""
    return finding.source == _DECODER_GRID


def _supported(finding: Finding, findings: Sequence[Finding]) -> Hypothesis | None:
    """What a finding speaks for.

    A decoder's grid says that the picture came through the decoder: made by the generator, or a
    photograph that was put through it. Where something else speaks for a camera, it is the
    second: the two do not contradict each other.
    """
    made = is_decoder_grid(finding) and finding.supports is Hypothesis.GENERATED
    if made and any(other.supports is Hypothesis.CAPTURED for other in findings):
        return Hypothesis.AI_EDITED
    return finding.supports


def weigh(findings: Sequence[Finding], calibration: Calibration) -> tuple[Weight, ...]:
    """Weight of every finding that supports an origin and has a weight.

    Per hypothesis, only the heaviest finding of a source is counted, and of those only the
    heaviest of a witness: one who alone could have made all of it.
    """
    weights = [
        w
        for i, f in enumerate(findings)
        if (w := _weight(i, f, _supported(f, findings), calibration))
    ]
    by_source = _heaviest(weights, [findings[w.finding].source for w in weights])
    by_witness = _heaviest(by_source, [_witness(findings[w.finding]) for w in by_source])
    counted = {id(w) for w in by_witness}
    return tuple(replace(w, counted=id(w) in counted) for w in weights)


def _heaviest(weights: Sequence[Weight], keys: Sequence[str]) -> list[Weight]:
    """The heaviest weight of each key and hypothesis."""
    best: dict[tuple[Hypothesis, str], Weight] = {}
    for weight, key in zip(weights, keys, strict=True):
        known = best.get((weight.supports, key))
        if known is None or weight.log10_lr > known.log10_lr:
            best[weight.supports, key] = weight
    return list(best.values())


def _witness(finding: Finding) -> str:
    match finding.basis:
        case Basis.KNOWN:
            # Hash sets copy from one another, and all hashes of an entry rest on one person's word.
            return "hash sets"
        case Basis.ASSERTED:
            # Who saved the file last could have written all of its text, and signed it with a
            # certificate of their own. The same words in two places are no second voice.
            return "whoever wrote the file"
        case _:
            return finding.source


def _weight(
    index: int, finding: Finding, supports: Hypothesis | None, calibration: Calibration
) -> Weight | None:
    if supports is None:
        return None
    if finding.log10_lr is not None and finding.calibration is not None:
        reason = f"Likelihood ratio measured by calibration {finding.calibration}."
        return Weight(index, supports, finding.log10_lr, finding.calibration, reason, counted=True)
    bound = calibration.bound(finding)
    if bound is None:
        return None
    return Weight(index, supports, bound.log10_lr, bound.id, bound.reason, counted=True)


@dataclass(frozen=True, slots=True)
class Support:
    """log10 LR for one hypothesis, apart by whether anyone could have made the evidence."""

    firm: float
    forgeable: float

    @property
    def total(self) -> float:
        """Both together; the forgeable part is already capped."""
        return self.firm + self.forgeable


NO_SUPPORT = Support(0.0, 0.0)


def sum_up(
    findings: Sequence[Finding], weights: Sequence[Weight], calibration: Calibration
) -> dict[Hypothesis, Support]:
    """Support per hypothesis: independent sources add up, forgeable ones only to the cap."""
    result: dict[Hypothesis, Support] = {}
    for hypothesis in Hypothesis:
        mine = [w for w in weights if w.counted and w.supports is hypothesis]
        forgeable = sum(w.log10_lr for w in mine if findings[w.finding].basis in FORGEABLE)
        firm = sum(w.log10_lr for w in mine if findings[w.finding].basis not in FORGEABLE)
        if mine:
            result[hypothesis] = Support(firm, min(forgeable, calibration.forgeable_cap))
    return result


def net(hypothesis: Hypothesis, support: dict[Hypothesis, Support]) -> float:
    """log10 LR of a hypothesis after the strongest evidence against it.

    What anyone can forge does not prevail over any evidence to the contrary: a public mark on a
    picture with camera fields is a stalemate, however well the mark is read.
    """
    mine = support.get(hypothesis, NO_SUPPORT)
    against = max(
        (support.get(other, NO_SUPPORT).total for other in _OPPOSED[hypothesis]), default=0.0
    )
    if against <= 0:
        return mine.total
    return mine.firm - against if mine.firm <= 0 else mine.total - against
