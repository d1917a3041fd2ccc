"""Reports: what exactly will be sent, and a person who says so."""

from __future__ import annotations

from typing import Any, Final, Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from lightkeeper.errors import InvalidReport
from lightkeeper.reporting.outbox import SubmissionState
from lightkeeper.service._acting import Acting, Granting, Serving
from lightkeeper.service._words import short
from lightkeeper.service.pages._answers import Answers
from lightkeeper.service.pages._case import case_page
from lightkeeper.service.pages._frame import Posted, back_to, framed, names_of, text_of
from lightkeeper.service.pages._report_documents import documents_of
from lightkeeper.service.pages._report_summary import summary_of
from lightkeeper.service.pages._reporter_form import problems_by_field, read_reporter_answers

_NEEDING: Final = frozenset({SubmissionState.DEAD})
_WAITING: Final = frozenset({SubmissionState.DRAFT, SubmissionState.CONFIRMED})
_DONE: Final = frozenset(
    {SubmissionState.FINISHED, SubmissionState.RETRACTED, SubmissionState.DISCARDED}
)
_MOST_RECEIPT: Final = 4_000
_OUTCOMES: Final = {"finished": True, "not-finished": False}


def report_routes() -> APIRouter:
    """Lists of reports, and each of them."""
    router = APIRouter(include_in_schema=False)

    @router.get("/reports")
    def reports(
        request: Request,
        actor: Acting,
        services: Serving,
        config: Granting,
        show: Literal["needs", "waiting", "done"] | None = None,
    ) -> HTMLResponse:
        finished = frozenset({SubmissionState.FINISHED})
        needing = (
            *services.reports.listed(actor, _NEEDING),
            *services.reports.listed(actor, finished, troubled=True),
        )
        waiting = services.reports.listed(actor, _WAITING)
        # What stands still comes first, until there is nothing of it.
        show = show or ("needs" if needing else "waiting")
        done = services.reports.listed(actor, _DONE) if show == "done" else ()
        context: dict[str, Any] = {
            "reports": {"needs": needing, "waiting": waiting, "done": done}[show],
            "show": show,
            "counts": {"needs": len(needing), "waiting": len(waiting)},
            "names": names_of(services),
        }
        return framed(request, actor, services, config, "reports.html", **context)

    @router.post("/cases/{case_id}/report")
    def prepare(
        case_id: str,
        request: Request,
        form: Posted,
        actor: Acting,
        services: Serving,
        config: Granting,
    ) -> Response:
        answers, problems = read_reporter_answers(form)
        if answers is not None:
            try:
                submission = services.reports.prepare(actor, case_id, answers)
            except InvalidReport as error:
                problems = problems_by_field(error)
            else:
                return back_to(f"/reports/{submission.id}", "prepared")
        given = {name: [str(value) for value in form.getlist(name)] for name in form}
        reported = Answers(given, problems)
        return case_page(request, actor, services, config, case_id, reported=reported, status=422)

    @router.get("/reports/{submission_id}")
    def report(
        submission_id: str, request: Request, actor: Acting, services: Serving, config: Granting
    ) -> HTMLResponse:
        return _page(request, actor, services, config, submission_id)

    @router.post("/reports/{submission_id}/confirm", response_model=None)
    def confirm(
        submission_id: str,
        request: Request,
        form: Posted,
        actor: Acting,
        services: Serving,
        config: Granting,
    ) -> HTMLResponse | RedirectResponse:
        submission = services.reports.submission(actor, submission_id)
        if text_of(form, "typed", most=100) != short(submission.case):
            problem = "This is not the beginning of the case’s identifier."
            return _page(request, actor, services, config, submission_id, problem=problem)
        services.reports.confirm(actor, submission_id)
        return back_to(f"/reports/{submission_id}", "confirmed")

    @router.post("/reports/{submission_id}/discard")
    def discard(submission_id: str, actor: Acting, services: Serving) -> RedirectResponse:
        submission = services.reports.discard(actor, submission_id)
        return back_to(f"/cases/{submission.case}", "discarded")

    @router.post("/reports/{submission_id}/retract")
    def retract(submission_id: str, actor: Acting, services: Serving) -> RedirectResponse:
        services.reports.retract(actor, submission_id)
        return back_to(f"/reports/{submission_id}", "retracted")

    @router.post("/reports/{submission_id}/retry")
    def retry(submission_id: str, actor: Acting, services: Serving) -> RedirectResponse:
        services.reports.retry_dead(actor, submission_id)
        return back_to(f"/reports/{submission_id}", "retried")

    @router.post("/reports/{submission_id}/settle", response_model=None)
    def settle(
        submission_id: str,
        request: Request,
        form: Posted,
        actor: Acting,
        services: Serving,
        config: Granting,
    ) -> HTMLResponse | RedirectResponse:
        number, outcome = text_of(form, "number", most=100), text_of(form, "outcome", most=20)
        submission = services.reports.submission(actor, submission_id)
        problem = None
        if number != submission.report_id:
            problem = "This is not the receiver’s number of the report."
        elif outcome not in _OUTCOMES:
            problem = "Say which of the two the receiver has told you."
        if problem:
            return _page(request, actor, services, config, submission_id, problem=problem)
        services.reports.settle(actor, submission_id, number, finished=_OUTCOMES[outcome])
        return back_to(f"/reports/{submission_id}", "settled")

    return router


def _page(
    request: Request,
    actor: Acting,
    services: Serving,
    config: Granting,
    submission_id: str,
    *,
    problem: str | None = None,
) -> HTMLResponse:
    submission = services.reports.submission(actor, submission_id)
    receipts = [
        (receipt, receipt.body[:_MOST_RECEIPT].decode("utf-8", "replace"))
        for receipt in services.reports.receipts(actor, submission_id)
    ]
    with services.cases.reading() as reader:
        case = reader.case(submission.case)
    context = {
        "submission": submission,
        "case": case,
        "summary": summary_of(submission),
        "documents": documents_of(submission.prepared),
        "receiver": services.receiver,
        "receipts": receipts,
        "names": names_of(services),
        "problem": problem,
    }
    status = 422 if problem else 200
    return framed(request, actor, services, config, "report.html", status=status, **context)
