"""No text of a stranger drives the terminal, breaks a line or stops an answer."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from typer.testing import CliRunner

from lightkeeper.cli._app import app
from lightkeeper.cli._printable import printable, printable_row
from lightkeeper.cli._rows import write_rows
from lightkeeper.testing._containers import png_bytes, png_text

if TYPE_CHECKING:
    from pathlib import Path

_PIXELS = np.zeros((300, 300, 3), np.uint8)
_DRIVE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp\x7f"
_FORBIDDEN = frozenset("\x1b\x07\x9b\u202e\x7f\r\b")
_COMMANDS = (
    ("parameters",),
    ("parameters", "--raw"),
    ("provenance",),
    ("hash",),
    ("watermark", "detect"),
    ("scan", "--jobs", "1"),
    ("scan", "--jobs", "1", "--explain"),
)


def _hostile_png() -> bytes:
    infotext = (
        f"umbrella {_DRIVE} <lora:{_DRIVE}:1>\nNegative prompt: rain {_DRIVE}\n"
        f"Steps: 20, Sampler: Euler{_DRIVE}, Seed: 1, Size: 300x300, Model: a{_DRIVE}, "
        f"Model hash: {_DRIVE}, Other{_DRIVE}: {_DRIVE}, Version: v1{_DRIVE}"
    )
    return png_bytes(
        _PIXELS,
        png_text("parameters", infotext, kind="iTXt"),
        png_text(f"key{_DRIVE}".encode("utf-8", "replace").decode("latin-1"), "x"),
        png_text("Comment", f"a {_DRIVE}", kind="iTXt"),
    )


@pytest.fixture
def hostile_file(tmp_path: Path) -> Path:
    path = tmp_path / f"boat{_DRIVE}\nforged: line.png"
    path.write_bytes(_hostile_png())
    return path


@pytest.mark.parametrize("command", _COMMANDS, ids=" ".join)
def test_no_control_sequence_of_a_file_reaches_the_terminal(
    hostile_file: Path, command: tuple[str, ...]
) -> None:
    done = CliRunner().invoke(app, [*command, str(hostile_file)])
    assert done.exit_code == 0, done.output
    assert _FORBIDDEN.isdisjoint(done.stdout + done.stderr)
    assert not any(line.startswith("forged") for line in done.output.splitlines())


def test_a_transcode_prints_no_control_sequence(hostile_file: Path, tmp_path: Path) -> None:
    target = tmp_path / f"out{_DRIVE}\nforged: line.webp"
    done = CliRunner().invoke(app, ["transcode", str(hostile_file), str(target)])
    assert done.exit_code == 0, done.output
    assert _FORBIDDEN.isdisjoint(done.stdout + done.stderr)
    assert not any(line.startswith("forged") for line in done.output.splitlines())


@pytest.mark.parametrize("command", ["parameters", "provenance", "hash"])
def test_json_holds_the_name_and_the_texts_but_no_raw_control(
    hostile_file: Path, command: str
) -> None:
    done = CliRunner().invoke(app, [command, "--json", str(hostile_file)])
    assert done.exit_code == 0, done.output
    assert frozenset("\x1b\x07\x9b\x7f\r\b").isdisjoint(done.stdout)
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["file"] == str(hostile_file)


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes")
@pytest.mark.parametrize("arguments", [(), ("--json",)], ids=["person", "machine"])
@pytest.mark.parametrize("command", ["parameters", "provenance", "hash", "watermark detect"])
def test_a_name_that_is_not_utf8_stops_no_answer(
    tmp_path: Path, command: str, arguments: tuple[str, ...]
) -> None:
    path = os.fsencode(tmp_path) + b"/boat\xff\xe9.png"
    with open(path, "wb") as stream:
        stream.write(_hostile_png())
    name = os.fsdecode(path)
    done = CliRunner().invoke(app, [*command.split(), *arguments, name])
    assert done.exit_code == 0, done.exception
    if arguments:
        assert json.loads(done.stdout)["file"] == name


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
@pytest.mark.parametrize("as_json", [True, False])
def test_an_output_that_cannot_encode_a_text_still_gets_its_row(
    monkeypatch: pytest.MonkeyPatch, encoding: str, as_json: bool
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding, newline="\n"))
    rows: list[dict[str, Any]] = [{"file": "b\u00f6\u00e9\udcff\u706f\U0001f3e0.png"}]
    write_rows(rows, as_json=as_json, render=lambda row: str(row["file"]))
    sys.stdout.flush()
    line = raw.getvalue().decode(encoding)
    assert line.endswith(".png\n") or json.loads(line) == rows[0]


def test_a_row_is_made_printable_wherever_a_text_stands() -> None:
    row = {"a\n": ["b\x1b", {"c": "d\u2028e"}, 3, None]}
    assert printable_row(row) == {"a\ufffd": ["b\ufffd", {"c": "d\ufffde"}, 3, None]}


def test_printable_keeps_what_people_write() -> None:
    text = "Phare au crépuscule, 灯台, φάρος, 🏠 — «ok»\u00a0!"
    assert printable(text) == text


def test_an_endless_prompt_is_cut_for_a_person_and_says_so(tmp_path: Path) -> None:
    prompt = "umbrella, " * 100_000
    infotext = f"{prompt}\nSteps: 20, Sampler: Euler, Seed: 1, Size: 300x300"
    path = tmp_path / "long.png"
    path.write_bytes(png_bytes(_PIXELS, png_text("parameters", infotext)))
    shown = CliRunner().invoke(app, ["parameters", str(path)]).stdout
    assert "more characters: see --json" in " ".join(shown.split())
    assert len(shown) < 200_000
    whole = CliRunner().invoke(app, ["parameters", "--json", str(path)]).stdout
    assert json.loads(whole)["records"][0]["positive_prompt"] == prompt.strip()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize("options", [("--jsonl", "-"), (), ("--explain",)], ids=str)
def test_a_scan_survives_any_encoding_of_its_output(
    hostile_file: Path, encoding: str, options: tuple[str, ...]
) -> None:
    program = "import sys; from lightkeeper.cli._app import main; main(sys.argv[1:])"
    hostile_file.rename(path := hostile_file.with_name("\u706f\u00f6.png"))
    done = subprocess.run(
        [sys.executable, "-c", program, "scan", "-q", "--jobs", "1", *options, str(path)],
        env={**os.environ, "PYTHONIOENCODING": encoding}, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not {0x1B, 0x07, 0x7F, 0x08}.intersection(done.stdout)
    assert b"\xc2\x9b" not in done.stdout
    if "--jsonl" in options:
        row = json.loads(done.stdout)
        assert row["file"] == str(path)
        assert _DRIVE in row["findings"][0]["details"]["positive_prompt"]
