"""Reports on their way out: exactly one finished report for a case, whatever crashes."""

from lightkeeper.reporting.outbox._submission import (
    PreparedFile,
    PreparedReport,
    Receipt,
    SentFile,
    Step,
    Submission,
    SubmissionState,
)

__all__ = [
    "PreparedFile",
    "PreparedReport",
    "Receipt",
    "SentFile",
    "Step",
    "Submission",
    "SubmissionState",
]
