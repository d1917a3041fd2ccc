"""Who a client is, where a proxy says so, and where anybody does."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi import FastAPI

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.service._serve import uvicorn_settings
from lightkeeper.service._services import ServiceConfig

STRANGER = "203.0.113.9"
CLAIMED = "198.51.100.7"


def seen(proxies: tuple[str, ...], sender: str, forwarded: str = CLAIMED) -> str:
    """The address that the app takes for the client's."""
    found: list[str] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        found.append(scope["client"][0])

    settings = uvicorn_settings(FastAPI(), proxies)
    settings.app = app
    settings.load()
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "client": (sender, 5000),
        "headers": [(b"x-forwarded-for", forwarded.encode())],
    }
    # In a thread of its own: pages that were tested before leave a loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(settings.loaded_app(scope, None, None))).result()
    return found[0]


@pytest.mark.parametrize("sender", [STRANGER, "127.0.0.1", "::1"])
def test_nobody_is_believed_unless_a_proxy_is_named(
    sender: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert seen((), sender) == sender
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    assert seen((), sender) == sender
    assert seen(("10.0.0.2",), sender) == sender


def test_a_named_proxy_is_believed() -> None:
    assert seen(("10.0.0.2",), "10.0.0.2") == CLAIMED
    assert seen(("10.0.0.0/24",), "10.0.0.77") == CLAIMED


def test_what_a_client_wrote_before_its_proxy_is_not_believed() -> None:
    assert seen(("10.0.0.2",), "10.0.0.2", f"{CLAIMED}, {STRANGER}") == STRANGER


@pytest.mark.parametrize("word", ["*", "proxy.example", ""])
def test_a_proxy_that_is_no_address_is_refused(word: str) -> None:
    with pytest.raises(InvalidConfiguration, match="proxy"):
        ServiceConfig(proxies=(word,))
