"""Long runs, under ``make soak`` only."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lightkeeper.scan import Policy, scan
from lightkeeper.testing.gallery import build_gallery

pytestmark = pytest.mark.soak

MIB = 1 << 20


def _largest_descendant_rss() -> int:
    """Resident bytes of the largest process below this one."""
    parents: dict[int, int] = {}
    sizes: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                resident = int((entry / "statm").read_text().split()[1])
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
            sizes[int(entry.name)] = resident * os.sysconf("SC_PAGE_SIZE")

    def below(pid: int) -> Iterator[int]:
        for child in (c for c, parent in parents.items() if parent == pid):
            yield child
            yield from below(child)

    return max(sizes[pid] for pid in below(os.getpid()))


def test_memory_is_flat_over_ten_thousand_files(tmp_path: Path) -> None:
    pictures = sorted(map(str, build_gallery(tmp_path).pictures.iterdir()))
    sizes = []
    for number, row in enumerate(scan(pictures * 625, Policy())):
        assert row.error is None or row.error["code"] == "unsupported-media"
        if number % 500 == 499:
            sizes.append(_largest_descendant_rss())
    warm = max(sizes[:4])
    assert len(sizes) == 20
    assert max(sizes) < 350 * MIB
    assert max(sizes) < warm + 24 * MIB


def test_forty_kills_lose_no_row(draw: Callable[..., str], tmp_path: Path) -> None:
    files = [draw(f"in/{n:04}.png", n) for n in range(1_000)]
    journal = tmp_path / "run.journal"
    command = [sys.executable, "-m", "lightkeeper", "scan", str(tmp_path / "in"), "--tier", "bytes"]
    command += ["--resume", str(journal), "--jsonl", "-", "--quiet"]
    pick = random.Random(40)
    for _ in range(40):
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        for _ in range(pick.randrange(1, 900)):
            process.stdout.readline()
        process.send_signal(pick.choice([signal.SIGKILL, signal.SIGINT, signal.SIGTERM]))
        process.stdout.read()
        process.stdout.close()
        process.wait(30)
    done = subprocess.run(command, capture_output=True, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["file"] for row in rows] == files
    keys = [json.loads(line)["key"] for line in journal.read_bytes().splitlines()]
    assert len(keys) == len(set(keys)) == 1_000
