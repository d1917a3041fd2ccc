"""Reports: what exactly will be sent, and a person who says so."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse

from lightkeeper.reporting.outbox import SubmissionState
from lightkeeper.service._acting import Acting, Granting, Serving
from lightkeeper.service._refusal import Refusal
from lightkeeper.service._words import short
from lightkeeper.service.pages._frame import Posted, back_to, framed, names_of, text_of
from lightkeeper.service.pages._report_summary import summary_of
from lightkeeper.service.pages._reporter_form import read_reporter_answers

if TYPE_CHECKING:
    from lightkeeper.reporting.outbox import PreparedReport

_WAITING: Final = frozenset(
    {SubmissionState.DRAFT, SubmissionState.CONFIRMED, SubmissionState.DEAD}
)
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
        request: Request, actor: Acting, services: Serving, config: Granting, done: bool = False
    ) -> HTMLResponse:
        found = services.reports.listed(actor, _DONE if done else _WAITING)
        context: dict[str, Any] = {"reports": found, "done": done, "names": names_of(services)}
        return framed(request, actor, services, config, "reports.html", **context)

    @router.post("/cases/{case_id}/report")
    def prepare(case_id: str, form: Posted, actor: Acting, services: Serving) -> RedirectResponse:
        submission = services.reports.prepare(actor, case_id, read_reporter_answers(form))
        return back_to(f"/reports/{submission.id}", "prepared")

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
    documents = list(_documents(submission.prepared))
    with services.cases.reading() as reader:
        case = reader.case(submission.case)
    context = {
        "submission": submission,
        "case": case,
        "summary": summary_of(submission),
        "documents": documents,
        "receipts": receipts,
        "names": names_of(services),
        "problem": problem,
    }
    status = 422 if problem else 200
    return framed(request, actor, services, config, "report.html", status=status, **context)


def _documents(
    prepared: PreparedReport,
) -> Iterator[tuple[str, list[tuple[int, str, str]], str, bool | None]]:
    """Title, rows, XML, and what is said about viewing."""
    yield ("Report", *_read(prepared.report_xml))
    for number, file in enumerate(prepared.files, 1):
        yield (f"File {number}", *_read(file.details_xml))


def _read(document: bytes) -> tuple[list[tuple[int, str, str]], str, bool | None]:
    """Rows of depth, name and text; the same indented; ``fileViewedByEsp``."""
    try:
        root = ET.fromstring(document)
    except ET.ParseError:
        raise Refusal(500, "unreadable", "The prepared report cannot be read.") from None
    rows = list(_rows(root, 0))
    ET.indent(root)
    viewed = root.findtext("fileViewedByEsp")
    text = ET.tostring(root, encoding="unicode")
    return rows, text, None if viewed is None else viewed == "true"


def _rows(element: ET.Element, depth: int) -> Iterator[tuple[int, str, str]]:
    if element.tag == "nameValuePair":
        yield min(depth, 4), element.findtext("name") or "", element.findtext("value") or ""
        return
    attributes = ", ".join(f"{name} {value}" for name, value in element.attrib.items())
    name = f"{element.tag} ({attributes})" if attributes else element.tag
    yield min(depth, 4), name, (element.text or "").strip()
    for child in element:
        yield from _rows(child, depth + 1)
