"""What every request passes first: who asks, how often, how much, and for how long."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from lightkeeper.service._refusal import Refusal
from lightkeeper.service.lookups._failures import failure_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from lightkeeper.service.lookups._config import LookupConfig
    from lightkeeper.service.lookups._keys import ApiKey
    from lightkeeper.service.lookups._metrics import Metrics

_log = logging.getLogger("lightkeeper.service")

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/livez", "/status"})
"""For load balancers: no key, and nothing but whether the service is up."""
_UPLOADS = frozenset(
    {
        "/v1/hash",
        "/v1/match",
        "/v1/marks/recover",
        "/v1/matches/byContent",
        "/h/hash",
        "/m/lookup",
    }
)
STREAM = "/v1/lookup/stream"
_CLIENT_GONE = 499
"""In the log and the metrics only: nobody is there to read a status."""
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})


class Gate:
    """ASGI middleware around the whole app; it reads no body itself."""

    def __init__(self, app: ASGIApp, *, config: LookupConfig, metrics: Metrics) -> None:
        self._app = app
        self._config = config
        self._metrics = metrics
        self._buckets: dict[str, _Bucket] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        if scope["type"] == "http":
            await _Passage(self, scope, receive, send).run()
        else:
            await self._app(scope, receive, send)

    def admit(self, scope: Scope) -> str:
        """Name of the key that asks, ``-`` without one; raises Refusal."""
        headers = {name: text.decode("latin-1") for name, text in scope["headers"]}
        name = self._authenticate(scope["path"], headers)
        length = headers.get(b"content-length", "0")
        if length.isdecimal() and int(length) > self.body_limit(scope["path"]):
            raise self.too_large(scope["path"])
        return name

    def body_limit(self, path: str) -> int:
        """Most bytes that a body sent to a path may have."""
        if path in _UPLOADS:
            return self._config.max_upload_bytes
        return self._config.max_stream_bytes if path == STREAM else self._config.max_json_bytes

    def too_large(self, path: str) -> Refusal:
        """The refusal of a body over the limit."""
        message = f"The body is larger than {self.body_limit(path)} bytes."
        return Refusal(413, "too-large", message)

    def _authenticate(self, path: str, headers: dict[bytes, str]) -> str:
        if path in OPEN_PATHS:
            return "-"
        if not self._config.keys:
            # A web page may point its own host name at this machine and ask through a browser.
            if _host_name(headers.get(b"host", "")) not in _LOCAL_HOSTS:
                raise Refusal(403, "not-local", "Without API keys only local hosts are served.")
            return "-"
        key = self._config.keys.find(_presented(headers))
        if key is None:
            raise Refusal(401, "no-key", "A valid API key is needed.", WWW_Authenticate="Bearer")
        self._spend(key)
        return key.name

    def _spend(self, key: ApiKey) -> None:
        rate = key.requests_per_second or self._config.requests_per_second
        bucket = self._buckets.setdefault(key.name, _Bucket(rate, self._config.burst))
        wait = bucket.take()
        if wait > 0:
            after = str(max(1, round(wait)))
            raise Refusal(429, "rate-limit", "Too many requests with this key.", Retry_After=after)

    async def forward(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on to the app, bounded in time except for streams."""
        seconds = None if scope["path"] == STREAM else self._config.request_seconds
        async with asyncio.timeout(seconds):
            await self._app(scope, receive, send)

    @property
    def idle_seconds(self) -> float:
        """Longest wait for the next bytes."""
        return self._config.idle_seconds

    def record(self, scope: Scope, status: int, seconds: float, key: str) -> None:
        """Count and log: the route, never the path or the query that the client wrote."""
        route = getattr(scope.get("route"), "path", "unknown")
        method = scope["method"] if route != "unknown" else "-"
        self._metrics.requests.labels(route, method, status).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        _log.info("%s %s %d %.1f ms key=%s", method, route, status, seconds * 1e3, key)


class _Passage:
    """One request on its way through."""

    def __init__(self, gate: Gate, scope: Scope, receive: Receive, send: Send) -> None:
        self._gate = gate
        self._scope = scope
        self._receive = receive
        self._send = send
        self._status = 0
        self._read = 0
        self._body_done = False

    async def run(self) -> None:
        started = time.perf_counter()
        key = "-"
        try:
            key = self._gate.admit(self._scope)
            await self._gate.forward(self._scope, self._bounded_receive, self._noting_send)
        except Refusal as refusal:
            await self._fail(refusal)
        except TimeoutError:
            await self._fail(Refusal(504, "timeout", "The request took too long."))
        except ClientDisconnect:
            self._status = _CLIENT_GONE
        except Exception as error:
            # Its message may quote a hash: log where it happened and what kind it is.
            frames = "".join(traceback.format_tb(error.__traceback__))
            _log.error("unexpected %s\n%s", type(error).__name__, frames)
            await self._fail(Refusal(500, "internal-error", "Something went wrong here."))
        finally:
            seconds = time.perf_counter() - started
            self._gate.record(self._scope, self._status, seconds, key)

    async def _fail(self, refusal: Refusal) -> None:
        if not self._status:
            response = failure_response(self._scope["path"], refusal)
            await response(self._scope, self._receive, self._noting_send)

    async def _bounded_receive(self) -> Message:
        if self._body_done:
            return await self._receive()
        try:
            async with asyncio.timeout(self._gate.idle_seconds):
                message = await self._receive()
        except TimeoutError:
            raise Refusal(408, "too-slow", "The body stopped coming.") from None
        if message["type"] == "http.request":
            self._read += len(message.get("body", b""))
            self._body_done = not message.get("more_body", False)
            if self._read > self._gate.body_limit(self._scope["path"]):
                raise self._gate.too_large(self._scope["path"])
        return message

    async def _noting_send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
        await self._send(message)


class _Bucket:
    """Tokens that refill at a rate, one for each request."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._tokens = float(burst)
        self._at = time.monotonic()

    def take(self) -> float:
        """Take a token; seconds to wait where there is none."""
        now = time.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return (1 - self._tokens) / self._rate
        self._tokens -= 1
        return 0.0


def _presented(headers: dict[bytes, str]) -> str:
    scheme, _, token = headers.get(b"authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    return headers.get(b"x-api-key", "")


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].lower()
