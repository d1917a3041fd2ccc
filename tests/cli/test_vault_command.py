"""``lightkeeper vault`` end to end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lightkeeper.cli import main
from lightkeeper.cli._exit import Exit
from lightkeeper.cli._settings import load_settings
from lightkeeper.storage.cases import open_cases
from lightkeeper.storage.keys import KeyRing
from lightkeeper.storage.vault import SealedVault, open_vault

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("LIGHTKEEPER_CASES", f"sqlite:///{tmp_path / 'cases.db'}")
    monkeypatch.setenv("LIGHTKEEPER_KEYS", str(tmp_path / "service.keys"))
    monkeypatch.setenv("LIGHTKEEPER_VAULT", str(tmp_path / "vault"))
    load_settings.cache_clear()
    ring = KeyRing.open(tmp_path / "service.keys", create=True)
    open_cases(f"sqlite:///{tmp_path / 'cases.db'}", audit_key=ring.audit_key()).close()
    yield tmp_path
    load_settings.cache_clear()


@pytest.fixture
def vault(home: Path) -> SealedVault:
    return open_vault(home / "vault", KeyRing.open(home / "service.keys"))


def _run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["vault", *map(str, arguments)])
    return int(ended.value.code or 0)


def _events(home: Path) -> list[tuple[str, dict[str, str]]]:
    key = KeyRing.open(home / "service.keys").audit_key()
    store = open_cases(f"sqlite:///{home / 'cases.db'}", audit_key=key, create=False)
    try:
        with store.reading() as reader:
            return [(event.action, event.details) for event in reader.events()]
    finally:
        store.close()


def test_whole_objects_are_counted(vault: SealedVault, capsys: Capture) -> None:
    vault.put(b"umbrella")
    vault.put(b"bicycle")
    assert _run("verify") == Exit.OK
    assert capsys.readouterr().out == "2 whole, 0 damaged, 0 unfinished.\n"


def test_an_altered_object_is_named(home: Path, vault: SealedVault, capsys: Capture) -> None:
    key, other = vault.put(b"umbrella"), vault.put(b"bicycle")
    path = home / "vault" / "content" / key[:2] / key
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    assert _run("verify") == Exit.ALTERED
    shown = capsys.readouterr()
    assert shown.err == f"{key}: a kept object was altered\n"
    assert other not in shown.err
    assert _run("verify", "--json") == Exit.ALTERED
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows == [
        {"object": key, "problem": "a kept object was altered"},
        {"whole": 1, "damaged": 1, "unfinished": 0},
    ]


def test_a_rotation_is_written_to_the_audit_and_contents_stay(
    home: Path, vault: SealedVault, capsys: Capture
) -> None:
    key = vault.put(b"umbrella")
    assert _run("rotate") == Exit.OK
    assert capsys.readouterr().out == "1 wrapped, 0 damaged, 2 master keys.\n"
    assert vault.get(key) == b"umbrella"
    assert _run("rotate", "--resume") == Exit.OK
    assert capsys.readouterr().out == "0 wrapped, 0 damaged, 2 master keys.\n"
    assert [details["new-key"] for action, details in _events(home)] == ["yes", "no"]
    assert {action for action, _ in _events(home)} == {"keys-rotated"}


def test_an_old_key_is_retired_after_its_hour(
    home: Path, vault: SealedVault, capsys: Capture
) -> None:
    key = vault.put(b"umbrella")
    ring = KeyRing.open(home / "service.keys")
    ring.rotate(now=datetime.now(UTC) - timedelta(hours=2))
    assert _run("retire") == Exit.OK
    assert capsys.readouterr().out == "0 retired, 2 master keys.\n"
    assert _run("rotate", "--resume") == Exit.OK
    assert _run("retire") == Exit.OK
    assert capsys.readouterr().out.endswith("1 retired, 1 master keys.\n")
    assert vault.get(key) == b"umbrella"
    assert ("keys-rotated", {"by": "command line", "retired": "1"}) in _events(home)


def test_no_key_is_retired_while_an_envelope_cannot_be_read(
    home: Path, vault: SealedVault, capsys: Capture
) -> None:
    key = vault.put(b"umbrella")
    KeyRing.open(home / "service.keys").rotate(now=datetime.now(UTC) - timedelta(hours=2))
    (home / "vault" / "keys" / key[:2] / key).write_bytes(b"")
    assert _run("retire") == Exit.FAILED
    assert len(KeyRing.open(home / "service.keys").masters()) == 2


def test_nothing_is_rotated_where_it_cannot_be_written_to_the_audit(
    home: Path, capsys: Capture
) -> None:
    assert _run("rotate", "--cases", f"sqlite:///{home / 'none.db'}") == Exit.FAILED
    assert len(KeyRing.open(home / "service.keys").masters()) == 1


def test_a_missing_key_file_is_a_failure_and_none_is_made(home: Path, capsys: Capture) -> None:
    assert _run("verify", "--keys", home / "none.keys") == Exit.FAILED
    assert "no key file" in capsys.readouterr().err
    assert not (home / "none.keys").exists()


@pytest.mark.parametrize("location", ["https://keepers.example/vault", "gs://keepers"])
def test_a_place_that_is_no_vault_is_refused(location: str, capsys: Capture) -> None:
    assert _run("verify", "--vault", location) == Exit.FAILED
    assert "s3://BUCKET/PREFIX" in capsys.readouterr().err
