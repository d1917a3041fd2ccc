"""A worker that is killed at any moment loses nothing that it had acknowledged."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lightkeeper.cases.audit import verify
from lightkeeper.storage.cases import open_cases
from lightkeeper.testing.cases._reader import AUDIT_KEY

_WORKER = """
import sys
sys.path.insert(0, sys.argv[3])
from stand_ins import a_case, a_decision, an_event, an_item, media
from lightkeeper.storage.cases import open_cases
from lightkeeper.testing.cases._reader import AUDIT_KEY

store = open_cases(sys.argv[1], audit_key=AUDIT_KEY, create=False)
for number in range(int(sys.argv[2]), 1_000_000):
    name = f"n{number}"
    with store.writing() as unit:
        unit.add_case(a_case(name))
        unit.add_item(an_item(name, name, media=media(number), cluster="k"))
        unit.append([an_event(name), an_event(name)])
        unit.add_decision(a_decision(name, name))
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""


def _work_and_kill(url: str, start: int, cases: int) -> int:
    """Kill a worker some way into its work; the last case that it acknowledged."""
    command = [sys.executable, "-c", _WORKER, url, str(start), str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout
        for _ in range(cases):
            worker.stdout.readline()
        worker.send_signal(signal.SIGKILL)
        last = [int(line) for line in worker.stdout.read().split()]
    return last[-1] if last else start + cases - 1


def _check(url: str, acknowledged: int) -> int:
    """All that was acknowledged is whole, and so is one that may have followed."""
    store = open_cases(url, audit_key=AUDIT_KEY, create=False)
    with store.reading() as unit:
        report = verify(unit.events(), unit.head(), AUDIT_KEY)
        assert report.intact
        members = [(number, member.item) for number, member in unit.members_since(0)]
        written = len(members)
        assert written in (acknowledged + 1, acknowledged + 2)
        assert members == [(number + 1, f"n{number}") for number in range(written)]
        assert report.events == 2 * written
        for number in range(max(0, written - 20), written):
            assert unit.case(f"n{number}") is not None
            assert unit.decision(f"n{number}") is not None
    store.close()
    return written


def _run(url: str, kills: int) -> None:
    open_cases(url, audit_key=AUDIT_KEY).close()
    rng = random.Random(7)
    written = 0
    for _ in range(kills):
        written = _check(url, _work_and_kill(url, written, rng.randint(1, 12)))


def test_cases_survive_the_death_of_their_worker(url: str) -> None:
    _run(url, kills=2)


@pytest.mark.soak
def test_cases_survive_many_deaths(url: str) -> None:
    _run(url, kills=200)
