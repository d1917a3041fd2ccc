from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import stand_in_examiners

from lightkeeper.errors import OutputError
from lightkeeper.evidence import Tier
from lightkeeper.scan import Policy, ScanRow, scan

Draw = Callable[..., str]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "run.journal"


def scanned(files: list[str], journal: Path, policy: Policy | None = None) -> list[ScanRow]:
    policy = policy or Policy(tier=Tier.BYTES)
    return list(scan(files, policy, jobs=1, journal=journal, build=stand_in_examiners.build))


def first_words(row: ScanRow) -> str:
    return str(row.findings[0]["summary"])


def test_a_finished_file_is_not_examined_again(draw: Draw, journal: Path) -> None:
    files = [draw(f"{n}.png", n) for n in range(5)]
    earlier = scanned(files[:3], journal)
    rows = scanned(files, journal)
    assert rows[:3] == earlier
    assert [row.file for row in rows] == files
    assert len(journal.read_bytes().splitlines()) == 5


def test_a_renamed_copy_shares_the_result_and_keeps_its_own_name(
    draw: Draw, journal: Path, tmp_path: Path
) -> None:
    scanned([draw("first.png")], journal)
    copy = str(tmp_path / "copy.png")
    shutil.copy(tmp_path / "first.png", copy)
    [row] = scanned([copy], journal)
    assert row.file == copy
    assert first_words(row) == "Looked at first.png."


def test_another_extension_is_examined_anew(draw: Draw, journal: Path, tmp_path: Path) -> None:
    scanned([draw("first.png")], journal)
    shutil.copy(tmp_path / "first.png", tmp_path / "first.jpg")
    [row] = scanned([str(tmp_path / "first.jpg")], journal)
    assert first_words(row) == "Looked at first.jpg."


def test_another_policy_is_examined_anew(draw: Draw, journal: Path, tmp_path: Path) -> None:
    scanned([draw("first.png")], journal)
    shutil.copy(tmp_path / "first.png", tmp_path / "copy.png")
    [row] = scanned([str(tmp_path / "copy.png")], journal, Policy(tier=Tier.BYTES, alpha=1e-9))
    assert first_words(row) == "Looked at copy.png."


def test_a_file_that_killed_its_worker_is_tried_again(draw: Draw, journal: Path) -> None:
    file = draw("quit.png")
    scanned([file], journal)
    assert journal.read_bytes() == b""
    assert scanned([file], journal)[0].error is not None


@pytest.mark.parametrize("cut", [1, 7, 300])
def test_a_torn_last_line_is_cut_off(draw: Draw, journal: Path, cut: int) -> None:
    files = [draw(f"{n}.png", n) for n in range(3)]
    whole = scanned(files, journal)
    os.truncate(journal, journal.stat().st_size - cut)
    rows = scanned(files, journal)
    assert [row.file for row in rows] == files
    assert rows[:2] == whole[:2]
    lines = journal.read_bytes().splitlines()
    assert len({json.loads(line)["key"] for line in lines}) == len(lines) == 3


def test_another_file_is_never_overwritten(draw: Draw, journal: Path) -> None:
    journal.write_text("a list of lighthouses\n")
    with pytest.raises(OutputError, match="is not a journal"):
        scanned([draw("a.png")], journal)
    assert journal.read_text() == "a list of lighthouses\n"


def test_two_scans_never_share_a_journal(draw: Draw, journal: Path) -> None:
    files = [draw(f"{n}.png", n) for n in range(3)]
    running = scan(
        files, Policy(tier=Tier.BYTES), jobs=1, journal=journal, build=stand_in_examiners.build
    )
    next(running)
    with pytest.raises(OutputError, match="in use"):
        scanned(files, journal)
    running.close()  # type: ignore[attr-defined]


def test_a_journal_is_for_its_owner_only(draw: Draw, journal: Path) -> None:
    scanned([draw("a.png")], journal)
    assert journal.stat().st_mode & 0o077 == 0


SCAN = """
import sys
sys.path.insert(0, sys.argv[1])
import stand_in_examiners
from pathlib import Path
from lightkeeper.evidence import Tier
from lightkeeper.scan import Policy, scan
if __name__ == "__main__":
    policy, journal = Policy(tier=Tier.BYTES), Path(sys.argv[2])
    rows = scan(sys.argv[3:], policy, jobs=2, journal=journal, build=stand_in_examiners.build)
    for row in rows:
        print(row.to_json(), flush=True)
"""


def _start(script: Path, journal: Path, files: list[str], log: Path) -> subprocess.Popen[bytes]:
    here = str(Path(stand_in_examiners.__file__).parent)
    return subprocess.Popen(
        [sys.executable, str(script), here, str(journal), *files],
        stdout=subprocess.PIPE,
        env={**os.environ, "STAND_IN_LOG": str(log)},
    )


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
def test_a_run_killed_at_any_point_resumes_to_complete_rows(
    draw: Draw, journal: Path, tmp_path: Path, sign: signal.Signals
) -> None:
    files = [draw(f"{n:03}.png", n) for n in range(60)]
    script, log = tmp_path / "run.py", tmp_path / "examined.log"
    script.write_text(SCAN)
    pick = random.Random(int(sign))
    for _ in range(3):
        process = _start(script, journal, files, log)
        assert process.stdout is not None
        for _ in range(pick.randrange(1, 25)):
            process.stdout.readline()
        process.send_signal(sign)
        process.stdout.read()
        process.stdout.close()
        process.wait(10)
    finished = len(journal.read_bytes().split(b"\n")) - 1
    assert finished >= 1
    log.write_text("")
    process = _start(script, journal, files, log)
    output, _ = process.communicate(timeout=60)
    rows = [json.loads(line) for line in output.splitlines()]
    assert [row["file"] for row in rows] == files
    assert {row["status"] for row in rows} == {"ok"}
    assert len(log.read_text().splitlines()) <= 60 - finished
