"""People and programs, and one's own second factor."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import segno
from fastapi import APIRouter, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from lightkeeper.cases.people import Role
from lightkeeper.service._acting import Acting, Granting, Serving
from lightkeeper.service._refusal import Refusal
from lightkeeper.service._render import render
from lightkeeper.service.accounts._links import people_changed
from lightkeeper.service.accounts._people import change_rights, invite, make_key, reset_link
from lightkeeper.service.accounts._second_factor import (
    new_totp_secret,
    seal_totp,
    totp_uri,
    valid_step,
)

_Roles = Annotated[list[Role], Form()]
_Text = Annotated[str, Form(max_length=1_000)]


def people_routes() -> APIRouter:
    """Pages of administrators, and everybody's own account."""
    router = APIRouter(include_in_schema=False)

    def page(
        request: Request, services: Serving, *, link: str | None = None, key: str | None = None
    ) -> HTMLResponse:
        with services.accounts.reading_accounts() as unit:
            accounts = unit.accounts()
        return render(
            request, "people.html", accounts=accounts, all_roles=list(Role), link=link, key=key
        )

    @router.get("/people")
    def people(request: Request, services: Serving) -> HTMLResponse:
        return page(request, services)

    @router.post("/people")
    def add(
        request: Request,
        actor: Acting,
        services: Serving,
        config: Granting,
        name: _Text,
        kind: Annotated[str, Form(pattern="^(person|program)$")] = "person",
        roles: _Roles = [],  # noqa: B006
        queues: _Text = "",
    ) -> HTMLResponse:
        who, where = name.strip(), _queues(queues)
        if kind == "program":
            key = make_key(services, actor, name=who, roles=roles, queues=where)
            return page(request, services, key=key)
        link = invite(services, config, actor, name=who, roles=roles, queues=where)
        return page(request, services, link=link)

    @router.post("/people/{account_id}")
    def change(
        request: Request,
        actor: Acting,
        services: Serving,
        account_id: str,
        roles: _Roles = [],  # noqa: B006
        queues: _Text = "",
        active: Annotated[bool, Form()] = False,
    ) -> Response:
        change_rights(
            services, actor, account_id, roles=roles, queues=_queues(queues), active=active
        )
        return RedirectResponse("/people", 303)

    @router.post("/people/{account_id}/reset")
    def reset(
        request: Request, actor: Acting, services: Serving, config: Granting, account_id: str
    ) -> HTMLResponse:
        return page(request, services, link=reset_link(services, config, actor, account_id))

    @router.get("/me")
    def me(request: Request, actor: Acting, services: Serving) -> HTMLResponse:
        with services.accounts.reading_accounts() as unit:
            account = unit.account(actor.id)
        secret = new_totp_secret()
        if account is None:
            raise Refusal(404, "not-found", "There is no such account.")
        rows = [list(row) for row in segno.make(totp_uri(account, secret)).matrix]
        has = account.totp is not None
        return render(request, "me.html", has=has, secret=secret, matrix=rows)

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


def _queues(text: str) -> frozenset[str] | None:
    """Names separated by commas; nothing is all queues."""
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    return names or None


def _is_secret(text: str) -> bool:
    return len(text) == 32 and set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
