"""The token of forms for people who have not signed in: bound to a cookie that only we set."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request

    from lightkeeper.service._services import ServiceConfig, Services


def form_cookie_name(config: ServiceConfig) -> str:
    """Over TLS one that no other host of the domain can set."""
    return "__Host-form" if config.https else "form"


def new_form_cookie() -> str:
    """A cookie for a browser that has none."""
    return secrets.token_urlsafe(16)


def form_token(request: Request, cookie: str | None = None) -> str:
    """The token that belongs to a cookie, by default that of the request.

    Without a cookie it is one that nobody knows.
    """
    services: Services = request.app.state.services
    cookie = (
        cookie
        or request.cookies.get(form_cookie_name(request.app.state.config))
        or new_form_cookie()
    )
    key = services.keys.derive("form token")
    return hashlib.blake2b(cookie.encode(), key=key, digest_size=16).hexdigest()
