"""Cases and what they hold: immutable records, no behaviour."""

from lightkeeper.cases.record._case import (
    UNDECIDED,
    Arising,
    Case,
    CaseState,
    Claim,
    Intake,
    Outline,
    Signal,
    Subject,
    SubjectKind,
    Triage,
    TriageReason,
)

__all__ = [
    "UNDECIDED",
    "Arising",
    "Case",
    "CaseState",
    "Claim",
    "Intake",
    "Outline",
    "Signal",
    "Subject",
    "SubjectKind",
    "Triage",
    "TriageReason",
]
