"""What one examiner saw.

Each sub-package examines one kind of evidence. An examiner reports findings; it neither fuses
nor judges.
"""

from lightkeeper.evidence._examine import Examination, Failure, examine
from lightkeeper.evidence._finding import (
    Basis,
    Claim,
    Details,
    Examiner,
    Finding,
    Hypothesis,
    NotExamined,
    Tier,
)

__all__ = [
    "Basis",
    "Claim",
    "Details",
    "Examination",
    "Examiner",
    "Failure",
    "Finding",
    "Hypothesis",
    "NotExamined",
    "Tier",
    "examine",
]
