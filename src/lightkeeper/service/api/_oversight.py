"""Oversight: numbers, and who is told of what."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Annotated, Self

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from lightkeeper.cases.audit import Action, EventDraft
from lightkeeper.cases.exposure import Exposure, exposure, team_exposure
from lightkeeper.cases.people import Actor
from lightkeeper.errors import CaseNotFound, InvalidConfiguration
from lightkeeper.reporting.webhooks import Webhook
from lightkeeper.service._acting import Acting, Serving
from lightkeeper.service._refusal import Refusal
from lightkeeper.service.api._refusals import refusals


class ArrivalsView(BaseModel):
    """Cases that came in, each way of arising apart."""

    since: datetime
    by_arising: dict[str, int]


class AgeView(BaseModel):
    """Open cases of a queue in one band of age."""

    queue: str
    age: str
    cases: int


class WebhookBody(BaseModel):
    """Whom to tell of what."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(min_length=1, max_length=2_000)]
    actions: Annotated[frozenset[Action], Field(min_length=1)]


class WebhookView(BaseModel):
    """A receiver of notices, and how far it has been told."""

    id: str
    url: str
    actions: list[Action]
    told: int
    failures: int
    stopped: bool
    created: datetime
    created_by: str

    @classmethod
    def of(cls, webhook: Webhook) -> Self:
        """From the record."""
        plain = {name: getattr(webhook, name) for name in cls.model_fields}
        return cls(**plain | {"actions": sorted(webhook.actions)})


def oversight_routes() -> APIRouter:
    """Routes of administrators and leads, and of everybody's own exposure."""
    router = APIRouter(tags=["oversight"])

    @router.get("/api/v1/exposure", responses=refusals())
    def own_exposure(actor: Acting, services: Serving) -> Exposure:
        """What one has looked at in this shift."""
        now, budget = services.clock(), services.budget
        with services.cases.reading() as reader:
            views = reader.views_of(actor.id, now - budget.shift)
        return exposure(views, now=now, budget=budget)

    @router.get("/api/v1/exposure/team", responses=refusals())
    def exposure_of_team(services: Serving) -> dict[str, Exposure]:
        """What each person has looked at in this shift, for a lead who sees to breaks."""
        now, budget = services.clock(), services.budget
        with services.cases.reading() as reader:
            views = list(reader.views_since(now - budget.shift))
        return dict(team_exposure(views, now=now, budget=budget))

    @router.get("/api/v1/statistics/ages", responses=refusals())
    def ages(services: Serving) -> list[AgeView]:
        """How old the open cases of each queue are."""
        with services.cases.reading() as reader:
            found = reader.ages(now=services.clock())
        return [AgeView(queue=q, age=age, cases=n) for (q, age), n in sorted(found.items())]

    @router.get("/api/v1/statistics/arrivals", responses=refusals())
    def arrivals(
        services: Serving, days: Annotated[int, Query(ge=1, le=3650)] = 30
    ) -> ArrivalsView:
        """How many cases came in."""
        since = services.clock() - timedelta(days=days)
        with services.cases.reading() as reader:
            return ArrivalsView(since=since, by_arising=dict(reader.counts_by_arising(since=since)))

    @router.get("/api/v1/webhooks", responses=refusals())
    def webhooks(services: Serving) -> list[WebhookView]:
        """Who is told of what."""
        with services.webhooks.reading() as unit:
            return [WebhookView.of(each) for each in unit.webhooks()]

    @router.post("/api/v1/webhooks", status_code=201, responses=refusals())
    def add_webhook(body: WebhookBody, actor: Acting, services: Serving) -> WebhookView:
        """Tell a receiver of what happens from now on."""
        with services.webhooks.writing() as unit:
            head = unit.head()
            try:
                webhook = Webhook(
                    id=secrets.token_urlsafe(12),
                    url=body.url,
                    actions=body.actions,
                    told=head.sequence if head else 0,
                    created=services.clock(),
                    created_by=actor.id,
                )
            except InvalidConfiguration as error:
                raise Refusal(422, "invalid-request", str(error)) from None
            unit.add_webhook(webhook)
            unit.append([_changed(actor, services.clock(), webhook.id, "webhook-added")])
        return WebhookView.of(webhook)

    @router.delete("/api/v1/webhooks/{webhook_id}", status_code=204, responses=refusals(404))
    def drop_webhook(webhook_id: str, actor: Acting, services: Serving) -> Response:
        """Tell it nothing more."""
        with services.webhooks.writing() as unit:
            if unit.webhook(webhook_id) is None:
                raise CaseNotFound("there is no such webhook")
            unit.drop_webhook(webhook_id)
            unit.append([_changed(actor, services.clock(), webhook_id, "webhook-dropped")])
        return Response(status_code=204)

    return router


def _changed(actor: Actor, at: datetime, webhook_id: str, what: str) -> EventDraft:
    return EventDraft(
        at=at,
        actor=actor.id,
        action=Action.SERVICE_CHANGED,
        object="service",
        details={"change": what, "webhook": webhook_id},
    )
