from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lightkeeper.cli._exit import Exit

MANIFEST = """
id = "{name}"
version = "1"
licence = "none stated"
backend = "python"
model = "{name}.py"
[files]
"{name}.py" = "{digest}"
[limits]
seconds = {seconds}
"""
CODE = {
    "steady": "def score(rgb): return 0.25",
    "crashing": "import os\ndef score(rgb): os._exit(3)",
    "hanging": "import signal\ndef score(rgb): signal.pause()",
    "missing": "",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures, plug-ins that behave and that don't, and a policy that names them."""
    for name, code in CODE.items():
        digest = hashlib.sha256(code.encode()).hexdigest()
        seconds = 1 if name == "hanging" else 10
        text = MANIFEST.format(name=name, digest=digest, seconds=seconds)
        (tmp_path / f"{name}.toml").write_text(text)
        if name != "missing":
            (tmp_path / f"{name}.py").write_text(code)
    (tmp_path / "pictures").mkdir()
    for number in range(2):
        picture = Image.new("RGB", (48, 32), (number, 90, 120))
        picture.save(tmp_path / f"pictures/{number}.png")
    return tmp_path


def write_policy(folder: Path, *names: str, more: str = "") -> Path:
    paths = ", ".join(f'"{name}.toml"' for name in names)
    policy = folder / "policy.toml"
    policy.write_text(
        f"[limits]\nmax_seconds = 30\n[detectors]\nplugins = [{paths}]\n{more}\n"
        "[examiners]\nrivagan = false\nrescaled-marks = false\n"
    )
    return policy


def run(folder: Path, policy: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lightkeeper", "scan", str(folder / "pictures"), "--quiet"]
    command += ["--tier", "deep", "--jobs", "1", "--policy", str(policy), *options]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder, timeout=180
    )


def rows(folder: Path, policy: Path, *options: str) -> list[dict[str, Any]]:
    done = run(folder, policy, "--jsonl", "-", *options)
    assert done.returncode == Exit.OK, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def unexamined(row: dict[str, Any]) -> dict[str, str]:
    return {n["examiner"]: n["reason"] for n in row["assessment"]["not_examined"]}


def test_plug_ins_that_fail_hang_or_lack_a_file_cost_their_own_finding_only(folder: Path) -> None:
    found = rows(folder, write_policy(folder, *CODE))
    assert [row["status"] for row in found] == ["ok", "ok"]
    for row in found:
        (score,) = (f for f in row["findings"] if f["claim"] == "detector-score")
        assert score["examiner"] == "plugin:steady"
        assert score["details"]["score"] == 0.25
        assert (score["log10_lr"], score["limits"]) == (None, ["no-card"])
        failed = {failure["examiner"] for failure in row["failures"]}
        assert failed == {"plugin:crashing", "plugin:hanging"}
        assert unexamined(row)["plugin:missing"] == (
            "the plug-in missing needs missing.py, which is never fetched"
        )
        assert row["assessment"]["origin"] == "undetermined"
        assert row["attribution"]["generator"] is None


def test_a_plug_in_may_not_take_as_long_as_a_whole_file(folder: Path) -> None:
    policy = write_policy(folder, "steady")
    policy.write_text(policy.read_text().replace("30", "10"))
    done = run(folder, policy)
    assert done.returncode == Exit.FAILED
    assert "the plug-in steady may take 10 s, and a whole file 10 s" in done.stderr


def test_a_manifest_that_is_not_there_ends_the_scan_before_it_begins(folder: Path) -> None:
    done = run(folder, write_policy(folder, "absent"))
    assert done.returncode == Exit.FAILED
    assert "absent.toml" in done.stderr


CASCADE = """
[[cascade.stage]]
name = "plugin:steady"
seconds = 0.5
on = ["user-report", "conflict"]
"""


def test_a_plug_in_of_the_cascade_looks_at_what_was_reported_only(folder: Path) -> None:
    policy = write_policy(folder, "steady", more=CASCADE)
    for row in rows(folder, policy):
        assert unexamined(row)["plugin:steady"] == (
            "The cascade left it out: no trigger of it was met."
        )
    for row in rows(folder, policy, "--reported"):
        assert [f["examiner"] for f in row["findings"]].count("plugin:steady") == 1
