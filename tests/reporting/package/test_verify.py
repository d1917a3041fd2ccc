"""The receiver's check: nothing changed goes unseen, and no archive harms whoever checks it."""

from __future__ import annotations

import io
import json
import struct
import tracemalloc
import zipfile
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.errors import InvalidReport
from lightkeeper.reporting.package import EntryState, PackageReport, Signature, verify_package

from .conftest import KEY, Handing, entries_of

PUBLIC = KEY.public_key().public_bytes_raw()
NAMES = ("manifest.json", "manifest.sig", "case.json", "case.html", "case.pdf", "media/001.jpeg")


@cache
def package() -> bytes:
    office = Handing()
    return office.packages.hand_over(office.lea, office.case_with(), with_media=True).content()


@cache
def entries() -> dict[str, bytes]:
    return entries_of(package())


def packed(parts: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in parts:
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=compression)
    return file.getvalue()


def checked(content: bytes, key: bytes | None = PUBLIC) -> PackageReport:
    return verify_package(io.BytesIO(content), key=key)


def found(content: bytes) -> bool:
    """Whether a check sees that it was altered."""
    try:
        return not checked(content).intact
    except InvalidReport:
        return True


def test_a_package_as_it_was_made_is_whole() -> None:
    report = checked(package())
    assert report.intact
    assert report.signature is Signature.GENUINE
    assert set(report.entries) == set(NAMES[2:])
    assert set(report.entries.values()) == {EntryState.WHOLE}


def test_without_a_key_the_signature_is_said_to_be_unproven() -> None:
    assert checked(package(), None).signature is Signature.UNPROVEN


def test_the_key_of_somebody_else_is_not_the_senders() -> None:
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    report = checked(package(), other)
    assert report.signature is Signature.FORGED
    assert not report.intact


@given(data=st.data())
def test_any_changed_byte_of_any_entry_is_found(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(NAMES))
    parts = dict(entries())
    at = data.draw(st.integers(0, len(parts[name]) - 1))
    flip = data.draw(st.integers(1, 255))
    before = parts[name]
    parts[name] = before[:at] + bytes([before[at] ^ flip]) + before[at + 1 :]
    assert found(packed(list(parts.items())))


@given(data=st.data())
def test_any_changed_byte_of_the_content_in_place_is_found(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(NAMES))
    start = package().index(entries()[name])
    at = start + data.draw(st.integers(0, len(entries()[name]) - 1))
    flip = data.draw(st.integers(1, 255))
    assert found(package()[:at] + bytes([package()[at] ^ flip]) + package()[at + 1 :])


@pytest.mark.parametrize("name", NAMES[2:])
def test_a_removed_entry_is_missing(name: str) -> None:
    parts = [(each, content) for each, content in entries().items() if each != name]
    report = checked(packed(parts))
    assert report.entries[name] is EntryState.MISSING
    assert not report.intact


@pytest.mark.parametrize("name", NAMES[:2])
def test_a_package_without_manifest_or_signature_is_none(name: str) -> None:
    parts = [(each, content) for each, content in entries().items() if each != name]
    with pytest.raises(InvalidReport, match=name):
        checked(packed(parts))


@pytest.mark.parametrize(
    "name", ["media/002.jpeg", "readme.txt", "../../outside", "/etc/outside", "C:\\outside", "a/"]
)
def test_an_added_entry_is_told_and_never_unpacked(name: str) -> None:
    report = checked(packed([*entries().items(), (name, b"umbrella")]))
    assert report.entries[name] is EntryState.ADDED
    assert not report.intact


def test_whoever_signs_a_changed_package_anew_is_found_by_the_key() -> None:
    said = json.loads(entries()["manifest.json"])
    thief = Ed25519PrivateKey.generate()
    said["signed_by"]["public_key"] = thief.public_key().public_bytes_raw().hex()
    manifest = json.dumps(said).encode()
    parts = dict(entries()) | {"manifest.json": manifest, "manifest.sig": thief.sign(manifest)}
    assert checked(packed(list(parts.items()))).signature is Signature.FORGED
    assert checked(packed(list(parts.items())), None).signature is Signature.UNPROVEN


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidReport, match="two entries"):
        checked(packed([*entries().items(), ("case.json", b"{}")]))


def test_a_compressed_archive_is_refused_before_it_is_unpacked() -> None:
    with pytest.raises(InvalidReport, match="compressed"):
        checked(packed([("case.json", bytes(50_000_000))], zipfile.ZIP_DEFLATED))


def test_an_encrypted_entry_is_refused() -> None:
    content = bytearray(package())
    directory = content.index(b"PK\x01\x02")
    content[directory + 8] |= 1
    with pytest.raises(InvalidReport, match="encrypted"):
        checked(bytes(content))


@given(cut=st.integers(0, 200_000))
def test_a_truncated_package_is_an_error_that_a_person_understands(cut: int) -> None:
    with pytest.raises(InvalidReport):
        checked(package()[: cut % len(package())])


@given(content=st.binary(max_size=400))
def test_anything_else_is_an_error_too(content: bytes) -> None:
    with pytest.raises(InvalidReport):
        checked(content)


@given(data=st.data())
def test_no_change_of_the_archives_own_bytes_breaks_the_check(data: st.DataObject) -> None:
    """Headers and directory: it is refused, or what it says still holds."""
    size = len(package())
    at = data.draw(st.integers(size - 700, size - 1) | st.integers(0, 40))
    changed = bytes([package()[at] ^ data.draw(st.integers(1, 255))])
    try:
        report = checked(package()[:at] + changed + package()[at + 1 :])
    except InvalidReport:
        return
    assert set(NAMES[2:]) <= set(report.entries)


def test_bytes_before_between_or_after_the_entries_are_refused() -> None:
    with pytest.raises(InvalidReport):
        checked(b"#!/bin/sh\n" + package())
    with pytest.raises(InvalidReport):
        checked(package() + b"umbrella")


def test_a_directory_that_claims_to_be_huge_costs_no_memory() -> None:
    content = (
        bytes(40_000_000)
        + b"PK\x05\x06"
        + struct.pack("<HHHHLLH", 0, 0, 60_000, 60_000, 39_000_000, 1_000_000, 0)
    )
    tracemalloc.start()
    try:
        with pytest.raises(InvalidReport):
            checked(content)
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "lightkeeper.package-manifest/2"},
        {"entries": []},
        {"entries": [{"name": "../x", "size": 1, "sha256": "0" * 64}]},
        {"entries": [{"name": "case.json", "size": True, "sha256": "0" * 64}]},
        {"entries": [{"name": "case.json", "size": 1, "sha256": "0"}]},
        {"entries": None},
        {"signed_by": {}},
        {"signed_by": {"public_key": "x"}},
        {"case": 7},
    ],
)
def test_a_manifest_that_says_something_else_is_refused(change: dict[str, object]) -> None:
    manifest = json.dumps({**json.loads(entries()["manifest.json"]), **change}).encode()
    parts = dict(entries()) | {"manifest.json": manifest, "manifest.sig": KEY.sign(manifest)}
    with pytest.raises(InvalidReport, match="manifest"):
        checked(packed(list(parts.items())))


def test_a_manifest_of_great_depth_is_refused() -> None:
    parts = dict(entries()) | {"manifest.json": b"[" * 100_000}
    with pytest.raises(InvalidReport, match="manifest"):
        checked(packed(list(parts.items())))


def test_the_signature_is_plain_ed25519_over_the_manifest() -> None:
    """So that any tool can check it."""
    KEY.public_key().verify(entries()["manifest.sig"], entries()["manifest.json"])
