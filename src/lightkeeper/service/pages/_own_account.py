"""One's own account: the second factor, and where one is signed in."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import segno
from fastapi import APIRouter, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from lightkeeper.service._acting import Acting, Granting, Serving
from lightkeeper.service._refusal import Refusal
from lightkeeper.service._render import render
from lightkeeper.service.accounts._links import people_changed
from lightkeeper.service.accounts._people import sign_out_everywhere
from lightkeeper.service.accounts._second_factor import (
    new_totp_secret,
    seal_totp,
    totp_uri,
    valid_step,
)
from lightkeeper.service.accounts._sessions import current_sessions, drop_cookie

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
        with services.accounts.accounts() as unit:
            account = unit.account(actor.id)
            if account is None:
                raise Refusal(404, "not-found", "There is no such account.")
            if end:
                changed, what = replace(account, totp=None), "second-factor-ended"
            else:
                step = valid_step(secret, code, services.clock()) if _is_secret(secret) else None
                if step is None:
                    raise Refusal(422, "wrong-code", "That is not the code of this moment.")
                sealed = seal_totp(services.keys, account, secret)
                changed = replace(account, totp=sealed, totp_step=step)
                what = "second-factor-set"
            unit.save_account(changed)
            unit.append([people_changed(services, actor.id, account.id, what)])
        return RedirectResponse("/me", 303)

    return router


def _is_secret(text: str) -> bool:
    return len(text) == 32 and set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
