"""Readers in processes of their own follow a writer that merges all the time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from lightkeeper.matching import Change
from lightkeeper.matching.index import IndexWriter

LAST = 3000
READER = """
import sys, time
import numpy as np
from lightkeeper.matching.index import IndexReader

folder, last = sys.argv[1], int(sys.argv[2])
values = [np.random.default_rng(n).bytes(32).hex() for n in range(1, 41)]
reader = IndexReader(folder)
print("ready", flush=True)
seen, looks, deadline = 0, 0, time.monotonic() + 60
while seen < last:
    assert time.monotonic() < deadline, f"stuck at revision {seen}"
    reader.refresh()
    assert reader.revision >= seen, "the reader went back"
    seen = reader.revision
    found = reader.find("pdq", values).entry_number.tolist()
    assert found[:20] == list(range(1, 21)), f"entries are missing: {found}"
    assert len(set(found)) == len(found), f"entries are double: {found}"
    looks += 1
print(looks)
"""


def _value(number: int) -> str:
    return np.random.default_rng(number).bytes(32).hex()


def test_readers_see_every_entry_once_at_every_moment(tmp_path: Path) -> None:
    with IndexWriter(tmp_path, merge_after=64) as writer:
        writer.apply(Change(n, n, 1, "pdq", _value(n), True) for n in range(1, 21))
        command = [sys.executable, "-c", READER, str(tmp_path), str(LAST)]
        readers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        for reader in readers:
            assert reader.stdout
            assert reader.stdout.readline() == "ready\n"
        for first in range(21, LAST + 1, 10):
            revisions = range(first, min(first + 10, LAST + 1))
            # Numbers 21-40 come and go, all others come.
            writer.apply(
                Change(n, number, 1, "pdq", _value(number), n // 40 % 2 == 0 or n % 40 >= 20)
                for n in revisions
                for number in [21 + n % 20 if n % 40 < 20 else n + 100]
            )
        for reader in readers:
            output, _ = reader.communicate(timeout=90)
            assert reader.returncode == 0
            assert int(output) > 1
