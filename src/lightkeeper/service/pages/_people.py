"""People and programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from lightkeeper.cases.people import Role
from lightkeeper.service._acting import Acting, Granting, Serving
from lightkeeper.service._refusal import Refusal
from lightkeeper.service._render import render
from lightkeeper.service.accounts._openid_people import openid_of
from lightkeeper.service.accounts._people import (
    add_known,
    bind_openid,
    change_rights,
    end_second_factor,
    invite,
    make_key,
    reset_link,
    sign_out_everywhere,
)
from lightkeeper.service.openid._id_token import is_subject

if TYPE_CHECKING:
    from lightkeeper.service._services import ServiceConfig

_Roles = Annotated[list[Role], Form()]
_Text = Annotated[str, Form(max_length=1_000)]


def people_routes() -> APIRouter:
    """Pages of administrators."""
    router = APIRouter(include_in_schema=False)

    def page(
        request: Request,
        services: Serving,
        config: Granting,
        *,
        link: str | None = None,
        key: str | None = None,
    ) -> HTMLResponse:
        with services.accounts.reading_accounts() as unit:
            accounts = unit.accounts()
        return render(
            request,
            "people.html",
            accounts=accounts,
            all_roles=list(Role),
            link=link,
            key=key,
            openid=config.openid,
            local=config.local,
        )

    @router.get("/people")
    def people(request: Request, services: Serving, config: Granting) -> HTMLResponse:
        return page(request, services, config)

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
        subject: _Text = "",
    ) -> HTMLResponse:
        who, where = name.strip(), _queues(queues)
        if kind == "program":
            key = make_key(services, actor, name=who, roles=roles, queues=where)
            return page(request, services, config, key=key)
        openid = _openid(config, subject)
        if openid is not None:
            add_known(services, actor, openid, name=who, roles=roles, queues=where)
            return page(request, services, config)
        link = invite(services, config, actor, name=who, roles=roles, queues=where)
        return page(request, services, config, link=link)

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
        link = reset_link(services, config, actor, account_id)
        return page(request, services, config, link=link)

    @router.post("/people/{account_id}/openid")
    def vouch(
        actor: Acting, services: Serving, config: Granting, account_id: str, subject: _Text = ""
    ) -> Response:
        bind_openid(services, actor, account_id, _openid(config, subject))
        return RedirectResponse("/people", 303)

    @router.post("/people/{account_id}/sign-out")
    def sign_out_person(actor: Acting, services: Serving, account_id: str) -> Response:
        sign_out_everywhere(services, actor, account_id)
        return RedirectResponse("/people", 303)

    @router.post("/people/{account_id}/second-factor")
    def lost_second_factor(actor: Acting, services: Serving, account_id: str) -> Response:
        end_second_factor(services, actor, account_id)
        return RedirectResponse("/people", 303)

    return router


def _queues(text: str) -> frozenset[str] | None:
    """Names separated by commas; nothing is all queues."""
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    return names or None


def _openid(config: ServiceConfig, subject: str) -> str | None:
    """Who it is at the issuer; ``None`` where nothing was given."""
    who = subject.strip()
    if not who:
        return None
    if config.openid is None or not is_subject(who):
        raise Refusal(422, "invalid-request", "That is no identifier of the issuer's.")
    return openid_of(config.openid, who)
