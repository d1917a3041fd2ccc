"""Reports: where each stands, and what becomes of those that do not go on by themselves.

They are prepared and confirmed on the pages, where a person sees what exactly will be sent.
"""

from __future__ import annotations

from datetime import datetime
from typing import Self

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from lightkeeper.reporting.outbox import Receipt, Step, Submission, SubmissionState
from lightkeeper.service._acting import Acting, Serving
from lightkeeper.service.api._models import Word
from lightkeeper.service.api._refusals import refusals


class SubmissionView(BaseModel):
    """A report and where it stands, without what it says."""

    id: str
    case: str
    state: SubmissionState
    prepared_by: str
    prepared_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None
    report_id: str | None
    attempts: int
    next_attempt: datetime | None
    problem: str | None
    finish_unknown: bool
    """Whether a person has to ask the receiver what became of it, and to settle that."""
    finished_at: datetime | None

    @classmethod
    def of(cls, submission: Submission) -> Self:
        """From the record."""
        return cls(**{name: getattr(submission, name) for name in cls.model_fields})


class ReceiptView(BaseModel):
    """An answer of the receiver; its body is on the page of the report."""

    at: datetime
    step: Step
    item: str | None
    status: int
    code: int | None
    request_id: str | None

    @classmethod
    def of(cls, receipt: Receipt) -> Self:
        """From the record."""
        return cls(**{name: getattr(receipt, name) for name in cls.model_fields})


class SettleBody(BaseModel):
    """What the receiver has told a person of a report whose end is unknown."""

    model_config = ConfigDict(extra="forbid")

    number: Word
    """The receiver's number of the report."""
    finished: bool


def report_routes() -> APIRouter:
    """Routes of reports."""
    router = APIRouter(tags=["reports"])

    @router.get("/api/v1/reports", responses=refusals())
    def list_reports(
        actor: Acting, services: Serving, state: SubmissionState | None = None
    ) -> list[SubmissionView]:
        """Reports that one may see: drafts, those on their way and dead ones, or of one state."""
        if state is None:
            found = services.reports.listed(actor)
        else:
            found = services.reports.listed(actor, states=frozenset({state}))
        return [SubmissionView.of(each) for each in found]

    @router.get("/api/v1/reports/{submission_id}", responses=refusals(404))
    def report(submission_id: str, actor: Acting, services: Serving) -> SubmissionView:
        """Where a report stands."""
        return SubmissionView.of(services.reports.submission(actor, submission_id))

    @router.get("/api/v1/reports/{submission_id}/receipts", responses=refusals(404))
    def receipts(submission_id: str, actor: Acting, services: Serving) -> list[ReceiptView]:
        """What the receiver answered, in the order of the requests."""
        return [ReceiptView.of(each) for each in services.reports.receipts(actor, submission_id)]

    @router.post("/api/v1/reports/{submission_id}/discard", responses=refusals(404, 409))
    def discard(submission_id: str, actor: Acting, services: Serving) -> SubmissionView:
        """Throw a draft away; the case still waits for a report."""
        return SubmissionView.of(services.reports.discard(actor, submission_id))

    @router.post("/api/v1/reports/{submission_id}/retract", responses=refusals(404, 409))
    def retract(submission_id: str, actor: Acting, services: Serving) -> SubmissionView:
        """Withdraw a report that is not finished."""
        return SubmissionView.of(services.reports.retract(actor, submission_id))

    @router.post("/api/v1/reports/{submission_id}/retry", responses=refusals(404, 409))
    def retry(submission_id: str, actor: Acting, services: Serving) -> SubmissionView:
        """Send what was given up once more, now that its cause is gone."""
        return SubmissionView.of(services.reports.retry_dead(actor, submission_id))

    @router.post("/api/v1/reports/{submission_id}/settle", responses=refusals(404, 409))
    def settle(
        submission_id: str, body: SettleBody, actor: Acting, services: Serving
    ) -> SubmissionView:
        """Say what became of a report whose end is unknown: a person has asked the receiver."""
        settled = services.reports.settle(actor, submission_id, body.number, finished=body.finished)
        return SubmissionView.of(settled)

    return router
