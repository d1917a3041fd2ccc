"""``lightkeeper hash`` gives every file a row."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from lightkeeper.cli import main
from lightkeeper.cli._exit import Exit
from lightkeeper.hashing import pdq_of_rgb
from lightkeeper.testing import photo_like

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "umbrella.png"
    Image.fromarray(photo_like(1, width=120, height=90)).save(path)
    return path


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["hash", *arguments])
    return int(ended.value.code or 0)


def _rows(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_json_names_every_digest_and_the_pdq(
    picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("--json", "--exact", str(picture)) == Exit.OK
    (row,) = _rows(capsys)
    assert list(row) == ["file", "md5", "sha1", "sha256", "blake3", "size_bytes", "pdq"]
    assert row["file"] == str(picture)
    assert row["sha256"] == hashlib.sha256(picture.read_bytes()).hexdigest()
    assert row["size_bytes"] == picture.stat().st_size
    expected = pdq_of_rgb(photo_like(1, width=120, height=90))
    assert row["pdq"] == {
        "hash": expected.hex,
        "quality": expected.quality,
        "variant": "full-resolution/exact",
        "dihedral": [member.hex for member in expected.dihedral()],
    }


def test_the_fast_variant_is_the_default_and_says_so(
    picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("--json", str(picture)) == Exit.OK
    (row,) = _rows(capsys)
    assert row["pdq"]["variant"] == "full-resolution/fast-luma-1:1"


def test_a_file_that_is_no_image_gets_digests_a_null_pdq_and_an_error(
    tmp_path: Path, picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note = tmp_path / "note.txt"
    note.write_bytes(b"lighthouse at dusk")
    assert _run("--json", str(note), str(picture)) == Exit.PARTIAL
    first, second = _rows(capsys)
    assert first["md5"] == hashlib.md5(b"lighthouse at dusk").hexdigest()
    assert first["pdq"] is None
    assert first["error"]["code"] == "unsupported-media"
    assert "error" not in second


def test_an_image_too_small_for_pdq_still_gets_digests(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "dot.png"
    Image.new("RGB", (3, 3)).save(path)
    assert _run("--json", str(path)) == Exit.PARTIAL
    (row,) = _rows(capsys)
    assert row["sha1"] == hashlib.sha1(path.read_bytes()).hexdigest()
    assert row["pdq"] is None
    assert "3 x 3" in row["error"]["message"]


def test_an_absent_file_becomes_a_row_with_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("--json", str(tmp_path / "absent.png")) == Exit.PARTIAL
    (row,) = _rows(capsys)
    assert list(row) == ["file", "error"]
    assert row["error"]["code"] == "unreadable"


def test_a_person_reads_digests_and_pdq_and_the_reason_where_there_is_none(
    tmp_path: Path, picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note = tmp_path / "note.txt"
    note.write_bytes(b"bicycle")
    assert _run(str(picture), str(note)) == Exit.PARTIAL
    shown = capsys.readouterr()
    assert hashlib.sha256(picture.read_bytes()).hexdigest() in shown.out
    assert hashlib.sha256(b"bicycle").hexdigest() in shown.out
    assert "quality" in shown.out
    assert shown.err.startswith(f"{note}: ")


def test_a_call_without_files_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run() == Exit.USAGE
    assert "FILE" in capsys.readouterr().err
