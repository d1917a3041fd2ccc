"""The example of the page on plug-ins runs as it is printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.docs.test_tutorial_runs import steps

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "plug-in-a-detector.md"
FILE = re.compile(r"^```\w+\n(# file: (\S+)\n.*?)^```", re.MULTILINE | re.DOTALL)


def test_the_example_runs_as_printed(tmp_path: Path) -> None:
    files = {name: text for text, name in FILE.findall(PAGE.read_text(encoding="utf-8"))}
    assert set(files) == {"detectors/fineness.py", "detectors/fineness.toml", "policy.toml"}
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    kept = {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
    found = steps(PAGE)
    assert len(found) == 2
    for command, shown in found:
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False,
            env=kept | {"PATH": path, "HOME": str(tmp_path), "COLUMNS": "100", "LANG": "C.UTF-8"},
        )  # fmt: skip
        output = " ".join((done.stdout + done.stderr).split())
        for line in shown:
            assert all(part.strip() in output for part in line.split("…")), output
