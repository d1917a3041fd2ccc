"""``lightkeeper mark root-open`` writes a decoder once, and nothing where it cannot."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from lightkeeper.cli import main


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(["mark", "root-open", *arguments])
    return int(ended.value.code or 0), capsys.readouterr().err


def _folder() -> str:
    return str(resources.files("lightkeeper.generators") / "rooting" / "demonstration")


def test_a_decoder_is_written_with_the_mark_beside_it(tmp_path: Path, capsys) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("skimage")
    out = tmp_path / "rooted.safetensors"
    code, told = _run(capsys, _folder(), str(out), "--payload", "abc", "--minutes", "0.02")
    assert code == 0
    assert "000000000abc" in told
    assert "removable by its owner" in told
    assert b"open_mark.constants" in out.read_bytes()[:20_000]


def test_what_exists_is_not_written_over(tmp_path: Path, capsys) -> None:
    out = tmp_path / "there"
    out.write_text("kept")
    code, told = _run(capsys, _folder(), str(out), "--payload", "abc")
    assert code != 0
    assert "exists" in told
    assert out.read_text() == "kept"


def test_a_payload_of_more_than_48_bits_is_refused(tmp_path: Path, capsys) -> None:
    code, told = _run(capsys, _folder(), str(tmp_path / "out"), "--payload", "1" * 13)
    assert code != 0
    assert "48 bits" in told
