"""A process that is killed while it keeps media loses nothing that it said was kept."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from lightkeeper.storage.keys import KeyRing
from lightkeeper.storage.vault import open_vault

_PROGRAM = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from lightkeeper.storage.keys import KeyRing
from lightkeeper.storage.vault import open_vault

ring = KeyRing.open(Path(sys.argv[1]))
vault = open_vault(sys.argv[2], ring)
while True:
    print("kept", vault.put(b"umbrella" * 5000), flush=True)
    print("kept", vault.put(b"bicycle" * 5000), flush=True)
    gone = vault.put(b"lamp")
    print("going", gone, flush=True)
    vault.destroy(gone)
    print("gone", gone, flush=True)
    ring.rotate(now=datetime.now(UTC))
    for done in vault.rewrap():
        assert done.problem is None
"""


def _killed(keys: Path, folder: Path, lines: int) -> list[tuple[str, str]]:
    """What a keeper said until it was killed, some time after its line of this number."""
    command = [sys.executable, "-c", _PROGRAM, str(keys), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as keeper:
        assert keeper.stdout is not None
        said = [keeper.stdout.readline() for _ in range(lines)]
        keeper.kill()
        said += keeper.stdout.readlines()
    words = [line.split() for line in said if line.endswith("\n")]
    return [(word, key) for word, key in words]


def _run(tmp_path: Path, rounds: int) -> None:
    keys, folder = tmp_path / "service.keys", tmp_path / "vault"
    vault = open_vault(folder, KeyRing.open(keys, create=True))
    kept: set[str] = set()
    gone: set[str] = set()
    drawn = random.Random(7)
    for _ in range(rounds):
        for word, key in _killed(keys, folder, drawn.randint(1, 12)):
            (kept if word == "kept" else gone if word == "gone" else set()).add(key)
        checked = {c.key: c.problem for c in vault.check()}
        assert not any(checked.values())
        assert kept <= set(checked)
        assert not gone & set(checked)
    assert {vault.get(key)[:3] for key in kept} <= {b"umb", b"bic"}


def test_a_killed_keeper_loses_nothing_and_leaves_no_half_object(tmp_path: Path) -> None:
    _run(tmp_path, rounds=5)


@pytest.mark.soak
def test_two_hundred_killed_keepers_lose_nothing(tmp_path: Path) -> None:
    _run(tmp_path, rounds=200)
