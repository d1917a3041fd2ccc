"""``lightkeeper parameters``: the machine interface and the human form."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lightkeeper.cli import main
from lightkeeper.cli._exit import Exit
from lightkeeper.testing import synthetic_like
from lightkeeper.testing._infotext import infotext
from lightkeeper.testing._stealth import hide_parameters

if TYPE_CHECKING:
    from pathlib import Path

_TEXT = infotext(
    "a lighthouse <lora:calm:0.5>",
    negative="fog",
    parameters={"Steps": 20, "Sampler": "Euler a", "CFG scale": 7.5, "Seed": 11, "Size": "64x64"},
)


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["parameters", *arguments])
    return int(ended.value.code or 0)


def _rows(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    return _write(tmp_path / "lighthouse.png", _TEXT)


def _write(path: Path, text: str) -> Path:
    info = PngInfo()
    info.add_text("parameters", text)
    Image.fromarray(synthetic_like(2, width=64, height=64)).save(path, pnginfo=info)
    return path


def test_json_has_the_documented_keys(picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("--json", str(picture)) == Exit.OK
    (row,) = _rows(capsys)
    assert row["file"] == str(picture)
    assert row["problems"] == []
    (record,) = row["records"]
    wanted = {
        "tool": "a1111",
        "carrier": "png:tEXt:parameters",
        "positive_prompt": "a lighthouse <lora:calm:0.5>",
        "negative_prompt": "fog",
        "seed": 11,
        "steps": 20,
        "sampler": "Euler a",
        "scheduler": None,
        "guidance_scale": 7.5,
        "width": 64,
        "height": 64,
        "model_name": None,
        "model_hash": None,
    }
    assert {key: record[key] for key in wanted} == wanted
    assert record["loras"] == [
        {
            "kind": "lora",
            "name": "calm",
            "weight": 0.5,
            "hashes": [],
            "version_id": None,
            "image": None,
        }
    ]
    assert "raw" not in record


def test_the_payload_itself_is_given_on_request(
    picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("--json", "--raw", str(picture)) == Exit.OK
    assert _rows(capsys)[0]["records"][0]["raw"] == _TEXT


def test_a_file_that_cannot_be_read_is_a_row_with_an_error(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = tmp_path / "nothing.png"
    words = tmp_path / "words.png"
    words.write_text("no picture at all")
    assert _run("--json", str(nothing), str(words), str(picture)) == Exit.PARTIAL
    missing, unsupported, fine = _rows(capsys)
    assert missing["error"]["code"] == "unreadable"
    assert unsupported["error"]["code"] == "unsupported-media"
    assert len(fine["records"]) == 1


def test_hidden_parameters_are_read_unless_pixels_are_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "hidden.png"
    opaque = np.dstack([synthetic_like(2, width=96, height=96), np.full((96, 96), 255, np.uint8)])
    Image.fromarray(hide_parameters(opaque, _TEXT)).save(path)
    assert _run("--json", str(path)) == Exit.OK
    assert _rows(capsys)[0]["records"][0]["carrier"] == "pixels:alpha-lsb:parameters"
    assert _run("--json", "--no-pixels", str(path)) == Exit.OK
    assert _rows(capsys)[0]["records"] == []


def test_people_get_aligned_lines_and_wrapped_prompts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    long = _TEXT.replace("a lighthouse", "a lighthouse at dusk, " * 8)
    assert _run(str(_write(tmp_path / "long.png", long))) == Exit.OK
    shown = capsys.readouterr().out
    assert "  sampler          Euler a\n" in shown
    assert "calm x 0.5" in shown
    body = [line for line in shown.splitlines() if not line.endswith(".png")]
    assert max(map(len, body)) <= 60


def test_a_file_without_parameters_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plain.png"
    Image.fromarray(synthetic_like(2, width=16, height=16)).save(path)
    assert _run(str(path)) == Exit.OK
    assert "no generation parameters" in capsys.readouterr().out


def test_a_prompt_cannot_drive_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _write(tmp_path / "escape.png", _TEXT.replace("lighthouse", "light\x1b[2Jhouse"))
    assert _run(str(path)) == Exit.OK
    assert "\x1b" not in capsys.readouterr().out


def test_half_a_surrogate_pair_does_not_stop_the_output(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    info = PngInfo()
    info.add_text("generation_data", '{"prompt": "a \\ud800 boat", "seed": 5, "steps": 3}')
    path = tmp_path / "half-\udcff.png"
    Image.new("RGB", (8, 8)).save(path, pnginfo=info)
    assert _run("--json", str(path)) == Exit.OK
    row = json.loads(capsysbinary.readouterr().out.decode("utf-8"))
    assert row["file"] == str(path)
    assert row["records"][0]["positive_prompt"] == "a \ufffd boat"
