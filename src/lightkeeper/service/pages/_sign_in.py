"""Pages for signing in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from lightkeeper.cases.audit import Action, EventDraft
from lightkeeper.service._acting import Acting, Granting, Serving
from lightkeeper.service._render import render
from lightkeeper.service.accounts._sessions import drop_cookie

if TYPE_CHECKING:
    from lightkeeper.service._identity import Identity


def sign_in_routes() -> APIRouter:
    """Signing in and out."""
    router = APIRouter(include_in_schema=False)

    @router.get("/sign-in")
    def form(request: Request) -> HTMLResponse:
        return render(request, "sign_in.html", problem=None)

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
