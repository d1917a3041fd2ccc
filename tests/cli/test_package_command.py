"""``lightkeeper package`` end to end, over the real store."""

from __future__ import annotations

import base64
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lightkeeper.cases.desk import Desk, Rules
from lightkeeper.cases.people import Role
from lightkeeper.cli import main
from lightkeeper.cli._exit import Exit
from lightkeeper.cli._local_desk import operator
from lightkeeper.cli._settings import load_settings
from lightkeeper.storage.cases import open_cases
from lightkeeper.storage.keys import KeyRing
from lightkeeper.storage.vault import open_vault
from lightkeeper.testing.cases import new_case, new_picture, person

Capture = pytest.CaptureFixture[str]
PROGRAM = person("program", Role.INTAKE)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A service's folder."""
    monkeypatch.setenv("LIGHTKEEPER_CASES", f"sqlite:///{tmp_path / 'cases.db'}")
    monkeypatch.setenv("LIGHTKEEPER_VAULT", str(tmp_path / "vault"))
    monkeypatch.setenv("LIGHTKEEPER_KEYS", str(tmp_path / "service.keys"))
    load_settings.cache_clear()
    yield tmp_path
    load_settings.cache_clear()


@pytest.fixture
def case(home: Path) -> str:
    """A case with a picture."""
    ring = KeyRing.open(home / "service.keys", create=True)
    store = open_cases(f"sqlite:///{home / 'cases.db'}", audit_key=ring.audit_key())
    try:
        vault = open_vault(home / "vault", ring)
        desk = Desk(store, vault, clock=lambda: datetime.now(UTC), rules=Rules())
        opened = desk.open_case(PROGRAM, new_case())
        desk.add_item(PROGRAM, opened.id, new_picture())
    finally:
        store.close()
    return opened.id


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["package", *map(str, arguments)])
    return int(ended.value.code or 0)


def make(case: str, out: Path) -> None:
    # An identifier may begin with a dash.
    assert run("make", "--out", out, "--", case) == Exit.OK


def public_key(home: Path) -> Ed25519PublicKey:
    return KeyRing.open(home / "service.keys").signing_key().public_key()


def test_a_package_is_made_written_down_and_found_whole(
    home: Path, case: str, capsys: Capture
) -> None:
    make(case, home / "out.zip")
    said = capsys.readouterr().out
    key = public_key(home).public_bytes_raw().hex()
    assert run("verify", home / "out.zip", "--key", key, "--json") == Exit.OK
    report = json.loads(capsys.readouterr().out)
    assert report["intact"] is True
    assert report["signature"] == "genuine"
    assert report["manifest_sha256"] in said
    assert not [name for name in report["entries"] if name.startswith("media")]
    with pytest.raises(SystemExit):
        main(["audit", "show", "--json"])
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (events[-1]["action"], events[-1]["actor"]) == ("exported", operator().id)
    assert events[-1]["details"]["manifest-sha256"] == report["manifest_sha256"]


def test_the_settings_say_who_sends_a_package(
    home: Path, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIGHTKEEPER_SERVICE__ORGANISATION__NAME", "Example Hotline")
    monkeypatch.setenv("LIGHTKEEPER_SERVICE__ORGANISATION__CONTACT", "evidence@example.org")
    load_settings.cache_clear()
    make(case, home / "out.zip")
    with zipfile.ZipFile(home / "out.zip") as archive:
        said = json.loads(archive.read("case.json"))["sender"]
    assert said == {"name": "Example Hotline", "contact": "evidence@example.org"}


def test_the_word_make_may_be_left_out(home: Path, capsys: Capture) -> None:
    KeyRing.open(home / "service.keys", create=True)
    store = open_cases(f"sqlite:///{home / 'cases.db'}", audit_key=bytes(32))
    store.close()
    assert run("CASE", "--out", home / "out.zip") == Exit.FAILED
    assert "there is no such case" in capsys.readouterr().err
    assert not (home / "out.zip").exists()


def test_a_file_that_is_there_is_not_replaced(home: Path, case: str, capsys: Capture) -> None:
    (home / "out.zip").write_text("umbrella")
    assert run("make", "--out", home / "out.zip", "--", case) == Exit.FAILED
    assert "--force" in capsys.readouterr().err
    assert (home / "out.zip").read_text() == "umbrella"


def test_what_was_altered_is_named_with_exit_code_5(home: Path, case: str, capsys: Capture) -> None:
    make(case, home / "out.zip")
    content = (home / "out.zip").read_bytes()
    at = content.index(b'"schema": "lightkeeper.package/1"')
    (home / "out.zip").write_bytes(content[:at] + b"X" + content[at + 1 :])
    capsys.readouterr()
    assert run("verify", home / "out.zip") == Exit.ALTERED
    said = capsys.readouterr().out
    assert "altered  case.json" in said
    assert "whole    case.pdf" in said
    assert "NOT INTACT" in said


def test_what_is_no_package_is_an_error_and_exit_code_5(home: Path, capsys: Capture) -> None:
    (home / "out.zip").write_bytes(b"PK\x03\x04 cut short")
    assert run("verify", home / "out.zip") == Exit.ALTERED
    assert "cut or damaged" in capsys.readouterr().out
    assert run("verify", home / "out.zip", "--json") == Exit.ALTERED
    assert json.loads(capsys.readouterr().out)["intact"] is False


def test_no_control_sequence_of_a_stranger_reaches_the_terminal(
    home: Path, capsys: Capture
) -> None:
    drive = "\x1b]0;owned\x07\x9b31m\u202e\nforged: line"
    key = Ed25519PrivateKey.generate()
    manifest = {
        "schema": "lightkeeper.package-manifest/1",
        "case": drive,
        "made": drive,
        "signed_by": {"public_key": key.public_key().public_bytes_raw().hex()},
        "entries": [{"name": "case.json", "size": 2, "sha256": "0" * 64}],
    }
    written = json.dumps(manifest).encode()
    with zipfile.ZipFile(home / "out.zip", "w") as archive:
        for name, content in (
            ("manifest.json", written),
            ("manifest.sig", key.sign(written)),
            (drive, b"umbrella"),
        ):
            archive.writestr(zipfile.ZipInfo(name), content)
    for form in ([], ["--json"]):
        assert run("verify", home / "out.zip", *form) == Exit.ALTERED
        said = capsys.readouterr().out
        assert frozenset("\x1b\x07\x9b\u202e").isdisjoint(said)
        assert not any(line.startswith("forged") for line in said.splitlines())


def test_without_a_key_it_says_that_nothing_is_proven(
    home: Path, case: str, capsys: Capture
) -> None:
    make(case, home / "out.zip")
    assert run("verify", home / "out.zip") == Exit.OK
    assert "that the package itself names" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["pem", "hex", "key set"])
def test_the_key_may_be_in_a_file(home: Path, case: str, kind: str) -> None:
    make(case, home / "out.zip")
    key = public_key(home)
    x = base64.urlsafe_b64encode(key.public_bytes_raw()).decode().rstrip("=")
    forms = {
        "pem": key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        "hex": key.public_bytes_raw().hex() + "\n",
        "key set": json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x}]}),
    }
    (home / "key").write_text(forms[kind])
    assert run("verify", home / "out.zip", "--key", home / "key") == Exit.OK


@pytest.mark.parametrize("content", ["", "umbrella", "{", '{"keys": []}', '{"keys": [{"x": 7}]}'])
def test_what_is_no_key_is_refused(home: Path, case: str, content: str, capsys: Capture) -> None:
    make(case, home / "out.zip")
    (home / "key").write_text(content)
    assert run("verify", home / "out.zip", "--key", home / "key") == Exit.FAILED
    assert "--key" in capsys.readouterr().err


def test_the_key_of_another_house_is_exit_code_5(home: Path, case: str) -> None:
    make(case, home / "out.zip")
    other = KeyRing.open(home / "other.keys", create=True).signing_key().public_key()
    assert run("verify", home / "out.zip", "--key", other.public_bytes_raw().hex()) == Exit.ALTERED
