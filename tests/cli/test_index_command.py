"""``lightkeeper index`` builds, follows, shows and verifies."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lightkeeper.cli import main
from lightkeeper.cli._exit import Exit
from lightkeeper.cli._settings import load_settings
from lightkeeper.matching import Entry, HashSet
from lightkeeper.storage import open_store

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'sets.db'}"
    open_store(url).create_set(HashSet(name="lighthouses", owner="us", purpose="a test"))
    _add(url, range(1, 6))
    return url


def _add(url: str, seeds: range) -> None:
    entries = [
        Entry(kind="pdq", value=np.random.default_rng(n).bytes(32).hex(), quality=90) for n in seeds
    ]
    open_store(url).upsert("lighthouses", entries, source="test", now=NOW)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["index", *arguments])
    return int(ended.value.code or 0)


def _document(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    (line,) = capsys.readouterr().out.splitlines()
    return dict(json.loads(line))


def test_build_then_update_follow_the_sets(
    store_url: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--store", store_url, "--index", str(folder), "--json"]
    assert _run("build", *options) == Exit.OK
    built = _document(capsys)
    assert (built["changes"], built["entries"]["pdq"]) == (5, 5)
    _add(store_url, range(6, 8))
    assert _run("update", *options) == Exit.OK
    updated = _document(capsys)
    assert (updated["changes"], updated["entries"]["pdq"]) == (2, 7)
    assert updated["revision"] == open_store(store_url).last_revision()


def test_stats_have_these_keys(
    store_url: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run("build", "--store", store_url, "--index", str(folder))
    capsys.readouterr()
    assert _run("stats", "--index", str(folder), "--json") == Exit.OK
    assert list(_document(capsys)) == [
        "revision",
        "entries",
        "segments",
        "dead_rows",
        "log_rows",
        "mapped_bytes",
    ]
    assert _run("stats", "--index", str(folder)) == Exit.OK
    assert "5 pdq" in capsys.readouterr().out


def test_verify_is_content_with_a_sound_index_and_names_a_damaged_file(
    store_url: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run("build", "--store", store_url, "--index", str(folder))
    assert _run("verify", "--index", str(folder)) == Exit.OK
    assert "5 entries" in capsys.readouterr().out
    (segment,) = folder.glob("*.segment")
    content = bytearray(segment.read_bytes())
    content[16_384] ^= 1
    segment.write_bytes(content)
    assert _run("verify", "--index", str(folder)) == Exit.FAILED
    said = capsys.readouterr().err
    assert segment.name in said
    assert "lightkeeper index build" in said


def test_settings_name_store_and_index(
    store_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIGHTKEEPER_STORE", store_url)
    monkeypatch.setenv("LIGHTKEEPER_INDEX", str(folder))
    load_settings.cache_clear()
    try:
        assert _run("build") == Exit.OK
        assert _run("verify") == Exit.OK
    finally:
        load_settings.cache_clear()


def test_without_settings_both_are_in_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    for name in ("LIGHTKEEPER_STORE", "LIGHTKEEPER_INDEX"):
        monkeypatch.delenv(name, raising=False)
    load_settings.cache_clear()
    try:
        assert _run("build") == Exit.OK
        assert _run("verify", "--index", str(tmp_path / "lightkeeper" / "index")) == Exit.OK
    finally:
        load_settings.cache_clear()
