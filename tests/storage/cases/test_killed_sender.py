"""A real worker that sends reports over a socket and is killed at any moment."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

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

store = open_cases(sys.argv[1], audit_key=AUDIT_KEY, create=False)
world = World(store=store, vault=FolderVault(sys.argv[2]), clock=real_now, patience=SHORT)
WAITING = frozenset({SubmissionState.CONFIRMED})
world.desk.listed(REPORTER, WAITING)
store.close()

def work():
    with CyberTipline(config(sys.argv[4])) as client:
        while world.desk.listed(REPORTER, WAITING):
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
_WAITING = frozenset({SubmissionState.CONFIRMED})
_KINDS = [FaultKind.CODE, FaultKind.CODE_AFTER, FaultKind.DROP, FaultKind.DROP_AFTER]
_KINDS.append(FaultKind.GARBAGE_AFTER)
_CODES = [1000, 1100, 1110, 1111, 1210, 1300, 2000, 3000, 3100, 3300, 4000, 4100, 4110, 4200]


class Trouble:
    """Faults at random, and word of the request after which the worker is to die."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._left = 0
        self.reached = threading.Event()

    def after(self, requests: int) -> None:
        self._left = requests
        self.reached.clear()

    def __call__(self, _step: Step) -> Fault | None:
        self._left -= 1
        if self._left == 0:
            self.reached.set()
        if self._rng.random() > 0.08:
            return None
        return Fault(kind=self._rng.choice(_KINDS), code=self._rng.choice(_CODES))


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


def _one_life(parent: subprocess.Popen[str], trouble: Trouble, rng: random.Random | None) -> bool:
    """Let a worker live, to its end or to its death soon after some request; whether it died."""
    assert parent.stdin
    assert parent.stdout
    trouble.after(rng.randint(1, 6) if rng else 0)
    parent.stdin.write("live\n")
    parent.stdin.flush()
    child = int(parent.stdout.readline())
    ended = False
    while rng and not ended and not trouble.reached.is_set():
        ended = _says(parent, 0.002)
    if rng and not ended and not _says(parent, rng.uniform(0, 0.03)):
        # It may have come to its end just now.
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    end = parent.stdout.readline().strip()
    assert end in ("killed", "ended 0")
    return end == "killed"


def _says(parent: subprocess.Popen[str], seconds: float) -> bool:
    return bool(select.select([parent.stdout], [], [], seconds)[0])


def _run(url: str, folder: Path, kills: int, seed: int) -> tuple[int, Counter[str]]:
    """Kill workers so often; how many cases that took, and what they were at when they died."""
    rng = random.Random(seed)
    trouble = Trouble(rng)
    store = open_cases(url, audit_key=AUDIT_KEY)
    world = World(
        store=store, vault=FolderVault(folder), clock=real_now, patience=SHORT, faults=trouble
    )
    sent, deaths = [], Counter[str]()
    with (
        serve_stand_in(world.stand_in, quiet=True) as base_url,
        _nursery(url, folder, base_url) as parent,
    ):
        while deaths.total() < kills:
            if len(world.desk.listed(REPORTER, _WAITING)) < 2:
                sent.append(world.confirmed(files=rng.randint(0, 3)))
            if _one_life(parent, trouble, rng):
                waiting = world.desk.listed(REPORTER, _WAITING)
                at = next((each.under_way for each in waiting if each.under_way), None)
                deaths[at.value if at else "between"] += 1
            world.revive()
        while world.desk.listed(REPORTER):
            _one_life(parent, trouble, None)
            world.revive()
    for submission in sent:
        check_finished(store, world.vault, world.stand_in, submission.id)
    assert len(world.stand_in.finished) == len(sent)
    store.close()
    return len(sent), deaths


@pytest.fixture
def media(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    folder.mkdir()
    return folder


def test_reports_survive_the_death_of_their_sender(url: str, media: Path) -> None:
    _run(url, media, kills=6, seed=7)


@pytest.mark.soak
def test_reports_survive_many_deaths(url: str, media: Path) -> None:
    cases, deaths = _run(url, media, kills=250, seed=11)
    sys.stderr.write(f"\n{deaths.total()} deaths over {cases} cases: {dict(deaths)}\n")
