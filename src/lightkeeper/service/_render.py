"""From a template to a page."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from lightkeeper.cases.people import Permission
from lightkeeper.service._navigation import navigation
from lightkeeper.service._static import asset
from lightkeeper.service._words import ago, due, exact, named, short, span
from lightkeeper.service.accounts._form_token import form_cookie_name, form_token, new_form_cookie

if TYPE_CHECKING:
    from starlette.requests import Request

    from lightkeeper.service._identity import Identity
    from lightkeeper.service._services import ServiceConfig

LANGUAGE: Final = "en"
THEME_COOKIE: Final = "theme"
_THEMES: Final = frozenset({"dark", "light"})


def render(request: Request, name: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A page from a template.

    Templates know ``actor`` (``None`` for nobody), ``navigation``, ``may(permission, queue=None)``,
    ``Permission``, ``csrf``, ``asset(name)``, ``theme``, ``language``, ``path`` and ``status``,
    and what is given here.
    """
    identity: Identity | None = request.state.identity
    config: ServiceConfig = request.app.state.config
    cookie = request.cookies.get(form_cookie_name(config)) if identity is None else None
    fresh = new_form_cookie() if identity is None and not cookie else None
    session = identity.session if identity else None
    theme = request.cookies.get(THEME_COOKIE, "")
    page = (
        _templates()
        .get_template(name)
        .render(
            actor=identity.actor if identity else None,
            navigation=navigation(identity.actor) if identity else (),
            may=identity.actor.may if identity else _may_not,
            csrf=session.csrf if session else form_token(request, fresh),
            theme=theme if theme in _THEMES else "auto",
            language=LANGUAGE,
            path=request.url.path,
            status=status,
            **context,
        )
    )
    response = HTMLResponse(page, status)
    if fresh:
        name, secure = form_cookie_name(config), config.https
        response.set_cookie(name, fresh, httponly=True, samesite="strict", secure=secure)
    return response


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("lightkeeper.service.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(asset=asset, Permission=Permission)
    environment.filters.update(ago=ago, due=due, exact=exact, named=named, short=short, span=span)
    return environment


def _may_not(*_: object) -> bool:
    return False
