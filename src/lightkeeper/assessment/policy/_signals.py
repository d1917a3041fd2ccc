"""What is known of an item before anything costly has looked at it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.assessment.policy._policy import Trigger
from lightkeeper.evidence import Claim
from lightkeeper.evidence.detectors.plugins import DetectorScore
from lightkeeper.evidence.detectors.plugins._manifest import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lightkeeper.assessment._result import Conflict
    from lightkeeper.assessment.policy._policy import CascadePolicy
    from lightkeeper.evidence import Finding


@dataclass(frozen=True, slots=True)
class Signals:
    """The triggers of one item."""

    triggers: frozenset[Trigger]

    @classmethod
    def of(
        cls,
        findings: Sequence[Finding],
        conflicts: Sequence[Conflict],
        policy: CascadePolicy,
        *,
        item: bytes,
        salt: bytes,
        reported: bool = False,
    ) -> Signals:
        """Read the triggers off what is already known.

        Parameters
        ----------
        item : bytes
            Anything that identifies the item; the same one is always sampled or never.
        salt : bytes
            A secret of the deployment, so that nobody outside can tell which items are sampled.
        """
        found = {Trigger.ALWAYS}
        if reported:
            found.add(Trigger.USER_REPORT)
        if conflicts:
            found.add(Trigger.CONFLICT)
        if any(f.claim is Claim.KNOWN_MATERIAL for f in findings):
            found.add(Trigger.KNOWN_MATERIAL)
        if any(_routes(f, policy) for f in findings):
            found.add(Trigger.ROUTING_SIGNAL)
        if sampled(item, salt, policy):
            found.add(Trigger.SAMPLED)
        return cls(frozenset(found))


def _routes(finding: Finding, policy: CascadePolicy) -> bool:
    details = finding.details
    return (
        isinstance(details, DetectorScore)
        and details.role is Role.ROUTING
        and details.score >= policy.routing_at
    )


def sampled(item: bytes, salt: bytes, policy: CascadePolicy) -> bool:
    """Whether an item is drawn; the same one is always, or never."""
    digest = hashlib.blake2b(item, digest_size=8, key=salt[:64]).digest()
    return int.from_bytes(digest, "big") / 2**64 < policy.sampling_rate
