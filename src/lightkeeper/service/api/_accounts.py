"""Who there is, and where they are signed in."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from lightkeeper.cases.people import Account, Role
from lightkeeper.service._acting import Acting, Granting, Serving
from lightkeeper.service.accounts._people import sign_out_everywhere
from lightkeeper.service.accounts._sessions import current_sessions
from lightkeeper.service.api._refusals import refusals


class AccountView(BaseModel):
    """A person or a program, without anything that proves who it is."""

    id: str
    name: str
    roles: list[Role]
    queues: list[str] | None
    is_person: bool
    active: bool
    second_factor: bool
    elsewhere: bool
    """An issuer vouches for the person."""
    created: datetime

    @classmethod
    def of(cls, account: Account) -> Self:
        """From the record."""
        return cls(
            id=account.id,
            name=account.name,
            roles=sorted(account.roles),
            queues=None if account.queues is None else sorted(account.queues),
            is_person=account.is_person,
            active=account.active,
            second_factor=account.totp is not None,
            elsewhere=account.openid is not None,
            created=account.created,
        )


class SessionView(BaseModel):
    """A browser in which one is signed in."""

    started: datetime
    seen: datetime
    expires: datetime
    this: bool
    """It is the one that asks."""


def account_routes() -> APIRouter:
    """Routes of everybody's own sessions, and of administrators."""
    router = APIRouter(tags=["accounts"])

    @router.get("/api/v1/me/sessions", responses=refusals())
    def own_sessions(
        request: Request, actor: Acting, services: Serving, config: Granting
    ) -> list[SessionView]:
        """Where one is signed in, the session seen last first."""
        this = request.state.identity.session
        return [
            SessionView(
                started=each.started,
                seen=each.seen,
                expires=each.expires,
                this=this is not None and each.digest == this.digest,
            )
            for each in current_sessions(services, config, actor.id)
        ]

    @router.post("/api/v1/me/sign-out", status_code=204, responses=refusals())
    def sign_out(actor: Acting, services: Serving) -> Response:
        """End all of one's sessions, that which asks too."""
        sign_out_everywhere(services, actor, actor.id)
        return Response(status_code=204)

    @router.get("/api/v1/people", responses=refusals())
    def people(services: Serving) -> list[AccountView]:
        """Everybody who may sign in, and all programs with a key, by name."""
        with services.accounts.reading_accounts() as unit:
            return [AccountView.of(account) for account in unit.accounts()]

    @router.post(
        "/api/v1/people/{account_id}/sign-out", status_code=204, responses=refusals(404, 409)
    )
    def sign_out_person(account_id: str, actor: Acting, services: Serving) -> Response:
        """End all sessions of a person."""
        sign_out_everywhere(services, actor, account_id)
        return Response(status_code=204)

    return router
