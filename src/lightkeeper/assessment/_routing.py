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
    if any(f.supports is Hypothesis.CAPTURED for f in findings):
        priority += _CAPTURED
        reasons.append("There are traces of a camera.")
    if any(f.claim in (Claim.CONTRADICTION, Claim.DAMAGED) for f in findings):
        priority += _CONTRADICTED
        reasons.append("What the file says contradicts itself.")
    if any(f.basis is Basis.KNOWN and f.supports is Hypothesis.CAPTURED for f in findings):
        priority += _KNOWN_CAPTURED
        reasons.append("It matches known photographed material.")
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
