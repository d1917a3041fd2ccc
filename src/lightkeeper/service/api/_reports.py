"""Reports: where each stands. They are prepared and confirmed on the pages, by people."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from fastapi import APIRouter
from pydantic import BaseModel

from lightkeeper.reporting.outbox import Receipt, Step, Submission, SubmissionState
from lightkeeper.service._acting import Acting, Serving
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


def report_routes() -> APIRouter:
    """Routes of reports."""
    router = APIRouter(tags=["reports"])

    @router.get("/api/v1/reports", responses=refusals())
    def list_reports(
        actor: Acting, services: Serving, state: SubmissionState | None = None
    ) -> list[SubmissionView]:
        """Reports that one may see: drafts, those on their way and dead ones, or of one state."""
        states = {} if state is None else {"states": frozenset({state})}
        return [SubmissionView.of(each) for each in services.reports.listed(actor, **states)]

    @router.get("/api/v1/reports/{submission_id}", responses=refusals(404))
    def report(submission_id: str, actor: Acting, services: Serving) -> SubmissionView:
        """Where a report stands."""
        return SubmissionView.of(services.reports.submission(actor, submission_id))

    @router.get("/api/v1/reports/{submission_id}/receipts", responses=refusals(404))
    def receipts(submission_id: str, actor: Acting, services: Serving) -> list[ReceiptView]:
        """What the receiver answered, in the order of the requests."""
        return [ReceiptView.of(each) for each in services.reports.receipts(actor, submission_id)]

    return router
