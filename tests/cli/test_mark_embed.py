"""``lightkeeper mark embed``, and ``watermark detect`` on what it wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from lightkeeper.cli import mark, watermark
from lightkeeper.cli._exit import Exit
from lightkeeper.errors import EvidenceError, InvalidConfiguration, LightkeeperError, OutputError
from lightkeeper.testing import photo_like


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "in.png"
    Image.fromarray(photo_like(1, width=400, height=300)).save(path)
    return path


def _run(app: Any, *arguments: object) -> Any:
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_what_was_embedded_is_in_the_table_of_marks(
    tmp_path: Path, picture: Path, suffix: str
) -> None:
    target = tmp_path / f"out.{suffix}"
    done = _run(mark.app, "embed", picture, target, "--payload", "0xC0FFEE")
    assert done.exit_code == Exit.OK, done.output
    assert "proves nothing alone" in done.stderr
    seen = _run(watermark.app, "detect", "--json", target)
    rows = {row["mark"]: row for row in json.loads(seen.stdout)["marks"]}
    assert rows["open-mark"]["payload"] == "000000c0ffee"
    assert rows["open-mark"]["present"]
    assert "sdxl" in rows
    assert "open-mark 000000c0ffee" in _run(watermark.app, "detect", target).stdout


def test_a_picture_without_it_has_no_row(picture: Path) -> None:
    seen = _run(watermark.app, "detect", "--json", picture)
    assert "open-mark" not in seen.stdout


@pytest.mark.parametrize("payload", ["", "-1", "xyz", "1" * 13, "1_0", " 1"])
def test_a_wrong_payload_is_refused(tmp_path: Path, picture: Path, payload: str) -> None:
    done = _run(mark.app, "embed", picture, tmp_path / "o.png", f"--payload={payload}")
    assert isinstance(done.exception, InvalidConfiguration)
    assert not (tmp_path / "o.png").exists()


def test_nothing_is_replaced_unasked(tmp_path: Path, picture: Path) -> None:
    target = tmp_path / "out.png"
    target.write_bytes(b"mine")
    arguments = ("embed", picture, target, "--payload", "1")
    assert isinstance(_run(mark.app, *arguments).exception, OutputError)
    assert target.read_bytes() == b"mine"
    assert _run(mark.app, *arguments, "--force").exit_code == Exit.OK
    assert target.read_bytes() != b"mine"


def test_what_cannot_be_read_or_written_is_said(tmp_path: Path, picture: Path) -> None:
    small = tmp_path / "small.png"
    Image.new("RGB", (100, 100)).save(small)
    for source, target, error in (
        (small, "o.png", EvidenceError),
        (tmp_path / "absent.png", "o.png", LightkeeperError),
        (picture, "o.gif", OutputError),
    ):
        done = _run(mark.app, "embed", source, tmp_path / target, "--payload", "1")
        assert isinstance(done.exception, error)
