"""A writer that is killed at any moment loses nothing that it had acknowledged."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lightkeeper.matching import HashSet
from lightkeeper.storage import open_store

_WRITER = """
import sys
from datetime import UTC, datetime
from lightkeeper.matching import Entry
from lightkeeper.storage import open_store

store = open_store(sys.argv[1], create=False)
start, now = int(sys.argv[2]), datetime(2026, 3, 1, tzinfo=UTC)
for batch in range(start, start + 10_000):
    values = [f"{batch:08x}{i:024x}" for i in range(50)]
    store.upsert("buoys", [Entry(kind="md5", value=v) for v in values], source="a", now=now)
    sys.stdout.write(f"{batch}\\n")
    sys.stdout.flush()
"""


def _write_and_kill(url: str, start: int, batches: int) -> int:
    """Kill a writer some way into its work; returns the last batch that it acknowledged."""
    command = [sys.executable, "-c", _WRITER, url, str(start)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        for _ in range(batches):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        last = [int(line) for line in writer.stdout.read().split()]
    return last[-1] if last else start + batches - 1


def _check(url: str, acknowledged: int) -> int:
    """Every batch that was acknowledged is whole, and so is one that may have followed."""
    store = open_store(url, create=False)
    held = {entry.value for entry in store.entries("buoys")}
    written = len(held) // 50
    assert held == {f"{batch:08x}{i:024x}" for batch in range(written) for i in range(50)}
    assert written in (acknowledged + 1, acknowledged + 2)
    changes = [change.value for change in store.changes(after=0)]
    assert len(changes) == len(held)
    assert set(changes) == held
    store.close()
    return written


def _run(tmp_path: Path, kills: int) -> None:
    url = f"sqlite:///{tmp_path}/sets.db"
    open_store(url).create_set(HashSet(name="buoys", owner="Harbour Office", purpose="floating"))
    rng = random.Random(7)
    written = 0
    for _ in range(kills):
        written = _check(url, _write_and_kill(url, written, rng.randint(1, 12)))


def test_batches_survive_the_death_of_their_writer(tmp_path: Path) -> None:
    _run(tmp_path, kills=4)


@pytest.mark.soak
def test_batches_survive_many_deaths(tmp_path: Path) -> None:
    _run(tmp_path, kills=200)
