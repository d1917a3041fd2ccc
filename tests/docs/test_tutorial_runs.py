"""The tutorial's commands are run, in order, and print what the tutorial shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIALS = sorted((Path(__file__).parents[2] / "docs" / "tutorials").glob("*.md"))
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def steps(page: Path) -> list[tuple[str, list[str]]]:
    """Commands (lines after ``$``) and the lines of output that the page shows for each."""
    result: list[tuple[str, list[str]]] = []
    for block in BLOCK.findall(page.read_text(encoding="utf-8")):
        for line in block.splitlines():
            if line.startswith("$ "):
                result.append((line[2:], []))
            elif line.strip():
                result[-1][1].append(line.strip())
    return result


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda p: p.stem)
def test_every_step_of_the_tutorial_works(page: Path, tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    found = steps(page)
    assert found
    for command, shown in found:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": path, "HOME": str(tmp_path), "COLUMNS": "100", "LANG": "C.UTF-8"},
        )
        output = done.stdout + done.stderr
        for line in shown:
            parts = [p.strip() for p in line.split("…")]
            assert all(part in output for part in parts), f"$ {command}\n{output}"
