"""Who asks: a person's session or a program's key, found before anything of a body is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from anyio.to_thread import run_sync
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from lightkeeper.service._refusal import Refusal
from lightkeeper.service.accounts._keys import find_key
from lightkeeper.service.accounts._networks import network_of
from lightkeeper.service.accounts._sessions import cookie_name, find_session

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from lightkeeper.cases.people import Actor, Session
    from lightkeeper.service._rates import Rates
    from lightkeeper.service._services import ServiceConfig, Services

_OPEN: Final = ("/static/", "/healthz", "/readyz")
"""Where nobody is asked who they are."""
_WITH_KEYS: Final = ("/api/", "/metrics")
"""Where programs may ask."""
_NOBODYS_BODY_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Identity:
    """Who acts; ``session`` is ``None`` for a key."""

    actor: Actor
    session: Session | None


class Identify:
    """ASGI middleware: ``state["identity"]`` is an :class:`Identity`, or ``None`` for nobody."""

    def __init__(
        self, app: ASGIApp, *, services: Services, config: ServiceConfig, rates: Rates
    ) -> None:
        self._app = app
        self._services = services
        self._config = config
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find out, and hand on."""
        if scope["type"] == "http":
            await self._identify(scope)
        await self._app(scope, receive, send)

    async def _identify(self, scope: Scope) -> None:
        state = scope.setdefault("state", {})
        state["identity"] = None
        if scope["path"].startswith(_OPEN):
            return
        connection = HTTPConnection(scope)
        key = _presented(connection.headers) if scope["path"].startswith(_WITH_KEYS) else ""
        cookie = connection.cookies.get(cookie_name(self._config), "")
        if key:
            state["identity"] = await run_sync(self._of_key, key)
        elif cookie:
            state["identity"] = await run_sync(self._of_session, cookie)
        self._spend(scope, state["identity"])

    def _of_key(self, key: str) -> Identity | None:
        account = find_key(self._services, key)
        return None if account is None else Identity(account.actor(), None)

    def _of_session(self, cookie: str) -> Identity | None:
        found = find_session(self._services, self._config, cookie)
        return None if found is None else Identity(found[1].actor(), found[0])

    def _spend(self, scope: Scope, identity: Identity | None) -> None:
        if identity is None:
            who, rate = f"from {_network(scope)}", self._config.nobody_per_second
            _refuse_large_body(scope)
        elif identity.session is None:
            who, rate = identity.actor.id, self._config.key_per_second
        else:
            who, rate = identity.actor.id, self._config.person_per_second
        wait = self._rates.take(who, per_second=rate)
        if wait:
            after = str(max(1, round(wait)))
            raise Refusal(429, "rate-limit", "Too many requests at once.", Retry_After=after)


def _refuse_large_body(scope: Scope) -> None:
    headers = Headers(scope=scope)
    length = headers.get("content-length", "0")
    chunked = "transfer-encoding" in headers
    if chunked or not length.isdecimal() or int(length) > _NOBODYS_BODY_BYTES:
        raise Refusal(413, "too-large", "Sign in before sending this much.")


def _network(scope: Scope) -> str:
    client = scope.get("client")
    return network_of(client[0]) if client else "unknown"


def _presented(headers: Headers) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    return headers.get("x-api-key", "")
