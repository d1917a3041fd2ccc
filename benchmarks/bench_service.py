"""The review service under load: reviewers and intakes at once, against a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop

from bench_cases import OPEN, _fill, _postgresql
from cpu_time import cpu_seconds
from http_client import Answer, Client, ClientError
from lightkeeper.cases.audit import verify
from lightkeeper.cases.people import Account, Role
from lightkeeper.scan import Policy, default_examiners
from lightkeeper.service._house import HousePlan, open_house
from lightkeeper.service._serve import serve
from lightkeeper.service._services import ServiceConfig, Services
from lightkeeper.service.accounts._digests import digest_of, new_secret
from lightkeeper.service.accounts._sessions import begin_session, cookie_name
from lightkeeper.storage.cases import open_cases
from lightkeeper.storage.keys import KeyRing
from lightkeeper.testing.gallery import PICTURES

REVIEWERS = 50
INTAKES_PER_SECOND = 20
MEDIA_EVERY = 20
"""One in so many intakes carries a file, and the others a prompt."""
PAGES = 200
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
        if answer.status == _CHANGED:
            self.conflicts[f"{route}: {answer.json()['error']['message']}"] += 1
        else:
            self.errors[f"{route}: {answer.status}"] += 1
        return None


def run(seconds: int = 300) -> str:
    with _postgresql() as url:
        if url is None:
            return "PostgreSQL is not installed."
        with _house(url) as (folder, services):
            cookies, key = _people(services)
            with _served(folder, url) as (port, process):
                tally = _run(_load(port, process, seconds, cookies, key, _postmaster(url)))
            lost, intact, events = _after(folder, url, tally)
    rows = [_row(route, times) for route, times in sorted(tally.seconds.items())]
    resident = [f"{at:.0f} s: {size >> 20} MiB" for at, size in _spread(tally.resident)]
    return "\n".join(
        [
            "## The review service under load",
            "",
            f"PostgreSQL, {REVIEWERS} reviewers, {INTAKES_PER_SECOND} intakes a second, {seconds}"
            " s; service, data base and clients share this machine.",
            "",
            "| route | requests | p50 ms | p95 ms | p99 ms |",
            "| --- | --- | --- | --- | --- |",
            *rows,
            "",
            f"Errors: {sum(tally.errors.values())} {dict(tally.errors) or ''}; decisions:"
            f" {tally.decided:,}; asked to look again: {dict(tally.conflicts) or 0}; acknowledged"
            f" cases: {len(tally.acknowledged):,}, lost: {lost}; intakes not begun in time:"
            f" {tally.late}; audit of {events:,} events intact: {'yes' if intact else 'NO'}.",
            "",
            f"Resident memory of the serving process: {', '.join(resident)}. Cores in use: "
            + ", ".join(f"{who} {share:.2f}" for who, share in tally.cpu.items())
            + ".",
            "",
        ]
    )


def run_pages() -> str:
    """The first pages of a long queue over HTTP."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        rows.append(_long_queue("SQLite", f"sqlite:///{folder}/cases.db"))
    with _postgresql() as url:
        if url is not None:
            rows.append(_long_queue("PostgreSQL", url))
    return "\n".join(
        [
            f"### Pages of {OPEN:,} open cases over HTTP",
            "",
            "| route | requests | p50 ms | p95 ms | p99 ms |",
            "| --- | --- | --- | --- | --- |",
            *[row for row in rows if row],
            "",
        ]
    )


def _long_queue(name: str, url: str) -> str:
    with _house(url) as (folder, services):
        store = open_cases(url, audit_key=b"k" * 32, create=False)
        _fill(store)
        store.close()
        cookies, _ = _people(services)
        with _served(folder, url) as (port, _process):
            tally = _run(_page_through(port, cookies[0]))
    if tally.errors:
        raise RuntimeError(str(dict(tally.errors)))
    return "\n".join(
        _row(f"{name}: {route}", times) for route, times in sorted(tally.seconds.items())
    )


async def _page_through(port: int, cookie: tuple[str, str]) -> Tally:
    tally = Tally()
    with _client(port, cookie) as client:
        after = None
        for number in range(PAGES):
            options = {"state": "open"} | ({"after": after} if after and number % 10 else {})
            answer = await tally.ask(client, "GET /api/v1/cases", params=options)
            after = answer.json()["next"] if answer else None
            await tally.ask(client, "GET /")
            await asyncio.sleep(0.1)
    return tally


async def _load(
    port: int,
    process: subprocess.Popen[str],
    seconds: int,
    cookies: list[tuple[str, str]],
    key: str,
    postmaster: int,
) -> Tally:
    tally, begun = Tally(), time.monotonic()
    ends = begun + seconds
    trees = {"service": process.pid, "data base": postmaster}
    before = {who: cpu_seconds(root) for who, root in trees.items()}, time.process_time()
    async with asyncio.TaskGroup() as group:
        group.create_task(_watch(tally, process, seconds))
        group.create_task(_intakes(tally, port, key, ends))
        for number, cookie in enumerate(cookies):
            group.create_task(_reviewer(tally, port, cookie, ends, random.Random(number)))
    took = time.monotonic() - begun
    for who, root in trees.items():
        tally.cpu[who] = (cpu_seconds(root) - before[0][who]) / took
    tally.cpu["clients"] = (time.process_time() - before[1]) / took
    return tally


async def _reviewer(
    tally: Tally, port: int, cookie: tuple[str, str], ends: float, rng: random.Random
) -> None:
    """Look at the queue, take a case, read it, decide, and think in between."""
    with _client(port, cookie) as client:
        await asyncio.sleep(rng.uniform(0, 5))
        while time.monotonic() < ends:
            await tally.ask(client, "GET /api/v1/cases", params={"state": "open"})
            await asyncio.sleep(rng.uniform(0.5, 1.5))
            taken = await tally.ask(client, "POST /api/v1/cases/next")
            if taken is not None and taken.status == 200:
                await _decide(tally, client, taken.json()["id"], rng)
            await asyncio.sleep(rng.uniform(0.5, 1.5))


async def _decide(tally: Tally, client: Client, case_id: str, rng: random.Random) -> None:
    for _ in range(_LOOKS):
        answer = await tally.ask(client, "GET /api/v1/cases/{case}", f"/api/v1/cases/{case_id}")
        if answer is None:
            return
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


async def _intakes(tally: Tally, port: int, key: str, ends: float) -> None:
    headers = {"Authorization": f"Bearer {key}"} | HOST
    running: set[asyncio.Task[None]] = set()
    with contextlib.closing(Client(port, headers)) as client:
        begun, number = time.monotonic(), 0
        while time.monotonic() < ends:
            if len(running) > 200:
                tally.late += 1
            else:
                task = asyncio.create_task(_intake(tally, client, number))
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


async def _watch(tally: Tally, process: subprocess.Popen[str], seconds: int) -> None:
    for second in range(seconds):
        with contextlib.suppress(OSError):
            pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
            tally.resident.append((second, pages * os.sysconf("SC_PAGE_SIZE")))
        await asyncio.sleep(1)


def _client(port: int, cookie: tuple[str, str]) -> contextlib.closing[Client]:
    value, csrf = cookie
    headers = {"X-CSRF-Token": csrf, "Cookie": f"{cookie_name(CONFIG)}={value}"} | HOST
    return contextlib.closing(Client(port, headers))


def _run(load: Coroutine[Any, Any, Tally]) -> Tally:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(load)


def _postmaster(url: str) -> int:
    folder = Path(url.rpartition("host=")[2])
    return int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])


@contextlib.contextmanager
def _house(url: str) -> Iterator[tuple[Path, Services]]:
    """Stores with tables and keys, of which nobody takes jobs yet."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with open_house(replace(_plan(folder, url), threads=0)) as house:
            yield folder, house.services


def _people(services: Services) -> tuple[list[tuple[str, str]], str]:
    """Sessions of the reviewers, and the key of a program."""
    now, key, cookies = datetime.now(UTC), new_secret(), []
    with services.accounts.accounts() as unit:
        for number in range(REVIEWERS):
            account = Account(
                id=f"r{number}", name=f"r{number}", roles=frozenset({Role.REVIEWER}), created=now
            )
            unit.add_account(account)
            cookie = begin_session(unit, services, CONFIG, account)
            session = unit.session(digest_of(services.keys, "session", cookie))
            assert session is not None
            cookies.append((cookie, session.csrf))
        unit.add_account(
            Account(
                id="intake",
                name="intake",
                roles=frozenset({Role.INTAKE}),
                created=now,
                is_person=False,
                key_digest=digest_of(services.keys, "api key", key),
            )
        )
    return cookies, key


def _plan(folder: Path, url: str) -> HousePlan:
    return HousePlan(
        cases=url,
        vault=str(folder / "vault"),
        keys=folder / "service.keys",
        jobs=f"sqlite:///{folder / 'jobs.db'}",
        policy=Policy(),
        build=default_examiners,
        config=CONFIG,
        threads=2,
    )


@contextlib.contextmanager
def _served(folder: Path, url: str) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    command = [sys.executable, __file__, "--serve", json.dumps([str(folder), url])]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield _port(process), process
        finally:
            process.terminate()


def _port(process: subprocess.Popen[str]) -> int:
    """Read the address, and show what it complains about from then on."""
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("Listening on"):
            break
        sys.stderr.write(line)
    else:
        raise RuntimeError("the service did not start")
    tail: deque[str] = deque(maxlen=40)
    threading.Thread(target=_listen, args=(process.stderr, tail), daemon=True).start()
    return int(line.rpartition(":")[2])


def _listen(stream: Any, tail: deque[str]) -> None:
    for line in stream:
        tail.append(line)
        if "Traceback" in line or '"error"' in line or "Error" in line:
            sys.stderr.write(line)


def _after(folder: Path, url: str, tally: Tally) -> tuple[int, bool, int]:
    """Acknowledged cases and items that are not there, and whether the audit holds."""
    key = KeyRing.open(folder / "service.keys").audit_key()
    store = open_cases(url, audit_key=key, create=False)
    lost = 0
    with store.reading() as reader:
        for case_id, items in tally.acknowledged.items():
            lost += reader.case(case_id) is None or len(reader.items(case_id)) < items
        report = verify(reader.events(), reader.head(), key)
    store.close()
    return lost, report.intact, report.events


def _row(route: str, times: list[float]) -> str:
    cuts = statistics.quantiles(times, n=100) if len(times) > 1 else times * 99
    p50, p95, p99 = (f"{cuts[n - 1] * 1000:.0f}" for n in (50, 95, 99))
    return f"| `{route}` | {len(times):,} | {p50} | {p95} | {p99} |"


def _spread(samples: list[tuple[float, int]]) -> list[tuple[float, int]]:
    return samples[:: max(1, len(samples) // 8)]


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--pages", action="store_true", help="only the pages of a long queue")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        folder, url = json.loads(chosen.serve)
        with open_house(_plan(Path(folder), url)) as house:
            serve(house.app, host="127.0.0.1", port=0)
        return
    act: Callable[[], str] = run_pages if chosen.pages else lambda: run(chosen.seconds)
    print(act())


if __name__ == "__main__":
    _main()
