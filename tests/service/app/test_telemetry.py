"""Nothing of a request is told to anybody else, whatever the environment says."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from fastapi import FastAPI
from opentelemetry import metrics, trace
from opentelemetry._logs import NoOpLoggerProvider
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.trace import NoOpTracer, TracerProvider

from lightkeeper.service.lookups import create_lookup_app
from lightkeeper.service.lookups._hasher import Hasher
from lightkeeper.testing import MemoryStore

from ..lookups.conftest import Index

ENVIRONMENT = {
    "FASTAPI_OTEL_AUTO_CONFIGURE": "true",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
    "OTEL_TRACES_EXPORTER": "otlp",
    "OTEL_METRICS_EXPORTER": "otlp",
    "OTEL_LOGS_EXPORTER": "otlp",
}


class _Watching(TracerProvider):
    """Counts whoever asks for a tracer, as an agent would that a host has loaded."""

    def __init__(self) -> None:
        self.asked = 0

    def get_tracer(self, *_: Any, **__: Any) -> NoOpTracer:
        self.asked += 1
        return NoOpTracer()


@pytest.fixture
def watching(monkeypatch: pytest.MonkeyPatch) -> _Watching:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    found = _Watching()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: found)
    monkeypatch.setattr(metrics, "get_meter_provider", NoOpMeterProvider)
    monkeypatch.setattr("opentelemetry._logs.get_logger_provider", NoOpLoggerProvider)
    return found


def _visit(app: FastAPI) -> int:
    """Start the app as a server does, and ask it something."""

    async def visit() -> int:
        messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
        answers: list[Any] = []

        async def receive() -> dict[str, str]:
            return messages.pop(0)

        async def send(message: Any) -> None:
            answers.append(message["type"])
            if message["type"] == "lifespan.startup.complete":
                transport = httpx.ASGITransport(app)
                async with httpx.AsyncClient(
                    transport=transport, base_url="http://localhost:8400"
                ) as client:
                    answers.append((await client.get("/healthz")).status_code)

        await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)
        assert answers[-1] == "lifespan.shutdown.complete"
        return int(answers[1])

    with start_blocking_portal() as portal:
        return portal.call(visit)


def test_an_app_that_does_not_say_no_would_export(
    watching: _Watching, caplog: pytest.LogCaptureFixture
) -> None:
    """Or else the tests below could not fail. No exporter is installed, which it complains of."""
    with caplog.at_level("WARNING"):
        assert _visit(FastAPI()) == 404
    assert watching.asked > 0
    assert "telemetry configuration failed" in caplog.text


def test_no_variable_starts_an_exporter_in_the_service(
    open_site: Any, watching: _Watching, caplog: pytest.LogCaptureFixture
) -> None:
    assert _visit(open_site().app) == 200
    assert (watching.asked, caplog.text) == (0, "")


def test_no_variable_starts_an_exporter_in_the_look_ups(
    watching: _Watching, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()

    async def no_workers(_: Hasher) -> None:
        """Nothing is hashed here."""

    monkeypatch.setattr(Hasher, "start", no_workers)
    assert _visit(create_lookup_app(store, Index(store))) == 200
    assert (watching.asked, caplog.text) == (0, "")
