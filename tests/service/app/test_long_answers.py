"""How long an answer may take: time is set forward here, nobody waits."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lightkeeper.service._gate import Gate
from lightkeeper.service._metrics import Metrics
from lightkeeper.service._services import ServiceConfig

PACKAGE = "/api/v1/cases/c1/package"


class _Loop(asyncio.SelectorEventLoop):
    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead


def _sent(pieces: int, *, seconds_each: float, path: str = "/", first: float = 0) -> list[Any]:
    """What arrives of an answer whose pieces take this long."""
    loop = _Loop()
    arrived: list[Any] = []

    async def pass_time(seconds: float) -> None:
        loop.ahead += seconds
        for _ in range(3):
            await asyncio.sleep(0)

    async def app(scope: Any, receive: Any, send: Callable[[Any], Any]) -> None:
        await pass_time(first)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number in range(pieces):
            await pass_time(seconds_each)
            more = number < pieces - 1
            await send({"type": "http.response.body", "body": b"x", "more_body": more})

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        arrived.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }
    gate = Gate(app, config=ServiceConfig(request_seconds=120.0), metrics=Metrics())
    # In a thread of its own: pages that were tested before leave a loop running in this one.
    with contextlib.closing(loop), ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: loop.run_until_complete(gate(scope, receive, send))).result()
    return [each for each in arrived if each.get("body") == b"x"]


def test_a_download_goes_on_for_as_long_as_its_pieces_arrive() -> None:
    arrived = _sent(50, seconds_each=100.0)
    assert len(arrived) == 50
    assert not arrived[-1]["more_body"]


@pytest.mark.parametrize("pieces", [1, 5])
def test_a_download_that_stands_still_is_cut(pieces: int) -> None:
    assert _sent(pieces, seconds_each=121.0) == []


@pytest.mark.parametrize(
    ("path", "seconds", "pieces"),
    [("/api/v1/cases", 121.0, 0), (PACKAGE, 121.0, 2), (PACKAGE, 3601.0, 0)],
)
def test_a_package_may_take_its_time_to_begin(path: str, seconds: float, pieces: int) -> None:
    assert len(_sent(2, seconds_each=0.0, path=path, first=seconds)) == pieces
