"""``lightkeeper mark`` end to end; a stand-in hides the payload in lowest bits."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lightkeeper.cli import _mark_recover, _open_mark, main
from lightkeeper.cli._exit import Exit
from lightkeeper.cli._settings import load_settings
from lightkeeper.evidence.provenance import ManifestState, read_manifest
from lightkeeper.evidence.watermark import lattice
from lightkeeper.evidence.watermark.registry._open_mark import OpenMark
from lightkeeper.media import open_media
from lightkeeper.storage.keys import KeyRing
from lightkeeper.testing import photo_like, signing_credentials

Capture = pytest.CaptureFixture[str]
Pixels = NDArray[np.uint8]
WORDS = ("--organisation", "Studio A", "--model", "Harbour", "--period", "2026-03")
PAYLOAD = "00c0ffee0042"


def marked(rgb: Pixels, payload: int) -> Pixels:
    result = rgb.copy()
    bits = np.array([1, *map(int, f"{payload:048b}")], np.uint8)
    result[0, : len(bits), 0] = result[0, : len(bits), 0] & 0xFE | bits
    return result


@dataclass
class Transform:
    matrix: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 1.0)


@dataclass
class Reading:
    payload: int
    transform: Transform


def read(rgb: Pixels) -> Reading | None:
    bits = rgb[0, :49, 0] & 1
    if not bits[0]:
        return None
    return Reading(int("".join(map(str, bits[1:])), 2), Transform())


def read_all(rgb: Pixels) -> tuple[Reading, ...]:
    reading = read(rgb)
    return () if reading is None else (reading,)


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lattice, "read", read)
    monkeypatch.setattr(lattice, "read_all", read_all, raising=False)
    monkeypatch.setattr(lattice, "embed", marked)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("LIGHTKEEPER_MARK_ENTRIES", f"sqlite:///{tmp_path / 'marks.db'}")
    monkeypatch.setenv("LIGHTKEEPER_KEYS", str(tmp_path / "service.keys"))
    monkeypatch.setenv("LIGHTKEEPER_MARK_KEY", str(tmp_path / "marks.key"))
    load_settings.cache_clear()
    for number in (1, 2):
        rgb = photo_like(number, width=160, height=120)
        Image.fromarray(marked(rgb, int(PAYLOAD, 16) + number - 1)).save(tmp_path / f"{number}.png")
    Image.fromarray(photo_like(3, width=160, height=120) & 0xFE).save(tmp_path / "plain.png")
    yield tmp_path
    load_settings.cache_clear()


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["mark", "entries", *map(str, arguments)])
    return int(ended.value.code or 0)


def add(*arguments: object) -> int:
    return run("add", *arguments, "--registry", "A", *WORDS)


def test_a_marked_picture_is_registered_by_the_payload_that_it_carries(
    home: Path, capsys: Capture
) -> None:
    assert add(home / "1.png", home / "2.png") == Exit.OK
    assert run("show", PAYLOAD, "--json") == Exit.OK
    row = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (row["registry"], row["model"], row["payload"]) == ("A", "Harbour", PAYLOAD)
    assert row["fingerprint"]["sketch"] == "kept"
    assert add(home / "1.png") == Exit.OK
    assert "there already" in capsys.readouterr().out
    assert run("list") == Exit.OK
    assert "A: 2 entries, version 0, your own" in capsys.readouterr().out
    assert run("list", "--registry", "A") == Exit.OK
    assert PAYLOAD in capsys.readouterr().out


def test_a_picture_without_a_mark_is_a_row_with_an_error(home: Path, capsys: Capture) -> None:
    assert add(home / "plain.png", home / "1.png") == Exit.PARTIAL
    told = capsys.readouterr()
    assert "no open mark" in told.err
    assert PAYLOAD in told.out


def test_a_payload_and_a_manifest_may_be_given_for_one_picture(home: Path, capsys: Capture) -> None:
    (home / "1.c2pa").write_bytes(b"manifest")
    options = ("--payload", "0000000000ab", "--manifest", home / "1.c2pa")
    assert add(home / "plain.png", *options) == Exit.OK
    assert run("show", "0000000000AB", "--json") == Exit.OK
    row = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert row["manifest_sha256"] == hashlib.sha256(b"manifest").hexdigest()
    assert add(home / "1.png", home / "2.png", *options) == Exit.USAGE


def test_an_unknown_payload_is_an_answer(home: Path, capsys: Capture) -> None:
    assert add(home / "1.png") == Exit.OK
    assert run("show", "0" * 12) == Exit.MATCHED
    assert "unknown payload" in capsys.readouterr().err
    assert run("show", "12") == Exit.FAILED


@pytest.mark.parametrize("option", ["--prompt", "--person", "--user"])
def test_nothing_takes_a_prompt_or_a_person(home: Path, option: str) -> None:
    assert add(home / "1.png", option, "x") == Exit.USAGE


def exported(home: Path, capsys: Capture) -> tuple[Path, str]:
    assert add(home / "1.png") == Exit.OK
    out = home / "a.marks"
    assert run("export", "--registry", "A", "--out", out) == Exit.OK
    return out, capsys.readouterr().out.split()[-1]


def test_a_registry_goes_to_another_data_base_by_its_signed_file(
    home: Path, capsys: Capture
) -> None:
    out, key = exported(home, capsys)
    other = f"sqlite:///{home / 'other.db'}"
    assert run("import", out, "--key", key, "--store", other) == Exit.OK
    assert "1 came, 0 went" in capsys.readouterr().out
    assert run("show", PAYLOAD, "--store", other) == Exit.OK
    assert run("import", out, "--key", "00" * 32, "--store", other) == Exit.FAILED
    assert run("import", out, "--store", other) == Exit.USAGE
    assert run("export", "--registry", "A", "--out", out) == Exit.FAILED
    assert run("export", "--registry", "A", "--out", out, "--force") == Exit.OK
    assert run("import", out, "--key", key, "--store", other) == Exit.OK


def test_an_export_needs_no_key_of_the_review_service(home: Path, capsys: Capture) -> None:
    assert add(home / "1.png") == Exit.OK
    out, again = home / "a.marks", home / "b.marks"
    assert run("export", "--registry", "A", "--out", out) == Exit.OK
    first = capsys.readouterr()
    assert "made the signing key" in first.err
    assert not (home / "service.keys").exists()
    assert stat.S_IMODE((home / "marks.key").stat().st_mode) == 0o600
    assert run("export", "--registry", "A", "--out", again) == Exit.OK
    second = capsys.readouterr()
    assert (second.err, second.out.split()[-1]) == ("", first.out.split()[-1])
    KeyRing.open(home / "service.keys", create=True)
    options = ("--registry", "A", "--out", out, "--force", "--keys", home / "service.keys")
    assert run("export", *options) == Exit.OK
    assert capsys.readouterr().out.split()[-1] != first.out.split()[-1]
    assert run("export", *options, "--signing-key", home / "marks.key") == Exit.USAGE


def test_a_signing_key_that_is_none_or_open_to_others_is_refused(
    home: Path, capsys: Capture
) -> None:
    assert add(home / "1.png") == Exit.OK
    options = ("--registry", "A", "--out", home / "a.marks", "--signing-key")
    assert run("export", *options, home / "nothing.pem") == Exit.FAILED
    (home / "no.pem").write_text("no key")
    (home / "no.pem").chmod(0o644)
    assert run("export", *options, home / "no.pem") == Exit.FAILED
    assert "open to others" in capsys.readouterr().err
    (home / "no.pem").chmod(0o600)
    assert run("export", *options, home / "no.pem") == Exit.FAILED
    assert "no Ed25519 key" in capsys.readouterr().err
    assert not (home / "a.marks").exists()


def test_a_published_registry_leaves_the_verdict_to_its_holder(home: Path, capsys: Capture) -> None:
    out, key = exported(home, capsys)
    assert recover(home / "1.png", "--registry", out, "--key", key) == Exit.OK
    assert "only the registry's holder can say" in capsys.readouterr().out
    whole = home / "whole.marks"
    assert run("export", "--registry", "A", "--out", whole, "--with-sketches") == Exit.OK
    assert "not for all" in capsys.readouterr().out
    assert recover(home / "1.png", "--registry", whole, "--key", key) == Exit.OK
    assert "the picture that the entry is about" in capsys.readouterr().out


def test_a_file_is_verified_with_the_key_and_without(home: Path, capsys: Capture) -> None:
    out, key = exported(home, capsys)
    assert run("verify", out, "--key", key, "--json") == Exit.OK
    row = json.loads(capsys.readouterr().out)
    assert (row["signature"], row["name"], row["version"], row["entries"]) == ("genuine", "A", 1, 1)
    assert run("verify", out) == Exit.OK
    assert "compare it" in capsys.readouterr().out
    assert run("verify", out, "--key", "00" * 32) == Exit.ALTERED
    content = bytearray(out.read_bytes())
    content[len(content) // 2] ^= 1
    out.write_bytes(content)
    assert run("verify", out, "--json") == Exit.ALTERED
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["intact"] is False


def test_an_entry_is_withdrawn_and_other_data_bases_learn_it(home: Path, capsys: Capture) -> None:
    out, key = exported(home, capsys)
    other = f"sqlite:///{home / 'other.db'}"
    assert run("import", out, "--key", key, "--store", other) == Exit.OK
    capsys.readouterr()
    assert run("withdraw", PAYLOAD, "--registry", "A", "--reason", "request", "--json") == Exit.OK
    row = json.loads(capsys.readouterr().out)
    assert row["withdrawn"]["reason"] == "request"
    assert run("withdraw", PAYLOAD, "--registry", "A", "--reason", "mistake") == Exit.OK
    assert "(request)" in capsys.readouterr().out
    assert recover(home / "1.png") == Exit.OK
    assert "the entry was withdrawn" in capsys.readouterr().out
    assert run("export", "--registry", "A", "--out", out, "--force") == Exit.OK
    assert run("import", out, "--key", key, "--store", other) == Exit.OK
    assert run("show", PAYLOAD, "--store", other) == Exit.OK
    assert "WITHDRAWN" in capsys.readouterr().out
    assert run("withdraw", PAYLOAD, "--registry", "A", "--reason", "Jane asked") == Exit.USAGE
    assert run("withdraw", "0" * 12, "--registry", "A", "--reason", "mistake") == Exit.FAILED


def test_mark_lists_what_it_can_do(capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        main(["mark", "--help"])
    told = capsys.readouterr().out
    assert "entries" in told
    assert "recover" in told


def recover(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["mark", "recover", *map(str, arguments)])
    return int(ended.value.code or 0)


@pytest.fixture
def signed(home: Path) -> Path:
    """A marked picture, signed and registered with its manifest; a copy of it without."""
    credentials = signing_credentials()
    (home / "chain.pem").write_text(credentials.chain_pem)
    (home / "anchors.pem").write_text(credentials.anchors_pem)
    (home / "key.pem").write_text(credentials.key_pem)
    (home / "key.pem").chmod(0o600)
    (home / "manifests").mkdir()
    store = home / "manifests" / "new.c2pa"
    options = ["--certificate", home / "chain.pem", "--key", home / "key.pem", "--mark"]
    options += ["--generator", "Harbour", "--manifest-out", store]
    with pytest.raises(SystemExit) as ended:
        main(["sign", str(home / "1.png"), str(home / "signed.png"), *map(str, options)])
    assert ended.value.code in (None, Exit.OK)
    assert add(home / "signed.png", "--manifest", store) == Exit.OK
    store.rename(store.with_name(hashlib.sha256(store.read_bytes()).hexdigest() + ".c2pa"))
    with Image.open(home / "signed.png") as picture:
        Image.fromarray(np.asarray(picture.convert("RGB"))).save(home / "copy.png")
    return home


def recovered(home: Path, file: str, capsys: Capture) -> dict[str, Any]:
    capsys.readouterr()
    options = ("--manifests", home / "manifests", "--trust-anchors", home / "anchors.pem")
    assert recover(home / file, *options, "--json") == Exit.OK
    row: dict[str, Any] = json.loads(capsys.readouterr().out)["marks"][0]
    return row


def test_a_stripped_copy_finds_its_manifest_again_by_its_mark(
    signed: Path, capsys: Capture
) -> None:
    assert read_manifest(open_media(signed / "copy.png")).state is ManifestState.NONE
    bindings = read_manifest(open_media(signed / "signed.png")).soft_bindings
    assert [(b.algorithm, b.value) for b in bindings] == [
        ("io.github.lightkeeper.lattice.1", PAYLOAD)
    ]
    row = recovered(signed, "copy.png", capsys)
    assert (row["payload"], row["standing"]) == (PAYLOAD, "registered")
    manifest = row["manifest"]
    assert (manifest["holds"], manifest["names_mark"]) == (True, True)
    assert manifest["summary"]["claims"][0]["claim"] == "generated"
    assert manifest["summary"]["manifests"][0]["trusted"] is True
    assert recover(signed / "copy.png", "--manifests", signed / "manifests") == Exit.OK
    assert "nobody vouches for the signer); names this mark" in capsys.readouterr().out


def test_a_mark_copied_onto_another_picture_brings_no_manifest(
    signed: Path, capsys: Capture
) -> None:
    other = marked(photo_like(9, width=512, height=384), int(PAYLOAD, 16))
    Image.fromarray(other).save(signed / "other.png")
    row = recovered(signed, "other.png", capsys)
    assert (row["standing"], row["manifest"]) == ("copied", None)
    assert recover(signed / "other.png") == Exit.OK
    assert "COPIED MARK" in capsys.readouterr().out


def test_a_manifest_that_was_changed_is_refused(signed: Path, capsys: Capture) -> None:
    (manifest,) = (signed / "manifests").iterdir()
    content = manifest.read_bytes()
    manifest.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert recover(signed / "copy.png", "--manifests", signed / "manifests") == Exit.PARTIAL
    assert "was changed" in capsys.readouterr().err


def test_a_manifest_of_another_mark_is_not_taken_for_this_one(
    signed: Path, capsys: Capture
) -> None:
    (manifest,) = (signed / "manifests").iterdir()
    assert add(signed / "2.png", "--payload", PAYLOAD[:-1] + "3", "--manifest", manifest) == Exit.OK
    Image.fromarray(marked(photo_like(2, width=160, height=120), int(PAYLOAD, 16) + 1)).save(
        signed / "second.png"
    )
    row = recovered(signed, "second.png", capsys)
    assert row["manifest"]["names_mark"] is False


def test_a_manifest_that_is_not_there_is_no_error(signed: Path, capsys: Capture) -> None:
    (manifest,) = (signed / "manifests").iterdir()
    manifest.unlink()
    assert recovered(signed, "copy.png", capsys)["manifest"] is None


def test_a_registry_file_does_for_a_machine_without_a_data_base(
    signed: Path, capsys: Capture
) -> None:
    out = signed / "a.marks"
    assert run("export", "--registry", "A", "--out", out, "--with-sketches") == Exit.OK
    key = capsys.readouterr().out.split()[-1]
    (signed / "marks.db").unlink()
    assert recover(signed / "copy.png", "--registry", out, "--key", key) == Exit.OK
    assert "the picture that the entry is about" in capsys.readouterr().out
    assert recover(signed / "copy.png", "--registry", out) == Exit.USAGE
    assert recover(signed / "copy.png", "--registry", out, "--key", "00" * 32) == Exit.FAILED


def test_sign_binds_to_one_thing(signed: Path) -> None:
    options = ["--certificate", signed / "chain.pem", "--key", signed / "key.pem"]
    options += ["--generator", "G", "--mark", "--soft-binding", "com.example.1=ab"]
    with pytest.raises(SystemExit) as ended:
        main(["sign", str(signed / "1.png"), str(signed / "out.png"), *map(str, options)])
    assert ended.value.code == Exit.USAGE


def test_marking_and_registering_is_one_step(home: Path, capsys: Capture) -> None:
    arguments = ("make", home / "plain.png", home / "new.png", "--registry", "A", *WORDS)
    assert run(*arguments, "--json") == Exit.OK
    row = json.loads(capsys.readouterr().out)
    assert run("show", row["payload"]) == Exit.OK
    assert recover(home / "new.png", "--json") == Exit.OK
    assert (
        json.loads(capsys.readouterr().out.splitlines()[-1])["marks"][0]["standing"] == "registered"
    )
    assert run(*arguments) == Exit.FAILED


def test_a_picture_that_does_not_hold_the_mark_is_neither_written_nor_registered(
    home: Path, capsys: Capture
) -> None:
    Image.fromarray(photo_like(1, width=160, height=120)).save(home / "in.png")
    options = ("--registry", "A", *WORDS)
    # The stand-in's bits do not survive JPEG, as the mark would not survive on a tiny picture.
    assert run("make", home / "in.png", home / "out.jpg", *options) == Exit.PARTIAL
    assert not (home / "out.jpg").exists()
    assert run("list", "--json") == Exit.OK
    assert capsys.readouterr().out == ""


def test_a_picture_that_cannot_be_registered_is_not_written(home: Path, capsys: Capture) -> None:
    arguments = ("make", home / "plain.png", home / "new.png", *WORDS)
    assert run(*arguments, "--registry", "two\nlines") in (Exit.FAILED, Exit.PARTIAL)
    assert not (home / "new.png").exists()
    assert "name is one line" in capsys.readouterr().err


def test_several_marks_are_told_and_none_is_registered_by_guess(
    home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = (OpenMark(5, np.eye(2)), OpenMark(7, np.eye(2)))
    monkeypatch.setattr(_open_mark, "read_open_marks", lambda _: two)
    monkeypatch.setattr(_mark_recover, "read_open_marks", lambda _: two)
    assert add(home / "1.png") == Exit.PARTIAL
    assert "several open marks: 000000000005, 000000000007" in capsys.readouterr().err
    assert add(home / "1.png", "--payload", "000000000007") == Exit.OK
    assert recover(home / "1.png", "--json") == Exit.OK
    row = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [m["standing"] for m in row["marks"]] == ["unknown-payload", "registered"]
