"""What people decide about cases, how far they agree, and what the law may say to it."""

from lightkeeper.cases.decision._agreement import Agreement, agreement, krippendorff_alpha
from lightkeeper.cases.decision._decision import (
    Artefact,
    Confidence,
    Decision,
    FileAnnotation,
    ItemDecision,
    Outcome,
    Seen,
)
from lightkeeper.cases.decision._guidance import Guidance, guidance

__all__ = [
    "Agreement",
    "Artefact",
    "Confidence",
    "Decision",
    "FileAnnotation",
    "Guidance",
    "ItemDecision",
    "Outcome",
    "Seen",
    "agreement",
    "guidance",
    "krippendorff_alpha",
]
