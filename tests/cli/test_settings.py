from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from lightkeeper.cli import main
from lightkeeper.cli._exit import Exit
from lightkeeper.cli._settings import load_settings
from lightkeeper.errors import InvalidConfiguration


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LIGHTKEEPER_CONFIG", raising=False)
    load_settings.cache_clear()
    yield
    load_settings.cache_clear()


def test_the_environment_overrules_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lightkeeper.toml").write_text("jobs = 3\n[limits]\nmax_bytes = 1000\n")
    monkeypatch.setenv("LIGHTKEEPER_JOBS", "5")
    monkeypatch.setenv("LIGHTKEEPER_LIMITS__MAX_SIDE", "77")
    settings = load_settings()
    assert settings.jobs == 5
    assert settings.media_limits().max_bytes == 1000
    assert settings.media_limits().max_side == 77


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("jobs = 0", "setting jobs"),
        ("colour = 1", "setting colour"),
        ("[limits]\nmax_bytes = -1", "setting limits.max_bytes"),
        ("jobs = [", "settings file"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "lightkeeper.toml").write_text(text)
    with pytest.raises(InvalidConfiguration, match=message):
        load_settings()


def test_a_named_file_that_is_absent_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIGHTKEEPER_CONFIG", "absent.toml")
    with pytest.raises(InvalidConfiguration, match=r"absent\.toml"):
        load_settings()


@pytest.mark.parametrize("command", ["parameters", "hash", "provenance"])
def test_every_command_keeps_to_the_operators_limits(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    picture = tmp_path / "picture.png"
    Image.new("RGB", (8, 8)).save(picture)
    monkeypatch.setenv("LIGHTKEEPER_LIMITS__MAX_BYTES", "10")
    with pytest.raises(SystemExit) as ended:
        main([command, "--json", str(picture)])
    assert ended.value.code == Exit.PARTIAL
    assert '"limit-exceeded"' in capsys.readouterr().out
