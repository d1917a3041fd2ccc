from __future__ import annotations

import base64
import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lightkeeper.cli._exit import Exit
from lightkeeper.scan import SCHEMA
from lightkeeper.testing.gallery import PICTURES, Gallery, build_gallery

Run = Callable[..., subprocess.CompletedProcess[str]]
SCAN = (sys.executable, "-m", "lightkeeper", "scan")


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    return build_gallery(tmp_path_factory.mktemp("gallery"))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def _run(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*SCAN, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            timeout=120,
            **options,
        )

    return _run


def draw(folder: Path, count: int) -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(count):
        Image.new("RGB", (40, 30), (number, 90, 120)).save(folder / f"{number:03}.png")
    return folder


@pytest.fixture(scope="session")
def scanned(gallery: Gallery, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The gallery's rows by file name, scanned once at the deepest tier."""
    output = tmp_path_factory.mktemp("scan") / "rows.jsonl"
    trusted = ["--trust-anchors", gallery.anchors]
    done = subprocess.run(
        [*SCAN, gallery.pictures, "--tier", "deep", "--jsonl", output, *trusted],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == Exit.PARTIAL, done.stderr
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    return {Path(row["file"]).name: row for row in rows}


def test_every_file_of_the_gallery_has_a_row_of_the_schema(scanned: dict[str, Any]) -> None:
    assert list(scanned) == sorted(PICTURES)
    for row in scanned.values():
        assert row["schema"] == SCHEMA
        assert set(row) >= {"file", "status", "error", "findings", "assessment", "digests"}
        assert row["failures"] == []


@pytest.mark.parametrize(
    ("name", "origin", "strength"),
    [
        ("bicycle-novelai-stealth.png", "generated", "moderate support"),
        ("dusk-comfyui.webp", "generated", "moderate support"),
        ("garden-camera.jpg", "captured", "weak support"),
        ("garden-no-traces.png", "undetermined", "no support"),
        ("harbour-mark.png", "generated", "moderate support"),
        ("harbour-mark-resized.png", "generated", "moderate support"),
        ("meadow-resaved.jpg", "undetermined", "no support"),
        ("poster-signed-tampered.png", "undetermined", "no support"),
        ("poster-signed.png", "generated", "very strong support"),
        ("umbrella-infotext.jpg", "generated", "moderate support"),
        ("umbrella-infotext.png", "generated", "moderate support"),
    ],
)
def test_each_picture_is_assessed_by_its_evidence(
    scanned: dict[str, Any], name: str, origin: str, strength: str
) -> None:
    assessment = scanned[name]["assessment"]
    assert (assessment["origin"], assessment["strength"]) == (origin, strength)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("harbour-camera-and-mark.webp", "camera-beside-mark"),
        ("harbour-mark.png", "mark-without-other-trace"),
        ("market-wrong-size.png", "size-mismatch"),
        ("poster-signed-tampered.png", "edited-after-signing"),
    ],
)
def test_contradictory_pictures_show_their_conflict(
    scanned: dict[str, Any], name: str, code: str
) -> None:
    assert code in {c["code"] for c in scanned[name]["assessment"]["conflicts"]}


def test_damaged_and_foreign_files_say_so(scanned: dict[str, Any]) -> None:
    problems = {name: [p["code"] for p in row["problems"]] for name, row in scanned.items()}
    assert "extension-mismatch" in problems["umbrella-mislabelled.jpg"]
    assert "truncated" in problems["garden-truncated.jpg"]
    assert scanned["not-an-image.jpg"]["error"]["code"] == "unsupported-media"


def test_the_table_is_plain_text_where_it_is_not_a_terminal(run: Run, gallery: Gallery) -> None:
    done = run(gallery.pictures / "umbrella-infotext.png", "--tier", "bytes")
    assert done.returncode == Exit.OK
    heading, line = done.stdout.splitlines()
    assert heading.split() == ["file", "origin", "support", "evidence"]
    assert re.search(r"umbrella-infotext\.png +generated +moderate +a1111 parameters$", line)
    assert "\x1b" not in done.stdout + done.stderr
    assert done.stderr.startswith("1 file: 1 generated. ")


def test_json_lines_on_standard_output_replace_the_table(run: Run, gallery: Gallery) -> None:
    given = str(gallery.pictures / "garden-camera.jpg")
    done = run(given, "--tier", "bytes", "--jsonl", "-", "--quiet")
    [line] = done.stdout.splitlines()
    assert json.loads(line)["file"] == given
    assert done.stderr == ""


def test_explain_gives_the_reasoning_in_words(run: Run, gallery: Gallery) -> None:
    done = run("--explain", gallery.pictures / "umbrella-infotext.png", "--tier", "bytes", "-q")
    assert "Origin: generated, moderate support" in done.stdout
    assert "anyone can write it" in done.stdout
    assert "Not examined" in done.stdout


@pytest.mark.parametrize(
    ("condition", "code"),
    [("generated", 1), ("generated:moderate", 1), ("generated:strong", 0), ("captured", 0)],
)
def test_fail_on_decides_the_exit_code(
    run: Run, gallery: Gallery, condition: str, code: int
) -> None:
    file = gallery.pictures / "umbrella-infotext.png"
    assert run(file, "--tier", "bytes", "--fail-on", condition).returncode == code


@pytest.mark.parametrize(
    "arguments",
    [
        ["--fail-on", "sunshine"],
        ["--tier", "deepest"],
        ["--jobs", "0"],
        ["--colour"],
        ["--thumbnails"],
        ["--explain", "--jsonl", "-"],
    ],
)
def test_a_wrong_call_does_nothing_and_exits_with_2(run: Run, arguments: list[str]) -> None:
    done = run("a.png", *arguments)
    assert (done.returncode, done.stdout) == (Exit.USAGE, "")


def test_a_file_that_cannot_be_read_is_a_row_and_exits_with_3(run: Run) -> None:
    done = run("absent.png", "--tier", "bytes")
    assert done.returncode == Exit.PARTIAL
    assert re.search(r"absent\.png +error +No such file", done.stdout)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--policy", "absent.toml"], "absent.toml"),
        (["--marks", "absent.toml"], "absent.toml"),
        (["--trust-anchors", "absent.pem"], "absent.pem"),
        (["--html", "absent/report.html"], "cannot write"),
    ],
)
def test_what_cannot_run_exits_with_4_and_says_why(
    run: Run, gallery: Gallery, arguments: list[str], words: str
) -> None:
    done = run(gallery.pictures / "garden-camera.jpg", "--tier", "bytes", *arguments)
    assert done.returncode == Exit.FAILED
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_policy_file_is_overruled_by_options(run: Run, gallery: Gallery, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text('tier = "pixels"\n[examiners]\nmetadata = false\n')
    file = gallery.pictures / "umbrella-infotext.png"
    done = run(file, "--policy", "policy.toml", "--tier", "bytes", "--jsonl", "-")
    row = json.loads(done.stdout)
    assert row["pdq"] is None
    assert "metadata" not in {finding["examiner"] for finding in row["findings"]}


def test_names_on_standard_input_are_scanned(run: Run, gallery: Gallery) -> None:
    names = [str(gallery.pictures / n) for n in ("garden-camera.jpg", "umbrella-infotext.png")]
    done = run("-", "--tier", "bytes", "--jsonl", "-", input="\n".join(names))
    assert [json.loads(line)["file"] for line in done.stdout.splitlines()] == names


def test_a_hostile_name_cannot_drive_the_terminal(run: Run, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a\x1b[2J\u202egnp.png")
    done = run(tmp_path, "--tier", "bytes")
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout
    assert "a\ufffd[2J\ufffdgnp.png" in done.stdout


def test_resume_examines_nothing_twice(run: Run, tmp_path: Path) -> None:
    folder = draw(tmp_path / "in", 12)
    command = [folder, "--tier", "bytes", "--resume", "run.journal", "--jsonl", "-", "-q"]
    first, second = run(*command), run(*command)
    assert first.stdout == second.stdout
    assert len((tmp_path / "run.journal").read_text().splitlines()) == 12


def test_an_archive_is_a_row_that_names_the_next_step(run: Run, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w") as archive:
        archive.write(draw(tmp_path / "in", 1) / "000.png", "../000.png")
    done = run("pictures.zip", "--tier", "bytes", "--jsonl", "-", "-q")
    assert done.returncode == Exit.PARTIAL
    (row,) = map(json.loads, done.stdout.splitlines())
    assert row["error"]["code"] == "archive-media"
    assert "unpack it" in row["error"]["message"]
    assert row["digests"] is not None
    (tmp_path / "in/more.zip").write_bytes((tmp_path / "pictures.zip").read_bytes())
    beside = run("in", "--tier", "bytes")
    assert beside.returncode == Exit.OK
    assert "1 of them archives, which are not opened" in beside.stderr


def test_a_name_that_is_no_text_can_be_opened_again_also_after_resuming(
    run: Run, tmp_path: Path
) -> None:
    folder = draw(tmp_path / "in", 1)
    (folder / "000.png").rename(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.png"))
    command = [folder, "--tier", "bytes", "--resume", "run.journal", "--jsonl", "-", "-q"]
    first, second = run(*command), run(*command)
    assert first.stdout == second.stdout
    (row,) = map(json.loads, second.stdout.splitlines())
    assert row["status"] == "ok"
    assert row["file"].endswith("caf\ufffd.png")
    named = base64.b64decode(row["file_bytes"])
    assert os.path.exists(named)


def test_the_time_of_verification_is_written_down_and_read_back(
    run: Run, gallery: Gallery, tmp_path: Path
) -> None:
    (tmp_path / "policy.toml").write_text('tier = "bytes"\nat = 2031-05-04T03:02:01Z\n')
    told = {}
    for options in (["--at", "2019-01-01"], ["--policy", "policy.toml"]):
        done = run(gallery.pictures, "--tier", "bytes", "--jsonl", "-", "-q", *options)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        times = {
            f["details"]["verified_at"]
            for row in rows
            for f in row["findings"]
            if f["examiner"] == "provenance"
        }
        told[options[0]] = times, [r["assessment"]["origin"] for r in rows if r["assessment"]]
    assert told["--at"][0] - {None} == {"2019-01-01T00:00:00Z"}
    assert told["--policy"][0] - {None} == {"2031-05-04T03:02:01Z"}
    assert told["--at"][1] == told["--policy"][1]
    wrong = run(gallery.pictures, "--at", "tomorrow")
    assert wrong.returncode == Exit.USAGE
    assert "is no time" in wrong.stderr


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_the_journal_and_leaves_no_half_report(
    tmp_path: Path, sign: signal.Signals
) -> None:
    folder = draw(tmp_path / "in", 100)
    os.mkfifo(tmp_path / "never.png")  # opening it waits for a writer that never comes
    outputs = ["--jsonl", "-", "--html", "report.html", "--parquet", "rows.parquet"]
    # A suite that runs in a shell's background has SIGINT ignored, and its children inherit that.
    heard = ["env", "--default-signal=INT"]
    process = subprocess.Popen(
        [
            *heard,
            *SCAN,
            folder,
            "never.png",
            "--tier",
            "bytes",
            "--resume",
            "run.journal",
            *outputs,
        ],
        cwd=tmp_path,
        # A busy machine may need more than the usual limit for the pictures before it.
        env={**os.environ, "LIGHTKEEPER_MAX_SECONDS": "600"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(100)]
    process.send_signal(sign)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == Exit.INTERRUPTED
    assert "Traceback" not in errors
    assert "Stopped before the end" in errors
    assert all(json.loads(line)["status"] == "ok" for line in lines)
    assert len((tmp_path / "run.journal").read_text().splitlines()) == 100
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"in", "never.png", "run.journal"}


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    folder = draw(tmp_path / "in", 60)
    command = f"{sys.executable} -m lightkeeper scan {folder} --tier bytes --jsonl - | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert json.loads(done.stdout)["status"] == "ok"
    assert "Traceback" not in done.stderr


def in_terminal(arguments: list[Any], stream: str, columns: int) -> str:
    """What a terminal shows that stands behind one of the two streams."""
    leader, follower = pty.openpty()
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, stream: follower}
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm-256color"}
    process = subprocess.Popen([*SCAN, *map(str, arguments)], env=environment, **streams)
    os.close(follower)
    shown = b""
    with contextlib.suppress(OSError):  # the terminal is gone when its last writer is
        while part := os.read(leader, 65536):
            shown += part
    process.wait(60)
    os.close(leader)
    return shown.decode()


@pytest.mark.parametrize("columns", [48, 80, 160])
def test_the_table_fits_the_terminal(tmp_path: Path, columns: int) -> None:
    folder = draw(tmp_path / "a-folder-with-a-rather-long-name-that-goes-on", 3)
    shown = in_terminal([folder, "--tier", "bytes", "-q"], "stdout", columns)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()
    assert len(lines) == 4
    assert all(len(line) <= columns for line in lines)
    assert "002.png" in lines[3]
    assert "\x1b[" in shown


def test_progress_on_a_terminal_leaves_standard_output_clean(tmp_path: Path) -> None:
    folder = draw(tmp_path / "in", 30)
    shown = in_terminal([folder, "--tier", "bytes", "--jsonl", tmp_path / "rows"], "stderr", 100)
    assert "/30" in shown
    assert "30 files: 30 undetermined" in shown
    assert len((tmp_path / "rows").read_text().splitlines()) == 30
