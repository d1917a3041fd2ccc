"""The audit: reading it, and whether anybody has altered it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from lightkeeper.cases.audit import Anchor, Event, Flaw
from lightkeeper.cases.desk import verify_audit
from lightkeeper.errors import InvalidConfiguration
from lightkeeper.service._acting import Serving
from lightkeeper.service._refusal import Refusal
from lightkeeper.service.api._refusals import refusals


class EventView(BaseModel):
    """One line of the audit."""

    sequence: int
    at: datetime
    actor: str
    action: str
    object: str
    case: str | None
    details: dict[str, str]
    previous: str
    digest: str

    @classmethod
    def of(cls, event: Event) -> Self:
        """From the record; digests as hex."""
        plain = {name: getattr(event, name) for name in cls.model_fields}
        return cls(**plain | {"previous": event.previous.hex(), "digest": event.digest.hex()})


class VerifyBody(BaseModel):
    """Lines that were written down earlier, elsewhere."""

    model_config = ConfigDict(extra="forbid")

    anchors: Annotated[list[Annotated[str, Field(max_length=500)]], Field(max_length=1_000)] = []


class BreakView(BaseModel):
    """What is wrong, and at which event."""

    flaw: Flaw
    sequence: int


class VerifiedView(BaseModel):
    """Whether the audit is what it was."""

    intact: bool
    events: int
    last: int
    breaks: list[BreakView]
    """The first hundred."""
    anchor: str | None
    """A line to keep elsewhere, where all of it is intact."""


def audit_routes() -> APIRouter:
    """Routes of auditors."""
    router = APIRouter(tags=["oversight"])

    @router.get("/api/v1/audit", responses=refusals())
    def audit(
        services: Serving,
        after: Annotated[int, Query(ge=0, le=(1 << 62))] = 0,
        case: Annotated[str, Query(max_length=100)] | None = None,
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    ) -> list[EventView]:
        """Part of the audit, in its order."""
        with services.cases.reading() as reader:
            events = reader.events(after=after, case=case, limit=limit)
            return [EventView.of(event) for event in events]

    @router.post("/api/v1/audit/verify", responses=refusals())
    def check(services: Serving, body: VerifyBody | None = None) -> VerifiedView:
        """Read the whole audit again, and say where it was altered."""
        anchors = _anchors(body.anchors if body else [])
        now = services.clock()
        with services.cases.reading() as reader:
            head = reader.head()
            report = verify_audit(reader, services.keys.audit_key(), now=now, anchors=anchors)
        anchor = Anchor(head.sequence, head.digest, now).line() if report.intact and head else None
        return VerifiedView(
            intact=report.intact,
            events=report.events,
            last=report.last,
            breaks=[BreakView(flaw=b.flaw, sequence=b.sequence) for b in report.breaks],
            anchor=anchor,
        )

    return router


def _anchors(lines: list[str]) -> list[Anchor]:
    try:
        return [Anchor.parse(line) for line in lines]
    except InvalidConfiguration:
        raise Refusal(422, "no-anchor", "One of the lines is no anchor.") from None
