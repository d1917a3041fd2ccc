"""What an operator should know before a scan, said once instead of in every row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.evidence import Tier

if TYPE_CHECKING:
    from lightkeeper.scan import Policy


def cautions(policy: Policy) -> tuple[str, ...]:
    """Autoencoders that cannot give a finding, and those that cost more than a file may take.

    Raises
    ------
    InvalidConfiguration
        A registry entry is wrong.
    """
    if not policy.autoencoders or policy.tier < Tier.MODEL:
        return ()
    from lightkeeper.evidence.detectors.reconstruction import ReconstructionExaminer

    examiners = [
        ReconstructionExaminer.from_files(policy.autoencoders, deep=deep) for deep in (False, True)
    ]
    said = [
        words
        for examiner in examiners
        if examiner.tier <= policy.tier and examiner.name not in policy.without
        for words in examiner.cautions(policy.limits.max_seconds)
    ]
    return tuple(dict.fromkeys(said))
