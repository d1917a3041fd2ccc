"""To the issuer and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from lightkeeper.service._acting import Granting, Serving
from lightkeeper.service._refusal import Refusal
from lightkeeper.service.accounts._openid import (
    LASTS_SECONDS,
    flow_cookie_name,
    way_in,
    way_out,
    way_to_end,
)
from lightkeeper.service.pages._sign_in import entered

if TYPE_CHECKING:
    from lightkeeper.service._services import Services
    from lightkeeper.service.openid._issuer import Issuer


def openid_routes() -> APIRouter:
    """Signing in with what an issuer says.

    They are followed as links: a form may not lead to another host, and nothing changes before
    the answer has been checked.
    """
    router = APIRouter(include_in_schema=False)

    @router.get("/sign-in/openid")
    def leave(request: Request, services: Serving, config: Granting) -> Response:
        wanted = request.query_params.get("next", "/")
        address, cookie = way_out(services, config, _issuer(services), wanted)
        response = RedirectResponse(address, 303)
        response.set_cookie(
            flow_cookie_name(config),
            cookie,
            max_age=LASTS_SECONDS,
            httponly=True,
            secure=config.https,
            # Strict would not come along on the way back.
            samesite="lax",
            path="/",
        )
        return response

    @router.get("/sign-in/openid/done")
    def come_back(request: Request, services: Serving, config: Granting) -> Response:
        session, wanted = way_in(
            services,
            config,
            _issuer(services),
            answer=request.query_params,
            cookie=request.cookies.get(flow_cookie_name(config), ""),
        )
        response = entered(config, session, wanted)
        response.delete_cookie(
            flow_cookie_name(config), httponly=True, secure=config.https, samesite="lax", path="/"
        )
        return response

    @router.get("/sign-in/openid/end")
    def end(services: Serving, config: Granting) -> Response:
        return RedirectResponse(way_to_end(config, _issuer(services)) or "/sign-in", 303)

    return router


def _issuer(services: Services) -> Issuer:
    if services.issuer is None:
        raise Refusal(404, "not-found", "People sign in with a password here.")
    return services.issuer
