"""What people decide about cases."""

from lightkeeper.cases.decision._decision import (
    Artefact,
    Confidence,
    Decision,
    FileAnnotation,
    ItemDecision,
    Outcome,
    Seen,
)

__all__ = [
    "Artefact",
    "Confidence",
    "Decision",
    "FileAnnotation",
    "ItemDecision",
    "Outcome",
    "Seen",
]
