"""Pages of a queue of 100,000 open cases, in every order, on SQLite and PostgreSQL."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert, text

from lightkeeper.cases.record import (
    Arising,
    Case,
    CaseState,
    Claim,
    Intake,
    Outline,
    Signal,
    Subject,
    SubjectKind,
    Triage,
    TriageReason,
)
from lightkeeper.cases.triage import CaseFilter, Sort
from lightkeeper.storage._engine import writing
from lightkeeper.storage.cases import SqlCaseStore, open_cases
from lightkeeper.storage.cases._case_values import case_values
from lightkeeper.storage.cases._tables_cases import case_record

OPEN = 100_000
CLOSED = 50_000
ROUNDS = 40
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
_STATES = frozenset({CaseState.OPEN})
FILTERS = {
    "open": CaseFilter(states=_STATES),
    "open and second opinion": CaseFilter(
        states=frozenset({CaseState.OPEN, CaseState.SECOND_OPINION})
    ),
    "unclaimed": CaseFilter(states=_STATES, unclaimed=True),
    "one queue of 20": CaseFilter(states=_STATES, queues=frozenset({"q7"})),
    "a signal (0.5 %)": CaseFilter(states=_STATES, signals=frozenset({Signal.LIVE})),
    "matched a set (5 %)": CaseFilter(states=_STATES, known=True),
    "overdue": CaseFilter(states=_STATES, overdue=True),
    "score of 400 or more": CaseFilter(states=_STATES, least_score=400),
    "one person's claims": CaseFilter(states=_STATES, claimed_by="p3"),
    "handed over to one person": CaseFilter(states=_STATES, assigned="p3"),
    "one subject": CaseFilter(states=_STATES, subject="user-17"),
    "nothing there": CaseFilter(states=_STATES, queues=frozenset({"none"})),
}


def run() -> str:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        rows += _measure("SQLite", f"sqlite:///{folder}/cases.db")
    with _postgresql() as url:
        if url is not None:
            rows += _measure("PostgreSQL", url)
    return "\n".join([*_INTRODUCTION, *rows, ""])


def _measure(name: str, url: str) -> Iterator[str]:
    store = open_cases(url, audit_key=b"k" * 32)
    _fill(store)
    for what, which in FILTERS.items():
        by_sort = [_pages(store, which, sort) for sort in Sort]
        times = sorted(t for part in by_sort for t in part)
        slowest = max(zip(by_sort, Sort, strict=True), key=lambda pair: _p95(pair[0]))
        worst = f"{_p95(slowest[0]):.1f} ({slowest[1]})"
        counted = _timed(lambda unit, which=which: unit.count(which, now=NOW), store)
        yield _row(name, f"page: {what}", times, worst)
        yield _row(name, f"count: {what}", counted, "")
    acts: dict[str, Callable[..., object]] = {
        "ages of the open": lambda unit: unit.ages(now=NOW),
        "arrivals by day, a month": lambda unit: unit.opened_by_day(since=NOW - timedelta(30)),
    }
    for what, act in acts.items():
        yield _row(name, what, _timed(act, store), "")
    yield _row(name, "take the next case", _claims(store), "")
    store.close()


def _pages(store: SqlCaseStore, which: CaseFilter, sort: Sort) -> list[float]:
    """The first pages of a queue, one after the other, from its beginning again at its end."""
    times, after = [], None
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        with store.reading() as unit:
            page = unit.page(which, sort=sort, now=NOW, after=after)
        times.append(time.perf_counter() - begun)
        after = page.next
    return times


def _timed(act: Callable[..., object], store: SqlCaseStore) -> list[float]:
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        with store.reading() as unit:
            act(unit)
        times.append(time.perf_counter() - begun)
    return sorted(times)


def _claims(store: SqlCaseStore) -> list[float]:
    from dataclasses import replace

    times = []
    for turn in range(ROUNDS):
        begun = time.perf_counter()
        with store.writing() as unit:
            which = FILTERS["open"]
            case = unit.next_unclaimed(which, person=f"n{turn}", sort=Sort.RANK, now=NOW)
            assert case is not None
            claim = Claim(person=f"n{turn}", until=NOW + timedelta(minutes=15))
            unit.save_case(replace(case, claim=claim))
        times.append(time.perf_counter() - begun)
    return sorted(times)


def _fill(store: SqlCaseStore) -> None:
    rng = random.Random(11)
    with writing(store._engine) as connection:
        for start in range(0, OPEN + CLOSED, 5_000):
            cases = [_case(number, rng) for number in range(start, start + 5_000)]
            connection.execute(insert(case_record), [case_values(case) for case in cases])
    if store._engine.dialect.name == "postgresql":
        # What its autovacuum does within a minute.
        with store._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE case_record"))


def _case(number: int, rng: random.Random) -> Case:
    opened = NOW - timedelta(seconds=rng.randrange(30 * 86_400))
    score = min(1000, int(rng.expovariate(1 / 120)))
    reasons = tuple(TriageReason("x", 10, "A sentence about what was seen.") for _ in range(4))
    claimed = rng.random() < 0.01
    is_open = number % 3 != 2
    return Case(
        id=f"{rng.getrandbits(96):024x}",
        arising=rng.choice(list(Arising)),
        intake=rng.choice(list(Intake)),
        subject=Subject(SubjectKind.USER, f"user-{rng.randrange(40_000)}", {"screen-name": "x"}),
        queue=f"q{rng.randrange(20)}",
        opened=opened,
        state=CaseState.OPEN if is_open else CaseState.CLOSED,
        source="key-1",
        source_id=str(number),
        times_reported=min(50, int(rng.paretovariate(1.2))),
        signals=frozenset({Signal.LIVE} if rng.random() < 0.005 else ()),
        triage=Triage(
            score=score,
            reasons=reasons,
            due=opened + timedelta(hours=72 if score < 120 else 24 if score < 250 else 4),
            rank=opened.timestamp() - score * 900,
        ),
        outline=Outline(items=3, media=2, set_origins=("mixed",) if rng.random() < 0.05 else ()),
        claim=Claim(person=f"p{rng.randrange(50)}", until=NOW + timedelta(minutes=9))
        if claimed
        else None,
        assigned=f"p{rng.randrange(50)}" if rng.random() < 0.002 else None,
    )


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[18] * 1000


def _row(name: str, what: str, times: list[float], worst: str) -> str:
    return (
        f"| {name} | {what} | {statistics.median(times) * 1000:.1f} | {_p95(times):.1f} | {worst} |"
    )


@contextlib.contextmanager
def _postgresql() -> Iterator[str | None]:
    """URL of a throw-away cluster with its defaults; ``None`` where it is not installed."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs or (os.geteuid() == 0 and shutil.which("runuser") is None):
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="lk-pg-", dir="/tmp"))
    become = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if become:
        shutil.chown(folder, "postgres")

    def call(program: str, *arguments: str) -> None:
        command = [*become, str(programs[-1] / program), "-D", str(folder / "data"), *arguments]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)

    try:
        call("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder}"
        call("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            call("pg_ctl", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


_INTRODUCTION = (
    "## Cases",
    "",
    f"{OPEN:,} open and {CLOSED:,} closed cases; pages of 50, one after the other, in each of the"
    " six orders; milliseconds in the store, with a connection from the pool, the snapshot and the"
    " records decoded. `worst order` is the p95 of the slowest order.",
    "",
    "| data base | what | p50 ms | p95 ms | worst order |",
    "| --- | --- | --- | --- | --- |",
)

if __name__ == "__main__":
    print(run())
