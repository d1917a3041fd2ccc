"""How much people have looked at: one's own, and for a lead who sees to breaks."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse

from lightkeeper.cases.exposure import team_exposure
from lightkeeper.service._acting import Acting, Granting, Serving
from lightkeeper.service.pages._frame import LATER, Posted, framed, names_of, text_of


def exposure_routes() -> APIRouter:
    """Exposure, and putting a reminder off."""
    router = APIRouter(include_in_schema=False)

    @router.get("/exposure")
    def own(request: Request, actor: Acting, services: Serving, config: Granting) -> HTMLResponse:
        return framed(request, actor, services, config, "exposure.html")

    @router.post("/exposure/later")
    def later(form: Posted, actor: Acting, services: Serving) -> RedirectResponse:
        kept = services.desk.preferences(actor)
        services.desk.save_preferences(actor, kept | {LATER: services.clock().isoformat()})
        back = text_of(form, "back", most=200)
        inside = back.startswith("/") and not back.startswith(("//", "/\\"))
        return RedirectResponse(back if inside else "/", 303)

    @router.get("/exposure/team")
    def team(request: Request, actor: Acting, services: Serving, config: Granting) -> HTMLResponse:
        now, budget = services.clock(), services.budget
        with services.cases.reading() as reader:
            views = list(reader.views_since(now - budget.shift))
        people = team_exposure(views, now=now, budget=budget)
        return framed(
            request,
            actor,
            services,
            config,
            "team.html",
            people=people,
            names=names_of(services),
        )

    return router
