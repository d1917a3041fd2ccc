"""What every request passes first, and every answer last."""

from __future__ import annotations

import asyncio
import secrets
import time
import traceback
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from lightkeeper.service._failures import failure_response
from lightkeeper.service._log import log
from lightkeeper.service._refusal import Refusal

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from lightkeeper.service._metrics import Metrics
    from lightkeeper.service._services import ServiceConfig

_PROBES: Final = frozenset({"/healthz", "/readyz"})
"""Load balancers ask for these by address."""
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_CLIENT_GONE: Final = 499
_PACKAGE: Final = "/package"
_PACKAGE_SECONDS: Final = 3600.0
"""Every file of a case is read before the first byte of its package leaves."""
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), display-capture=()",
}


class Gate:
    """ASGI middleware around the whole app; it reads no body itself."""

    def __init__(self, app: ASGIApp, *, config: ServiceConfig, metrics: Metrics) -> None:
        self.app = app
        self.config = config
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        if scope["type"] == "http":
            await _Passage(self, scope, receive, send).run()
        else:
            await self.app(scope, receive, send)

    def admit(self, scope: Scope) -> None:
        """Pass, or raise Refusal."""
        headers = Headers(scope=scope)
        if scope["path"] not in _PROBES and _host_name(headers) not in self.config.hosts:
            # A page elsewhere may point its own host name here and ask through a browser.
            raise Refusal(403, "wrong-host", "The service does not answer to this host name.")
        if b"%00" in scope.get("raw_path", b"") or b"%00" in scope.get("query_string", b""):
            raise Refusal(400, "bad-request", "An address holds no zero bytes.")
        if scope["method"] not in _SAFE:
            self._refuse_other_sites(headers)

    def seconds_for(self, scope: Scope) -> float:
        """Longest time until an answer begins."""
        return _PACKAGE_SECONDS if scope["path"].endswith(_PACKAGE) else self.config.request_seconds

    def _refuse_other_sites(self, headers: Headers) -> None:
        """Browsers say whose page a request comes from; other programs say nothing.

        ``Origin`` is ``null`` even for our own forms, because they send no referrer: it proves
        nothing then, and the token of the form decides.
        """
        site = headers.get("sec-fetch-site")
        origin = headers.get("origin", "null")
        if site not in {None, "same-origin", "none"} or (
            origin != "null" and origin.lower() != self.config.origin and site != "same-origin"
        ):
            raise Refusal(403, "other-site", "A page of another site has sent this.")

    def record(self, scope: Scope, status: int, seconds: float, request_id: str) -> None:
        """Count and log: the route, never the path or the query that the client wrote."""
        route = getattr(scope.get("route"), "path", "unknown")
        method = scope["method"] if route != "unknown" else "-"
        self._metrics.requests.labels(route, method, status).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        log.info(
            "request",
            route=route,
            method=method,
            status=status,
            ms=round(seconds * 1e3, 1),
            request=request_id,
        )


class _Passage:
    """One request on its way through."""

    def __init__(self, gate: Gate, scope: Scope, receive: Receive, send: Send) -> None:
        self._gate = gate
        self._scope = scope
        self._receive = receive
        self._send = send
        self._status = 0
        self._body_done = False
        self._limit: asyncio.Timeout | None = None
        # Never what a client sends: it could forge the lines of others.
        self._id = secrets.token_hex(8)

    async def run(self) -> None:
        started = time.perf_counter()
        self._scope.setdefault("state", {})["identity"] = None
        try:
            self._gate.admit(self._scope)
            async with asyncio.timeout(self._gate.seconds_for(self._scope)) as self._limit:
                await self._gate.app(self._scope, self._bounded_receive, self._dressed_send)
        except HTTPException as failure:
            await self._fail(failure)
        except TimeoutError:
            await self._fail(Refusal(504, "timeout", "The request took too long."))
        except ClientDisconnect:
            self._status = self._status or _CLIENT_GONE
        except Exception as error:
            # Its message may quote content: log where it happened and what kind it is.
            frames = "".join(traceback.format_tb(error.__traceback__))
            log.error("unexpected", kind=type(error).__name__, request=self._id, frames=frames)
            await self._fail(Refusal(500, "internal-error", "Something went wrong here."))
        finally:
            seconds = time.perf_counter() - started
            self._gate.record(self._scope, self._status, seconds, self._id)

    async def _fail(self, failure: HTTPException) -> None:
        if not self._status:
            response = failure_response(Request(self._scope), failure)
            await response(self._scope, self._receive, self._dressed_send)

    async def _bounded_receive(self) -> Message:
        if self._body_done:
            return await self._receive()
        try:
            async with asyncio.timeout(self._gate.config.idle_seconds):
                message = await self._receive()
        except TimeoutError:
            raise Refusal(408, "too-slow", "The body stopped coming.") from None
        self._body_done = not message.get("more_body", False)
        return message

    async def _dressed_send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self._id
            headers.setdefault("Cache-Control", "no-store")
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            if self._gate.config.https:
                headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        await self._send(message)
        if message.get("more_body"):
            self._go_on()

    def _go_on(self) -> None:
        """A download may last as long as its pieces arrive; each has the time of a request."""
        if self._limit is not None and not self._limit.expired():
            now = asyncio.get_running_loop().time()
            self._limit.reschedule(now + self._gate.config.request_seconds)


def _host_name(headers: Headers) -> str:
    host = headers.get("host", "").lower()
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
