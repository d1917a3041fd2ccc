"""``lightkeeper transcode`` writes one file and accounts for its metadata."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lightkeeper.cli import main
from lightkeeper.cli._exit import Exit
from lightkeeper.evidence.metadata import read_parameters
from lightkeeper.media import MediaFormat, open_media
from lightkeeper.testing._containers import png_bytes, png_text

if TYPE_CHECKING:
    from pathlib import Path

INFOTEXT = "雨 umbrella ☂\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 16x16"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "umbrella.png"
    text = png_text("parameters", INFOTEXT, kind="iTXt")
    odd = png_text("odd", "bell \x07")
    path.write_bytes(png_bytes(np.full((16, 16, 3), 90, np.uint8), text, odd))
    return path


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["transcode", *map(str, arguments)])
    return int(ended.value.code or 0)


def row(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    (line,) = capsys.readouterr().out.splitlines()
    return dict(json.loads(line))


@pytest.mark.parametrize("suffix", ["jpg", "JPEG", "webp", "avif", "png"])
def test_the_name_of_the_target_says_its_format(source: Path, tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"out.{suffix}"
    assert run(source, target) == Exit.OK
    media = open_media(target)
    assert media.format is MediaFormat("jpeg" if suffix == "jpg" else suffix.lower())
    (record,) = read_parameters(media)
    assert (record.seed, record.positive_prompt) == (42, "雨 umbrella ☂")


def test_json_tells_what_was_kept_moved_and_dropped(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out.jpg"
    assert run(source, target, "--json") == Exit.OK
    found = row(capsys)
    assert found["file"] == str(source)
    assert found["output"] == str(target)
    assert found["bytes"] == target.stat().st_size
    assert found["format"] == "jpeg"
    (moved,) = found["moved"]
    assert moved["target"] == "exif:UserComment"
    (dropped,) = found["dropped"]
    assert dropped["what"] == "odd"
    assert found["not_held"] == ["png:tEXt:odd"]


def test_a_person_is_told_the_same_and_how_to_keep_the_rest(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(source, tmp_path / "out.jpg")
    text = capsys.readouterr().out
    assert "moved    parameters: png:iTXt:parameters -> exif:UserComment" in text
    assert "dropped  odd" in text
    assert "--record FILE writes down png:tEXt:odd" in text


def test_the_record_holds_what_the_target_does_not(source: Path, tmp_path: Path) -> None:
    record = tmp_path / "out.json"
    assert run(source, tmp_path / "out.jpg", "--record", record) == Exit.OK
    found = json.loads(record.read_text(encoding="utf-8"))
    assert found["not_held"] == {"png:tEXt:odd": "bell \x07"}
    assert found["records"][0]["raw"] == INFOTEXT


@pytest.mark.parametrize("existing", ["out.jpg", "out.json"])
def test_what_exists_is_not_overwritten_without_force(
    source: Path, tmp_path: Path, existing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / existing).write_text("umbrella")
    arguments = (source, tmp_path / "out.jpg", "--record", tmp_path / "out.json")
    assert run(*arguments) == Exit.FAILED
    assert "--force" in capsys.readouterr().err
    assert (tmp_path / existing).read_text() == "umbrella"
    assert run(*arguments, "--force") == Exit.OK
    assert (tmp_path / existing).read_bytes() != b"umbrella"


def test_the_source_is_never_overwritten(source: Path) -> None:
    before = source.read_bytes()
    assert run(source, source, "--force") == Exit.FAILED
    assert source.read_bytes() == before


def test_nothing_is_left_behind_where_the_source_is_damaged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n")
    assert run(broken, tmp_path / "out.jpg", "--json") == Exit.PARTIAL
    assert "error" in row(capsys)
    assert [p.name for p in tmp_path.iterdir()] == ["broken.png"]


def test_a_folder_that_is_not_there_is_an_error_with_its_name(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(source, tmp_path / "missing" / "out.jpg", "--json") == Exit.PARTIAL
    assert row(capsys)["error"]["code"] == "output-error"


@pytest.mark.parametrize("name", ["out.gif", "out", "out.txt"])
def test_a_format_that_is_not_written_is_a_wrong_call(
    source: Path, tmp_path: Path, name: str
) -> None:
    assert run(source, tmp_path / name) == Exit.USAGE
