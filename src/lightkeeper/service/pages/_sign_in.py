"""Pages for signing in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from lightkeeper.cases.audit import Action, EventDraft
from lightkeeper.service._acting import Acting, Granting, Serving
from lightkeeper.service._render import render
from lightkeeper.service.accounts._device import device_cookie_name, set_device
from lightkeeper.service.accounts._links import account_of_link, enter_by_link, use_link
from lightkeeper.service.accounts._passwords import weakness
from lightkeeper.service.accounts._sessions import drop_cookie, set_cookie
from lightkeeper.service.accounts._sign_in import From, sign_in

if TYPE_CHECKING:
    from lightkeeper.cases.people import Actor
    from lightkeeper.service._identity import Identity
    from lightkeeper.service._services import ServiceConfig, Services


def sign_in_routes() -> APIRouter:
    """Signing in and out."""
    router = APIRouter(include_in_schema=False)

    @router.get("/sign-in")
    def form(request: Request, config: Granting) -> HTMLResponse:
        return _page(request, config)

    @router.post("/sign-in")
    def enter(
        request: Request,
        services: Serving,
        config: Granting,
        name: Annotated[str, Form(max_length=64)] = "",
        password: Annotated[str, Form(max_length=300)] = "",
        code: Annotated[str, Form(max_length=10)] = "",
    ) -> Response:
        if not config.local:
            return _page(request, config, status=403, problem="Nobody has a password here.")
        entrance = sign_in(
            services, config, name=name, password=password, code=code, where=_from(request, config)
        )
        if entrance is None:
            problem = "That is not right, or it has to wait a while."
            return _page(request, config, status=403, problem=problem)
        wanted = request.query_params.get("next", "/")
        response = entered(config, entrance.session, wanted)
        set_device(response, config, entrance.device)
        return response

    @router.get("/welcome/{secret}")
    def welcome(request: Request, services: Serving, config: Granting, secret: str) -> HTMLResponse:
        with services.accounts.reading_accounts() as unit:
            account = account_of_link(unit, services, secret)
        name = account.name if account else None
        return _welcome(request, name, 200 if account else 404, config)

    @router.post("/welcome/{secret}")
    def set_password(
        request: Request,
        services: Serving,
        config: Granting,
        secret: str,
        password: Annotated[str, Form(max_length=300)] = "",
    ) -> Response:
        if not config.local:
            cookie = enter_by_link(services, config, secret)
            if cookie is None:
                return _welcome(request, None, 404, config)
            return entered(config, cookie, "/people")
        with services.accounts.reading_accounts() as unit:
            account = account_of_link(unit, services, secret)
        name = account.name if account else None
        problem = weakness(password, name) if name else None
        if problem is not None:
            return _welcome(request, name, 422, config, problem)
        if account is None or use_link(services, secret, password) is None:
            return _welcome(request, None, 404, config)
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
        elsewhere = _is_of_issuer(actor, services)
        response = RedirectResponse("/sign-in?out=here" if elsewhere else "/sign-in", 303)
        drop_cookie(response, config)
        return response

    return router


def entered(config: ServiceConfig, cookie: str, wanted: str) -> Response:
    """To where the person wanted to go, if that is a page of ours."""
    ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    response = RedirectResponse(wanted if ours else "/", 303)
    set_cookie(response, config, cookie)
    return response


def _page(
    request: Request, config: ServiceConfig, *, status: int = 200, problem: str | None = None
) -> HTMLResponse:
    return render(
        request,
        "sign_in.html",
        status=status,
        problem=problem,
        local=config.local,
        issuer=config.openid.label if config.openid else None,
        wanted=request.query_params.get("next", ""),
        out=request.query_params.get("out") == "here",
    )


def _welcome(
    request: Request,
    who: str | None,
    status: int,
    config: ServiceConfig,
    problem: str | None = None,
) -> HTMLResponse:
    return render(
        request, "welcome.html", status=status, who=who, problem=problem, local=config.local
    )


def _from(request: Request, config: ServiceConfig) -> From:
    address = request.client.host if request.client else "unknown"
    return From(address=address, device=request.cookies.get(device_cookie_name(config), ""))


def _is_of_issuer(actor: Actor, services: Services) -> bool:
    with services.accounts.reading_accounts() as unit:
        account = unit.account(actor.id)
    return services.issuer is not None and account is not None and account.openid is not None
