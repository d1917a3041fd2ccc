"""The token of forms for people who have not signed in: bound to a cookie that only we set."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.requests import Request

    from lightkeeper.service._services import Services

FORM_COOKIE: Final = "form"


def new_form_cookie() -> str:
    """A cookie for a browser that has none."""
    return secrets.token_urlsafe(16)


def form_token(request: Request, cookie: str | None = None) -> str:
    """The token that belongs to a cookie, by default that of the request.

    Without a cookie it is one that nobody knows.
    """
    services: Services = request.app.state.services
    cookie = cookie or request.cookies.get(FORM_COOKIE) or new_form_cookie()
    key = services.keys.derive("form token")
    return hashlib.blake2b(cookie.encode(), key=key, digest_size=16).hexdigest()
