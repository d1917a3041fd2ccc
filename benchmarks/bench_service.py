"""The review service under load: reviewers and intakes at once, against a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop

from bench_cases import OPEN, _fill, _postgresql
from lightkeeper.cases.audit import verify
from lightkeeper.cases.people import Account, Role
from lightkeeper.scan import Policy, default_examiners
from lightkeeper.service._house import HousePlan, open_house
from lightkeeper.service._serve import serve
from lightkeeper.service._services import Services
from lightkeeper.service.accounts._digests import digest_of, new_secret
from lightkeeper.service.accounts._sessions import begin_session
from lightkeeper.storage.cases import open_cases
from lightkeeper.storage.keys import KeyRing
from service_load import CONFIG, INTAKES_PER_SECOND, Tally, load, reviewers_client

REVIEWERS = 50
PAGES = 200


def run(seconds: int = 300, processes: int = 1) -> str:
    with _postgresql() as url:
        if url is None:
            return "PostgreSQL is not installed."
        with _house(url) as (folder, house):
            cookies, key = _people(house)
            with contextlib.ExitStack() as stack:
                served = [stack.enter_context(_served(folder, url)) for _ in range(processes)]
                ports = [port for port, _ in served]
                services = [process.pid for _, process in served]
                tally = _run(load(ports, services, seconds, cookies, key, _postmaster(url)))
            lost, intact, events = _after(folder, url, tally)
    rows = [_row(route, times) for route, times in sorted(tally.seconds.items())]
    resident = [f"{at:.0f} s: {size >> 20} MiB" for at, size in _spread(tally.resident)]
    return "\n".join(
        [
            "## The review service under load",
            "",
            f"PostgreSQL, {REVIEWERS} reviewers, {INTAKES_PER_SECOND} intakes a second, {seconds}"
            f" s, serving processes: {processes}; they, the data base and the clients share this"
            " machine.",
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
            f"Resident memory of the first serving process: {', '.join(resident)}. Cores in use: "
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
    with reviewers_client(port, cookie) as client:
        after = None
        for number in range(PAGES):
            options = {"state": "open"} | ({"after": after} if after and number % 10 else {})
            answer = await tally.ask(client, "GET /api/v1/cases", params=options)
            after = answer.json()["next"] if answer else None
            await tally.ask(client, "GET /")
            await asyncio.sleep(0.1)
    return tally


def _run(act: Coroutine[Any, Any, Tally]) -> Tally:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(act)


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
    parser.add_argument("--processes", type=int, default=1, help="serving, beside one another")
    parser.add_argument("--pages", action="store_true", help="only the pages of a long queue")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        folder, url = json.loads(chosen.serve)
        with open_house(_plan(Path(folder), url)) as house:
            serve(house.app, host="127.0.0.1", port=0)
        return
    print(run_pages() if chosen.pages else run(chosen.seconds, chosen.processes))


if __name__ == "__main__":
    _main()
