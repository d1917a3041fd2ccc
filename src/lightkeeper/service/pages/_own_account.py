"""One's own account: the second factor, and where one is signed in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import segno
from fastapi import APIRouter, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from lightkeeper.service._acting import Acting, Granting, Serving
from lightkeeper.service._refusal import Refusal
from lightkeeper.service._render import render
from lightkeeper.service.accounts._links import people_changed
from lightkeeper.service.accounts._pauses import count_attempt, forgive, own_code_counts
from lightkeeper.service.accounts._people import sign_out_everywhere
from lightkeeper.service.accounts._second_factor import (
    new_totp_secret,
    seal_totp,
    totp_uri,
    used_step,
    valid_step,
)
from lightkeeper.service.accounts._sessions import current_sessions, drop_cookie

if TYPE_CHECKING:
    from lightkeeper.cases.people import Account
    from lightkeeper.service._services import Services

_Text = Annotated[str, Form(max_length=1_000)]


def own_account_routes() -> APIRouter:
    """Everybody's own account."""
    router = APIRouter(include_in_schema=False)

    @router.get("/me")
    def me(request: Request, actor: Acting, services: Serving, config: Granting) -> HTMLResponse:
        with services.accounts.reading_accounts() as unit:
            account = unit.account(actor.id)
        secret = new_totp_secret()
        if account is None:
            raise Refusal(404, "not-found", "There is no such account.")
        rows = [list(row) for row in segno.make(totp_uri(account, secret)).matrix]
        has = account.totp is not None
        return render(
            request,
            "me.html",
            has=has,
            secret=secret,
            matrix=rows,
            elsewhere=config.openid.label if config.openid and account.openid else None,
            sessions=current_sessions(services, config, actor.id),
            this=request.state.identity.session,
            now=services.clock(),
        )

    @router.post("/me/sign-out")
    def out(actor: Acting, services: Serving, config: Granting) -> Response:
        sign_out_everywhere(services, actor, actor.id)
        response = RedirectResponse("/sign-in", 303)
        drop_cookie(response, config)
        return response

    @router.post("/me/second-factor")
    def second_factor(
        actor: Acting, services: Serving, secret: _Text = "", code: _Text = "", end: _Text = ""
    ) -> Response:
        counts = own_code_counts(services, actor.id)
        if not count_attempt(services, counts, None):
            raise Refusal(429, "too-many-attempts", "Too many wrong codes: wait some minutes.")
        with services.accounts.accounts() as unit:
            account = unit.account(actor.id)
            if account is None:
                raise Refusal(404, "not-found", "There is no such account.")
            if end:
                changed, what = _ended(services, account, code), "second-factor-ended"
            else:
                changed, what = _set(services, account, secret, code), "second-factor-set"
            forgive(unit, counts)
            unit.save_account(changed)
            unit.append([people_changed(services, actor.id, account.id, what)])
        return RedirectResponse("/me", 303)

    return router


def _ended(services: Services, account: Account, code: str) -> Account:
    """Whoever sits down at an open session must not take the factor away."""
    if used_step(services.keys, account, code, services.clock()) is None:
        raise Refusal(422, "wrong-code", "That is not the code of this moment, or it was used.")
    return replace(account, totp=None)


def _set(services: Services, account: Account, secret: str, code: str) -> Account:
    if account.totp is not None:
        raise Refusal(409, "conflict", "End the second factor that there is before another.")
    step = valid_step(secret, code, services.clock()) if _is_secret(secret) else None
    if step is None:
        raise Refusal(422, "wrong-code", "That is not the code of this moment.")
    return replace(account, totp=seal_totp(services.keys, account, secret), totp_step=step)


def _is_secret(text: str) -> bool:
    return len(text) == 32 and set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
