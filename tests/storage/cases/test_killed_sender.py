"""A real worker that sends reports over a socket and is killed at any moment."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lightkeeper.reporting.outbox import Step, SubmissionState
from lightkeeper.storage.cases import open_cases
from lightkeeper.testing.cases._reader import AUDIT_KEY
from lightkeeper.testing.cybertipline import Fault, FaultKind, serve_stand_in

sys.path.insert(0, str(Path(__file__).parents[2] / "reporting" / "sending"))

from stand_in_cases import REPORTER, SHORT, FolderVault, World, check_finished, real_now

# A parent that has everything imported forks a worker for every line that it reads, so that a
# death costs milliseconds. It says the worker's number, and "ended" when the worker is gone.
_NURSERY = """
import os, sys
sys.path.insert(0, sys.argv[3])
from lightkeeper.reporting.sending import CyberTipline
from lightkeeper.storage.cases import open_cases
from lightkeeper.testing.cases._reader import AUDIT_KEY
from lightkeeper.reporting.outbox import SubmissionState
from stand_in_cases import REPORTER, SHORT, FolderVault, World, config, real_now

def work():
    store = open_cases(sys.argv[1], audit_key=AUDIT_KEY, create=False)
    world = World(store=store, vault=FolderVault(sys.argv[2]), clock=real_now, patience=SHORT)
    with CyberTipline(config(sys.argv[4])) as client:
        while world.desk.listed(REPORTER, frozenset({SubmissionState.CONFIRMED})):
            world.desk.work(client)

for _line in sys.stdin:
    child = os.fork()
    if not child:
        work()
        os._exit(0)
    print(child, flush=True)
    _, status = os.waitpid(child, 0)
    print("killed" if os.WIFSIGNALED(status) else f"ended {status}", flush=True)
"""
_CODES = [1000, 1100, 1110, 1111, 1210, 1300, 2000, 3000, 3100, 3300, 4000, 4100, 4110, 4200]


def _faults(rng: random.Random) -> Any:
    kinds = [FaultKind.CODE, FaultKind.CODE_AFTER, FaultKind.DROP, FaultKind.DROP_AFTER]
    kinds.append(FaultKind.GARBAGE_AFTER)

    def choose(_step: Step) -> Fault | None:
        if rng.random() > 0.08:
            return None
        return Fault(kind=rng.choice(kinds), code=rng.choice(_CODES))

    return choose


@contextmanager
def _nursery(url: str, folder: Path, base_url: str) -> Iterator[subprocess.Popen[str]]:
    stand_ins = Path(__file__).parents[2] / "reporting" / "sending"
    command = [sys.executable, "-c", _NURSERY, url, str(folder), str(stand_ins), base_url]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as parent:
        yield parent
        assert parent.stdin
        parent.stdin.close()


def _one_life(parent: subprocess.Popen[str], most_seconds: float | None) -> bool:
    """Let a worker live for a while; whether it was killed."""
    assert parent.stdin
    assert parent.stdout
    parent.stdin.write("live\n")
    parent.stdin.flush()
    child = int(parent.stdout.readline())
    if most_seconds is not None and not select.select([parent.stdout], [], [], most_seconds)[0]:
        os.kill(child, signal.SIGKILL)
    ended = parent.stdout.readline().strip()
    assert ended in ("killed", "ended 0")
    return ended == "killed"


def _run(url: str, folder: Path, kills: int, seed: int) -> tuple[int, int]:
    """Kill workers so often; how many cases and requests that took."""
    rng = random.Random(seed)
    store = open_cases(url, audit_key=AUDIT_KEY)
    world = World(
        store=store, vault=FolderVault(folder), clock=real_now, patience=SHORT, faults=_faults(rng)
    )
    sent = []
    with (
        serve_stand_in(world.stand_in, quiet=True) as base_url,
        _nursery(url, folder, base_url) as parent,
    ):
        killed = 0
        while killed < kills:
            if not world.desk.listed(REPORTER, frozenset({SubmissionState.CONFIRMED})):
                sent += [world.confirmed(files=rng.randint(0, 3)) for _ in range(2)]
            killed += _one_life(parent, rng.uniform(0.01, 0.16))
            world.revive()
        while world.desk.listed(REPORTER):
            _one_life(parent, None)
            world.revive()
    for submission in sent:
        check_finished(store, world.vault, world.stand_in, submission.id)
    assert len(world.stand_in.finished) == len(sent)
    store.close()
    return len(sent), sum(world.stand_in.asked.values())


@pytest.fixture
def media(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    folder.mkdir()
    return folder


def test_reports_survive_the_death_of_their_sender(url: str, media: Path) -> None:
    _run(url, media, kills=6, seed=7)


@pytest.mark.soak
def test_reports_survive_many_deaths(url: str, media: Path) -> None:
    cases, requests = _run(url, media, kills=250, seed=11)
    sys.stderr.write(f"\n250 deaths, {cases} cases, {requests} requests\n")
