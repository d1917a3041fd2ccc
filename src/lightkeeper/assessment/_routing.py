"""Where a person should look first.

Every contribution below is added for the presence of a finding and none is taken away, so more
evidence of any kind, generation included, can only raise a priority.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.assessment._result import Origin, Routing
from lightkeeper.evidence import Basis, Claim, Hypothesis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lightkeeper.assessment._result import Conflict
    from lightkeeper.evidence import Finding, NotExamined

_BASE = 50
_CAPTURED = 20
_CONTRADICTED = 15
_KNOWN = 25
_KNOWN_CAPTURED = 30


def route(
    findings: Sequence[Finding],
    origin: Origin,
    conflicts: Sequence[Conflict],
    not_examined: Sequence[NotExamined],
) -> Routing:
    """Priority, next steps and the reasons for them."""
    priority = _BASE
    reasons = ["A real person may be shown until somebody has decided otherwise."]
    captured = [f for f in findings if f.supports is Hypothesis.CAPTURED]
    if captured:
        priority += _CAPTURED
    if any(f.basis is not Basis.KNOWN for f in captured):
        reasons.append("There are traces of a camera.")
    if any(f.claim in (Claim.CONTRADICTION, Claim.DAMAGED) for f in findings):
        priority += _CONTRADICTED
        reasons.append("What the file says contradicts itself.")
    if any(f.claim is Claim.KNOWN_MATERIAL and f.basis is Basis.KNOWN for f in findings):
        priority += _KNOWN
        reasons.append("It matches known material.")
    if any(f.basis is Basis.KNOWN for f in captured):
        priority += _KNOWN_CAPTURED
        reasons.append("It matches known photographed material.")
    if any(f.claim is Claim.KNOWN_BENIGN for f in findings):
        reasons.append("A hash set says that it is benign; this lowers nothing.")
    return Routing(min(priority, 100), _needs(origin, conflicts, not_examined), tuple(reasons))


def _needs(
    origin: Origin, conflicts: Sequence[Conflict], not_examined: Sequence[NotExamined]
) -> tuple[str, ...]:
    needs = ["person-decides"]
    if conflicts:
        needs.append("resolve-conflicts")
    if origin is Origin.UNDETERMINED and not_examined:
        needs.append("deeper-examination")
    return tuple(needs)
