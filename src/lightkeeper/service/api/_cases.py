"""Cases: opening, listing, reading."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final
from urllib.parse import unquote

from anyio.to_thread import run_sync
from fastapi import APIRouter, Header, Request, Response

from lightkeeper.cases.desk import NewItem
from lightkeeper.cases.item import ItemKind, ItemState
from lightkeeper.cases.record import Case
from lightkeeper.service._acting import Acting, Granting, Serving
from lightkeeper.service._refusal import Refusal
from lightkeeper.service.api._filters import Filtered, Queued
from lightkeeper.service.api._models import (
    CaseBody,
    CaseFileView,
    CountView,
    ItemView,
    PageView,
    TextBody,
)
from lightkeeper.service.api._refusals import refusals

_UPLOAD: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_MOST_FACTS: Final = 50


def case_routes(max_upload_bytes: int) -> APIRouter:
    """Routes of intakes and of queues."""
    router = APIRouter(tags=["cases"])

    @router.post("/api/v1/cases", status_code=201, responses={**refusals(), 200: {"model": Case}})
    def open_case(body: CaseBody, actor: Acting, services: Serving, response: Response) -> Case:
        """Open a case. Where the same key has opened it under the same ``source_id``, it is given
        unchanged, with status 200."""
        before = services.clock()
        case = services.desk.open_case(actor, body.new_case())
        if case.opened < before:
            response.status_code = 200
        return case

    @router.post("/api/v1/cases/{case_id}/items", status_code=201, responses=refusals(404, 409))
    def add_text(case_id: str, body: TextBody, actor: Acting, services: Serving) -> ItemView:
        """Add a prompt, a text, or a reference to a model."""
        return _added(services, services.desk.add_item(actor, case_id, body.new_item()))

    @router.post(
        "/api/v1/cases/{case_id}/media",
        status_code=201,
        responses=refusals(404, 408, 409),
        openapi_extra=_UPLOAD,
        max_body_size=max_upload_bytes,
    )
    async def add_media(
        case_id: str,
        request: Request,
        actor: Acting,
        services: Serving,
        granting: Granting,
        file_name: Annotated[
            str | None,
            Header(alias="Lightkeeper-File-Name", max_length=1_000, description="Percent-encoded."),
        ] = None,
        facts: Annotated[
            str | None,
            Header(
                alias="Lightkeeper-Facts",
                max_length=16_000,
                description="A JSON object of strings, in ASCII.",
            ),
        ] = None,
    ) -> ItemView:
        """Add a file: the body is its content, and it is examined soon. Nothing of it is written
        to a disk in the clear, and neither names nor facts stand in an address."""
        content = await request.body()
        if not content:
            raise Refusal(422, "no-file", "The body holds no file.")
        if len(content) > granting.max_upload_bytes:
            raise Refusal(413, "too-large", "The file is too large.")
        new = NewItem(
            kind=ItemKind.MEDIA,
            content=content,
            file_name=unquote(file_name, errors="replace") if file_name else None,
            facts=_facts(facts),
        )
        item = await run_sync(services.desk.add_item, actor, case_id, new)
        return await run_sync(_added, services, item)

    @router.get("/api/v1/cases", responses=refusals())
    def list_cases(parameters: Queued, actor: Acting, services: Serving) -> PageView:
        """Part of a queue, of cases that one may see."""
        page = services.desk.queue(
            actor,
            parameters.case_filter(),
            sort=parameters.sort,
            after=parameters.after,
            limit=parameters.limit,
        )
        return PageView(cases=list(page.cases), next=page.next)

    @router.get("/api/v1/cases/count", responses=refusals())
    def count_cases(parameters: Filtered, actor: Acting, services: Serving) -> CountView:
        """How many cases, counted up to 10,000."""
        return CountView(count=services.desk.count(actor, parameters.case_filter()))

    @router.get("/api/v1/cases/{case_id}", responses=refusals(404))
    def case_file(case_id: str, actor: Acting, services: Serving) -> CaseFileView:
        """Everything about a case that one may see. Reading it is written to the audit."""
        return CaseFileView.of(services.desk.case_file(actor, case_id))

    return router


def _added(services: Serving, item: Any) -> ItemView:
    if item.state is ItemState.WAITING:
        services.examine(item.id)
    return ItemView.of(item)


def _facts(text: str | None) -> dict[str, str]:
    if text is None:
        return {}
    try:
        facts = json.loads(text)
    except ValueError:
        facts = None
    if (
        not isinstance(facts, dict)
        or len(facts) > _MOST_FACTS
        or not all(_is_text(name) and _is_text(value) for name, value in facts.items())
    ):
        raise Refusal(422, "invalid-request", "Lightkeeper-Facts must be a JSON object of strings.")
    return facts


def _is_text(value: Any) -> bool:
    """Escapes of JSON can spell half a surrogate pair, which is no character."""
    try:
        return isinstance(value, str) and bool(value.encode() or True)
    except UnicodeEncodeError:
        return False
