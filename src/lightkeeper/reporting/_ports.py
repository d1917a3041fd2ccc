"""What reporting needs from the store; implemented in ``storage``, in the cases' data base."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from lightkeeper.cases import CaseReader, CaseWriter

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import datetime, timedelta

    from lightkeeper.reporting.outbox import Receipt, Submission, SubmissionState


class ReportReader(CaseReader, Protocol):
    """Cases, and their submissions."""

    def submission(self, submission_id: str) -> Submission | None: ...

    def submissions(self, case_id: str) -> tuple[Submission, ...]:
        """Oldest first."""

    def submissions_in(
        self, states: frozenset[SubmissionState], *, limit: int = 100, troubled: bool = False
    ) -> tuple[Submission, ...]:
        """Those that change next first; where ``troubled``, only those with a problem."""

    def receipts(self, submission_id: str) -> tuple[Receipt, ...]:
        """In the order of the requests."""


class ReportWriter(CaseWriter, ReportReader, Protocol):
    """A transaction over cases and submissions together."""

    def add_submission(self, submission: Submission) -> None:
        """At most one submission of a case is a draft, confirmed, dead or finished.

        Raises
        ------
        InvalidTransition
        """

    def save_submission(self, submission: Submission) -> Submission:
        """Replace the submission of the same version.

        Raises
        ------
        StaleCase
        """

    def add_receipt(self, submission_id: str, receipt: Receipt) -> None: ...

    def lease_submission(self, *, now: datetime, lasts: timedelta) -> Submission | None:
        """A confirmed submission whose ``next_attempt`` has come and that no other worker holds;
        its ``next_attempt`` is moved to the end of the lease."""


class ReportStore(Protocol):
    """Cases and submissions, for any number of threads and processes."""

    def reading(self) -> AbstractContextManager[ReportReader]: ...

    def writing(self) -> AbstractContextManager[ReportWriter]: ...
