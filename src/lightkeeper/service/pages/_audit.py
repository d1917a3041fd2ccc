"""The audit, for auditors."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse

from lightkeeper.cases.audit import Anchor
from lightkeeper.cases.desk import verify_audit
from lightkeeper.errors import InvalidConfiguration
from lightkeeper.service._acting import Acting, Granting, Serving
from lightkeeper.service._refusal import Refusal
from lightkeeper.service.pages._frame import Posted, framed, names_of, text_of

if TYPE_CHECKING:
    from lightkeeper.cases import CaseReader
    from lightkeeper.cases.audit import Event

_SHOWN: Final = 100
_LOOKED_AT: Final = 20_000


def audit_routes() -> APIRouter:
    """What everybody did, newest first."""
    router = APIRouter(include_in_schema=False)

    @router.get("/audit")
    def audit(
        request: Request,
        actor: Acting,
        services: Serving,
        config: Granting,
        case: Annotated[str, Query(max_length=100)] = "",
        person: Annotated[str, Query(max_length=100)] = "",
        before: Annotated[int, Query(ge=0, le=1 << 62)] = 0,
    ) -> HTMLResponse:
        names = names_of(services)
        wanted = {id for id, name in names.items() if name == person} | {person}
        with services.cases.reading() as reader:
            head = reader.head()
            end = before or (head.sequence + 1 if head else 1)
            events = _events(reader, case, wanted if person else set(), end)
        context: dict[str, Any] = {
            "events": events,
            "case": case,
            "person": person,
            "names": names,
            "older": events[-1].sequence if len(events) == _SHOWN else None,
            "looked_at": _LOOKED_AT,
        }
        return framed(request, actor, services, config, "audit.html", **context)

    @router.post("/audit/verify")
    def check(
        request: Request, form: Posted, actor: Acting, services: Serving, config: Granting
    ) -> HTMLResponse:
        anchors = _anchors(text_of(form, "anchors", most=100_000))
        now = services.clock()
        with services.cases.reading() as reader:
            head = reader.head()
            report = verify_audit(reader, services.keys.audit_key(), now=now, anchors=anchors)
        anchor = Anchor(head.sequence, head.digest, now) if report.intact and head else None
        context: dict[str, Any] = {
            "report": report,
            "given": len(anchors),
            "anchor": anchor.line() if anchor else None,
        }
        return framed(request, actor, services, config, "verified.html", **context)

    return router


def _anchors(text: str) -> list[Anchor]:
    try:
        return [Anchor.parse(line) for line in text.splitlines() if line.strip()]
    except InvalidConfiguration:
        raise Refusal(422, "no-anchor", "One of the lines is no anchor.") from None


def _events(reader: CaseReader, case: str, actors: set[str], end: int) -> list[Event]:
    """The newest before ``end``. A person is looked for among the last events only."""
    after = 0 if case else max(end - 1 - (_LOOKED_AT if actors else _SHOWN), 0)
    kept: deque[Event] = deque(maxlen=_SHOWN)
    for event in reader.events(after=after, case=case or None):
        if event.sequence >= end:
            break
        if not actors or event.actor in actors:
            kept.append(event)
    return list(reversed(kept))
