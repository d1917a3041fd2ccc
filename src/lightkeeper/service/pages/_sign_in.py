"""Pages for signing in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from lightkeeper.cases.audit import Action, EventDraft
from lightkeeper.service._acting import Acting, Granting, Serving
from lightkeeper.service._render import render
from lightkeeper.service.accounts._links import account_of_link, use_link
from lightkeeper.service.accounts._passwords import weakness
from lightkeeper.service.accounts._sessions import drop_cookie, set_cookie
from lightkeeper.service.accounts._sign_in import sign_in

if TYPE_CHECKING:
    from lightkeeper.service._identity import Identity
    from lightkeeper.service._services import ServiceConfig


def sign_in_routes() -> APIRouter:
    """Signing in and out."""
    router = APIRouter(include_in_schema=False)

    @router.get("/sign-in")
    def form(request: Request) -> HTMLResponse:
        return render(request, "sign_in.html", problem=None)

    @router.post("/sign-in")
    def enter(
        request: Request,
        services: Serving,
        config: Granting,
        name: Annotated[str, Form(max_length=64)] = "",
        password: Annotated[str, Form(max_length=300)] = "",
        code: Annotated[str, Form(max_length=10)] = "",
    ) -> Response:
        cookie = sign_in(services, config, name=name, password=password, code=code)
        if cookie is None:
            problem = "That is not right, or the account has to wait a while."
            return render(request, "sign_in.html", status=403, problem=problem)
        return _entered(request, config, cookie)

    @router.get("/welcome/{secret}")
    def welcome(request: Request, services: Serving, secret: str) -> HTMLResponse:
        with services.accounts.reading_accounts() as unit:
            account = account_of_link(unit, services, secret)
        name = account.name if account else None
        return render(
            request, "welcome.html", status=200 if account else 404, who=name, problem=None
        )

    @router.post("/welcome/{secret}")
    def set_password(
        request: Request,
        services: Serving,
        secret: str,
        password: Annotated[str, Form(max_length=300)] = "",
    ) -> Response:
        with services.accounts.reading_accounts() as unit:
            account = account_of_link(unit, services, secret)
        name = account.name if account else None
        problem = weakness(password, name) if name else None
        if problem is not None:
            return render(request, "welcome.html", status=422, who=name, problem=problem)
        if account is None or use_link(services, secret, password) is None:
            return render(request, "welcome.html", status=404, who=None, problem=None)
        return RedirectResponse("/sign-in", 303)

    @router.post("/sign-out")
    def sign_out(request: Request, actor: Acting, services: Serving, config: Granting) -> Response:
        identity: Identity = request.state.identity
        with services.accounts.accounts() as unit:
            if identity.session is not None:
                unit.end_session(identity.session.digest)
            unit.append(
                [
                    EventDraft(
                        at=services.clock(),
                        actor=actor.id,
                        action=Action.SIGNED_OUT,
                        object=f"person:{actor.id}",
                    )
                ]
            )
        response = RedirectResponse("/sign-in", 303)
        drop_cookie(response, config)
        return response

    return router


def _entered(request: Request, config: ServiceConfig, cookie: str) -> Response:
    """To where the person wanted to go, if that is a page of ours."""
    wanted = request.query_params.get("next", "/")
    ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    response = RedirectResponse(wanted if ours else "/", 303)
    set_cookie(response, config, cookie)
    return response
