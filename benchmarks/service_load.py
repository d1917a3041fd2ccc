"""Reviewers and intakes that load the service at once, and what they saw."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cpu_time import cpu_seconds
from http_client import Answer, Client, ClientError
from lightkeeper.service._services import ServiceConfig
from lightkeeper.service.accounts._sessions import cookie_name
from lightkeeper.testing.gallery import PICTURES

INTAKES_PER_SECOND = 20
MEDIA_EVERY = 20
"""One in so many intakes carries a file, and the others a prompt."""
CONFIG = ServiceConfig(url="http://localhost:8400")
HOST = {"Host": "localhost:8400"}
_FINE = frozenset({200, 201, 204})
_CHANGED = 409
_LOOKS = 4
"""How often a reviewer looks at a case that changes under their eyes before it counts as an error.

All files are near-duplicates here: while one person thinks, an examination ends, and others decide
about their like. Whoever decides then has not seen that, and is rightly asked to look again.
"""


@dataclass
class Tally:
    """What the clients saw."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)
    conflicts: Counter[str] = field(default_factory=Counter)
    """Answers 409, with what they say: the person looks again."""
    decided: int = 0
    acknowledged: dict[str, int] = field(default_factory=dict)
    """Cases that were acknowledged, with the number of their items that were."""
    late: int = 0
    """Intakes that were to begin, and found too many others still running."""
    resident: list[tuple[float, int]] = field(default_factory=list)
    cpu: dict[str, float] = field(default_factory=dict)
    """Share of a core that each took, by who."""

    async def ask(
        self, client: Client, route: str, path: str = "", **options: Any
    ) -> Answer | None:
        """One request; ``None`` where it did not succeed."""
        method, _, template = route.partition(" ")
        begun = time.perf_counter()
        try:
            answer = await client.request(method, path or template, **options)
        except (ClientError, TimeoutError) as error:
            self.errors[f"{route}: {error or 'timeout'}"] += 1
            return None
        self.seconds[route].append(time.perf_counter() - begun)
        if answer.status in _FINE:
            return answer
        if answer.status == _CHANGED and route.endswith("/decision"):
            self.conflicts[f"{route}: {answer.json()['error']['message']}"] += 1
        else:
            self.errors[f"{route}: {answer.status}"] += 1
        return None


async def load(
    ports: Sequence[int],
    services: Sequence[int],
    seconds: int,
    cookies: list[tuple[str, str]],
    key: str,
    postmaster: int,
) -> Tally:
    tally, begun = Tally(), time.monotonic()
    ends = begun + seconds
    trees = {"service": services, "data base": [postmaster]}
    before = {who: sum(map(cpu_seconds, roots)) for who, roots in trees.items()}
    clients = time.process_time()
    async with asyncio.TaskGroup() as group:
        group.create_task(_watch(tally, services[0], seconds))
        group.create_task(_intakes(tally, ports, key, ends))
        for number, cookie in enumerate(cookies):
            rng = random.Random(number)
            port = ports[number // 2 % len(ports)]
            group.create_task(_reviewer(tally, port, cookie, ends, rng, pages=number % 2 == 0))
    took = time.monotonic() - begun
    for who, roots in trees.items():
        tally.cpu[who] = (sum(map(cpu_seconds, roots)) - before[who]) / took
    tally.cpu["clients"] = (time.process_time() - clients) / took
    return tally


async def _reviewer(
    tally: Tally,
    port: int,
    cookie: tuple[str, str],
    ends: float,
    rng: random.Random,
    *,
    pages: bool,
) -> None:
    """Look at the queue, take a case, read it, decide, and think in between.

    With ``pages`` as a browser shows it; what it takes to decide is read from the API by all.
    """
    with reviewers_client(port, cookie) as client:
        await asyncio.sleep(rng.uniform(0, 5))
        while time.monotonic() < ends:
            if pages:
                await tally.ask(client, "GET /")
            else:
                await tally.ask(client, "GET /api/v1/cases", params={"state": "open"})
            await asyncio.sleep(rng.uniform(0.5, 1.5))
            taken = await tally.ask(client, "POST /api/v1/cases/next")
            if taken is not None and taken.status == 200:
                await _decide(tally, client, taken.json()["id"], rng, pages=pages)
            await asyncio.sleep(rng.uniform(0.5, 1.5))


async def _decide(
    tally: Tally, client: Client, case_id: str, rng: random.Random, *, pages: bool
) -> None:
    for _ in range(_LOOKS):
        answer = await tally.ask(client, "GET /api/v1/cases/{case}", f"/api/v1/cases/{case_id}")
        if answer is None:
            return
        if pages:
            await tally.ask(client, "GET /cases/{case}", f"/cases/{case_id}")
        await asyncio.sleep(rng.uniform(1, 3))
        if await _decided(tally, client, case_id, answer.json()) is not None:
            tally.decided += 1
            return
    tally.errors["decision: changed again and again"] += 1


async def _decided(
    tally: Tally, client: Client, case_id: str, file: dict[str, Any]
) -> Answer | None:
    labels = {"industry_class": {"value": "none"}}
    return await tally.ask(
        client,
        "POST /api/v1/cases/{case}/decision",
        f"/api/v1/cases/{case_id}/decision",
        json={
            "version": file["case"]["version"],
            "outcome": "close",
            "confidence": "high",
            "items": [{"item": item["id"], "labels": labels} for item in file["items"]],
        },
    )


async def _intakes(tally: Tally, ports: Sequence[int], key: str, ends: float) -> None:
    headers = {"Authorization": f"Bearer {key}"} | HOST
    running: set[asyncio.Task[None]] = set()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(contextlib.closing(Client(p, headers))) for p in ports]
        begun, number = time.monotonic(), 0
        while time.monotonic() < ends:
            if len(running) > 200:
                tally.late += 1
            else:
                task = asyncio.create_task(_intake(tally, clients[number % len(clients)], number))
                running.add(task)
                task.add_done_callback(running.discard)
            number += 1
            await asyncio.sleep(max(0, begun + number / INTAKES_PER_SECOND - time.monotonic()))
        await asyncio.gather(*running)


async def _intake(tally: Tally, client: Client, number: int) -> None:
    body = {
        "arising": "uploaded",
        "subject": {"kind": "user", "identifier": f"user-{number % 5_000}"},
        "source_id": f"ticket-{number}",
    }
    opened = await tally.ask(client, "POST /api/v1/cases", json=body)
    if opened is None:
        return
    case_id = opened.json()["id"]
    tally.acknowledged[case_id] = 0
    if number % MEDIA_EVERY:
        route, options = "items", {"json": {"kind": "prompt", "text": f"an umbrella, {number}"}}
    else:
        # Bytes after the end of the picture make each another file.
        route, options = "media", {"content": _PICTURE + b"%d" % number}
    path = f"/api/v1/cases/{case_id}/{route}"
    added = await tally.ask(client, f"POST /api/v1/cases/{{case}}/{route}", path, **options)
    if added is not None:
        tally.acknowledged[case_id] = 1


_PICTURE = PICTURES["umbrella-infotext.png"]()


async def _watch(tally: Tally, service: int, seconds: int) -> None:
    for second in range(seconds):
        with contextlib.suppress(OSError):
            pages = int(Path(f"/proc/{service}/statm").read_text().split()[1])
            tally.resident.append((second, pages * os.sysconf("SC_PAGE_SIZE")))
        await asyncio.sleep(1)


def reviewers_client(port: int, cookie: tuple[str, str]) -> contextlib.closing[Client]:
    value, csrf = cookie
    headers = {"X-CSRF-Token": csrf, "Cookie": f"{cookie_name(CONFIG)}={value}"} | HOST
    return contextlib.closing(Client(port, headers))
