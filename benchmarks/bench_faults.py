"""Kill writers, many times, and count what they had acknowledged: the soak tests, as a table."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

_TESTS = Path(__file__).parents[1] / "tests"
_SOAKS = {
    "store (SQLite): 200 kills of a process that adds batches": "storage/test_killed_writer.py",
    "index: 300 kills of a process that writes and merges": "matching/index/test_index_kills.py",
}
_HEAD = """## Faults

SIGKILL at a random moment; after each, whatever was acknowledged is there and whole.

| what | result | seconds |
| --- | --- | --- |
"""


def run() -> str:
    rows = []
    for what, test in _SOAKS.items():
        begun = time.perf_counter()
        command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-m", "soak"]
        done = subprocess.run([*command, _TESTS / test], capture_output=True, check=False)
        verdict = "nothing lost" if done.returncode == 0 else "**failed**"
        rows.append(f"| {what} | {verdict} | {time.perf_counter() - begun:,.0f} |\n")
    return _HEAD + "".join(rows)
