"""``lightkeeper watermark``: the machine interface, and files that come out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from lightkeeper.cli._exit import Exit
from lightkeeper.cli.watermark import app
from lightkeeper.errors import InvalidConfiguration, OutputError
from lightkeeper.testing import photo_like

_KEYS = {"mark", "variant", "alternatives", "scale", "z", "p_value", "tests", "present"}


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "in.png"
    Image.fromarray(photo_like(1, width=400, height=300)).save(path, pnginfo=None)
    return path


def _run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def _detect(*arguments: object) -> list[dict[str, Any]]:
    result = _run("detect", "--json", *arguments)
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
@pytest.mark.parametrize("variant", ["uint8-bgr", "float32-bgr", "float32-rgb", "uint8-bgr-svd"])
def test_what_is_embedded_is_detected(
    tmp_path: Path, picture: Path, suffix: str, variant: str
) -> None:
    target = tmp_path / f"out.{suffix}"
    result = _run("embed", picture, target, "--mark", "sdxl", "--variant", variant)
    assert result.exit_code == Exit.OK, result.output
    assert "proves nothing alone" in result.stderr
    assert "not carried over" in result.stderr
    (row,) = _detect(target)
    found = {mark["mark"]: mark["variant"] for mark in row["marks"] if mark["present"]}
    assert found == {"sdxl": variant}


def test_every_tested_mark_has_one_row(picture: Path) -> None:
    (row,) = _detect(picture)
    assert row["file"] == str(picture)
    assert [m["mark"] for m in row["marks"]] == ["sd-v1", "sd-v2", "sdxl", "flux1", "invokeai"]
    assert all(set(mark) == _KEYS for mark in row["marks"])
    assert not any(mark["present"] for mark in row["marks"])


def test_depth_counts_more_tests(picture: Path) -> None:
    (shallow,), (deep,) = _detect(picture), _detect("--deep", picture)
    assert shallow["marks"][0]["tests"] == 40 < deep["marks"][0]["tests"]


def test_an_unreadable_file_is_a_row_and_the_rest_goes_on(tmp_path: Path, picture: Path) -> None:
    text = tmp_path / "note.txt"
    text.write_text("a lighthouse at dusk", encoding="utf-8")
    rows = _detect(tmp_path / "none.png", text, picture)
    assert ["error" in row for row in rows] == [True, True, False]
    assert _run("detect", text, picture).exit_code == Exit.PARTIAL


def test_a_small_picture_has_no_marks_and_says_why(tmp_path: Path) -> None:
    path = tmp_path / "small.png"
    Image.fromarray(photo_like(1, width=64, height=64)).save(path)
    assert _detect(path) == [{"file": str(path), "marks": []}]
    assert "too small" in _run("detect", path).stdout


def test_a_person_reads_that_anyone_can_write_a_mark(tmp_path: Path, picture: Path) -> None:
    target = tmp_path / "out.png"
    _run("embed", picture, target, "--mark", "flux1")
    output = _run("detect", target, picture).stdout.splitlines()
    assert "carries flux1" in output[0]
    assert "anyone can write" in output[0]
    assert "no public mark" in output[1]


def test_own_marks_are_embedded_and_detected(tmp_path: Path, picture: Path) -> None:
    marks = tmp_path / "marks.toml"
    marks.write_text(
        '[[mark]]\nid = "ours"\nmethod = "dwtDctSvd"\ntext = "bicycle"\n', encoding="utf-8"
    )
    target = tmp_path / "out.jpg"
    assert _run("embed", picture, target, "--mark", "ours", "--marks", marks).exit_code == Exit.OK
    (row,) = _detect("--marks", marks, target)
    last = row["marks"][-1]
    assert (last["mark"], last["variant"], last["present"]) == ("ours", "uint8-bgr-svd", True)


def test_an_existing_file_is_replaced_only_by_force(tmp_path: Path, picture: Path) -> None:
    target = tmp_path / "out.png"
    target.write_bytes(b"kept")
    with pytest.raises(OutputError, match="exists"):
        raise _run("embed", picture, target, "--mark", "sdxl").exception
    assert target.read_bytes() == b"kept"
    assert _run("embed", picture, target, "--mark", "sdxl", "--force").exit_code == Exit.OK
    assert np.asarray(Image.open(target)).shape == (300, 400, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.png", "out.png"]


def test_wrong_calls_are_explained(tmp_path: Path, picture: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="no mark 'sdx'"):
        raise _run("embed", picture, tmp_path / "out.png", "--mark", "sdx").exception
    with pytest.raises(OutputError, match="suffix"):
        raise _run("embed", picture, tmp_path / "out.gif", "--mark", "sdxl").exception
    with pytest.raises(OutputError, match="out"):
        raise _run("embed", picture, tmp_path / "no" / "out.png", "--mark", "sdxl").exception
    missing = _run("embed", tmp_path / "none.png", tmp_path / "out.png", "--mark", "sdxl")
    assert "none.png" in str(missing.exception)
    assert not (tmp_path / "out.png").exists()


def test_a_transparent_picture_is_marked_upright_and_opaque(tmp_path: Path) -> None:
    source, target = tmp_path / "in.png", tmp_path / "out.png"
    rgb = photo_like(2, width=400, height=300)
    image = Image.fromarray(np.dstack([rgb, np.full((300, 400), 255, np.uint8)]))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(source, exif=exif)
    assert _run("embed", source, target, "--mark", "sdxl").exit_code == Exit.OK
    written = Image.open(target)
    assert (written.mode, written.size) == ("RGB", (300, 400))
    assert not written.getexif()
