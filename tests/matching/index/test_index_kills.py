"""A writer that is killed at any point has lost nothing that it had acknowledged."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import pytest

from lightkeeper.matching.index import IndexReader, verify

ENTRIES = 400
NURSERY = f"""
import os, signal, sys
from pathlib import Path
import numpy as np
from lightkeeper.matching import Change
from lightkeeper.matching.index import IndexReader, IndexWriter

def change(revision):
    number = revision * 7919 % {ENTRIES} + 1
    value = np.random.default_rng(number).bytes(32).hex()
    return Change(revision, number, 1, "pdq", value, revision * 31 % 7 > 2)

def write(folder, fsyncs):
    real = os.fsync
    def fsync(descriptor):
        nonlocal fsyncs
        fsyncs -= 1
        if fsyncs == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        real(descriptor)
    if fsyncs:
        os.fsync = fsync
    with IndexWriter(folder, merge_after=60) as writer:
        while True:
            first = writer.last_revision + 1
            writer.apply(change(revision) for revision in range(first, first + 1 + first % 23))
            os.write(1, f"{{writer.last_revision}}\\n".encode())

folder = Path(sys.argv[1])
IndexWriter(folder).close()
IndexReader(folder).search(np.zeros((1, 4), np.uint64))
for line in sys.stdin:  # a child each line: imports and kernels are there already
    child = os.fork()
    if not child:
        write(folder, int(line))
    os.write(1, f"child {{child}}\\n".encode())
    os.waitpid(child, 0)
    os.write(1, b"gone\\n")
"""


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", NURSERY, str(tmp_path / "index")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        yield process
        assert process.stdin
        process.stdin.close()
        assert process.wait(60) == 0


def _kill_once(process: subprocess.Popen[str], choice: random.Random) -> int:
    """Start a writer and kill it: itself before one of its fsyncs, or from here at some moment.

    Returns the last revision that it acknowledged, 0 for none.
    """
    assert process.stdin
    assert process.stdout
    by_itself = choice.random() < 0.5
    process.stdin.write(f"{choice.randrange(1, 120) if by_itself else 0}\n")
    lines = _Lines(process.stdout)
    child = lines.child()
    if not by_itself:
        lines.acknowledged(choice.randrange(60))
        moment = time.perf_counter() + choice.random() * 0.004
        while time.perf_counter() < moment:
            pass
        os.kill(child, signal.SIGKILL)
    return lines.rest()


class _Lines:
    """What a child and its nursery say; the child may speak first."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._last = 0

    def child(self) -> int:
        while not (line := self._stream.readline()).startswith("child"):
            self._last = int(line)
        return int(line.split()[1])

    def acknowledged(self, count: int) -> None:
        for _ in range(count):
            self._last = int(self._stream.readline())

    def rest(self) -> int:
        while (line := self._stream.readline()) != "gone\n":
            self._last = int(line)
        return self._last


def _check(folder: Path, acknowledged: int) -> None:
    revision = verify(folder).revision
    assert revision >= acknowledged
    state: dict[int, bool] = {}
    for step in range(1, revision + 1):
        state[step * 7919 % ENTRIES + 1] = step * 31 % 7 > 2
    values = [np.random.default_rng(number).bytes(32).hex() for number in range(1, ENTRIES + 1)]
    found = IndexReader(folder).find("pdq", values).entry_number.tolist()
    assert found == sorted(number for number, matches in state.items() if matches)


def _kill_often(folder: Path, process: subprocess.Popen[str], kills: int, seed: int) -> None:
    choice = random.Random(seed)
    acknowledged = 0
    for _ in range(kills):
        acknowledged = max(acknowledged, _kill_once(process, choice))
        _check(folder, acknowledged)
    assert acknowledged > 10 * kills, "the writers came to nothing: this has tested nothing"


def test_nothing_acknowledged_is_lost_to_a_dozen_kills(
    tmp_path: Path, nursery: subprocess.Popen[str]
) -> None:
    _kill_often(tmp_path / "index", nursery, 12, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3))
def test_nothing_acknowledged_is_lost_to_hundreds_of_kills(
    tmp_path: Path, nursery: subprocess.Popen[str], seed: int
) -> None:
    _kill_often(tmp_path / "index", nursery, 100, seed)
