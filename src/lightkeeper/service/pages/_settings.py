"""Personal settings, and the quiet pictures between."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from lightkeeper.service._acting import Acting, Granting, Serving
from lightkeeper.service._render import THEME_COOKIE
from lightkeeper.service.pages import _preferences
from lightkeeper.service.pages._frame import Posted, back_to, framed, text_of
from lightkeeper.service.pages._landscape import landscape
from lightkeeper.service.pages._preferences import KEYS, Preferences

_A_YEAR_SECONDS = 31_536_000


def settings_routes() -> APIRouter:
    """What people set for themselves."""
    router = APIRouter(include_in_schema=False)

    @router.get("/settings")
    def form(request: Request, actor: Acting, services: Serving, config: Granting) -> HTMLResponse:
        kept = Preferences.of(services.desk.preferences(actor))
        return framed(
            request,
            actor,
            services,
            config,
            "settings.html",
            chosen=kept,
            problems={},
            choices=_preferences,
        )

    @router.post("/settings")
    def save(
        request: Request, form: Posted, actor: Acting, services: Serving, config: Granting
    ) -> Response:
        posted = {name: text_of(form, name, most=20) for name in form if name != "csrf"}
        if text_of(form, "keys") == "default":
            posted |= {f"key.{act}": key for act, (key, _) in KEYS.items()}
        chosen = Preferences.of(posted)
        problems = chosen.clashes()
        if problems:
            return framed(
                request,
                actor,
                services,
                config,
                "settings.html",
                status=422,
                chosen=chosen,
                problems=problems,
                choices=_preferences,
            )
        services.desk.save_preferences(actor, services.desk.preferences(actor) | chosen.kept())
        response = back_to("/settings", "saved")
        # Pages of errors have a theme too, and know nobody.
        response.set_cookie(
            THEME_COOKIE,
            chosen.theme,
            max_age=_A_YEAR_SECONDS,
            httponly=True,
            samesite="strict",
            secure=config.https,
        )
        return response

    @router.get("/neutral/{number}")
    def neutral(number: int, actor: Acting) -> Response:
        return Response(landscape(number), media_type="image/svg+xml")

    return router
