"""From findings to an assessment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.assessment._calibration import Calibration
from lightkeeper.assessment._classification import Classification
from lightkeeper.assessment._conflicts import find_conflicts
from lightkeeper.assessment._fusion import Support, is_decoder_grid, net, sum_up, weigh
from lightkeeper.assessment._result import Assessment, Origin, Strength, Weight
from lightkeeper.assessment._routing import route
from lightkeeper.evidence import Basis, Claim, Hypothesis
from lightkeeper.evidence.known import KnownMatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lightkeeper.evidence import Finding, NotExamined


def assess(
    findings: Sequence[Finding],
    *,
    not_examined: Sequence[NotExamined] = (),
    calibration: Calibration | None = None,
) -> Assessment:
    """Say what the findings of one file mean together.

    Parameters
    ----------
    findings : sequence of Finding
        All findings about one file; results point into it by index.
    not_examined : sequence of NotExamined
        What was not looked at, and why.
    calibration : Calibration, optional
        Weights; those that ship with Lightkeeper by default.

    Returns
    -------
    Assessment
        ``undetermined`` wherever no weighed evidence prevails.
    """
    calibration = calibration or Calibration.load()
    weights = weigh(findings, calibration)
    origin, log10_lr = _origin(sum_up(findings, weights, calibration))
    carried_by = _carriers(origin, weights)
    conflicts = find_conflicts(findings)
    return Assessment(
        origin=origin,
        strength=Strength.of(log10_lr) if log10_lr is not None else Strength.NONE,
        log10_lr=log10_lr,
        carried_by=carried_by,
        weights=weights,
        conflicts=conflicts,
        not_examined=tuple(not_examined),
        labels=_proposed(findings, origin, carried_by),
        routing=route(findings, origin, conflicts, not_examined),
        calibration=calibration.id,
    )


def _origin(support: dict[Hypothesis, Support]) -> tuple[Origin, float | None]:
    best: tuple[Origin, float | None] = (Origin.UNDETERMINED, None)
    for hypothesis in support:
        value = net(hypothesis, support)
        if Strength.of(value) is not Strength.NONE and (best[1] is None or value > best[1]):
            best = (Origin(hypothesis.value), round(value, 3))
    return best


def _carriers(origin: Origin, weights: Sequence[Weight]) -> tuple[int, ...]:
    return tuple(w.finding for w in weights if w.counted and w.supports.value == origin.value)


def _proposed(
    findings: Sequence[Finding], origin: Origin, carried_by: tuple[int, ...]
) -> Classification:
    labels = Classification()
    # A photograph may have come through a decoder too: the grid alone proposes no label.
    telling = [i for i in carried_by if not is_decoder_grid(findings[i])]
    if origin is Origin.GENERATED and telling:
        strongest = max(telling, key=lambda i: list(Basis).index(findings[i].basis))
        labels = labels.propose(
            "computer_generated", True, basis=findings[strongest].basis, findings=carried_by
        )
    modelled = tuple(i for i, f in enumerate(findings) if _names_a_person(f))
    if modelled:
        labels = labels.propose("modelled_after_person", True, basis=Basis.KNOWN, findings=modelled)
    return labels


def _names_a_person(finding: Finding) -> bool:
    details = finding.details
    return (
        finding.claim is Claim.KNOWN_MATERIAL
        and finding.basis is Basis.KNOWN
        and isinstance(details, KnownMatch)
        and details.labels.modelled_after_person is True
    )
