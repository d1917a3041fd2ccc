from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from lightkeeper.errors import EvidenceError, InvalidConfiguration
from lightkeeper.evidence.watermark.registry import MarkRegistry, RegistryFile, read_registry
from lightkeeper.evidence.watermark.registry._file import (
    _SIGNED,
    RegistryHead,
    parse_registry,
    registry_bytes,
)
from lightkeeper.evidence.watermark.registry._wire import entry_id, withheld

from .conftest import KEY, MADE, PUBLIC, entry, fingerprint, withdrawn, written

CONTENT = written(entry(1), entry(2))


def signed(body: bytes) -> bytes:
    return body + b'{"signature":"' + KEY.sign(_SIGNED + body).hex().encode() + b'"}\n'


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "studio.marks"
    path.write_bytes(CONTENT)
    found = read_registry(path, key=PUBLIC)
    assert isinstance(found, MarkRegistry)
    assert (found.name, found.head.version, found.head.made) == ("Studio A", 1, MADE)
    assert list(found.entries()) == [entry(1), entry(2)]
    assert found.find(2) == (entry(2),)
    assert found.find(3) == ()
    assert len(found) == 2


def test_a_payload_may_have_several_entries() -> None:
    several = parse_registry(written(entry(1, 7), entry(2, 7), entry(2, 8)), key=PUBLIC)
    assert set(several.find(7)) == {entry(1, 7), entry(2, 7)}
    assert several.find(8) == (entry(2, 8),)


def test_the_same_entry_is_written_once() -> None:
    assert written(entry(1), entry(1)) == written(entry(1))


def test_a_registry_without_entries_is_one() -> None:
    empty = parse_registry(written(), key=PUBLIC)
    assert (len(empty), empty.find(0)) == (0, ())


@given(place=st.integers(0, len(CONTENT) - 1), by=st.integers(1, 255))
@settings(max_examples=300, deadline=None)
def test_any_changed_byte_is_found(place: int, by: int) -> None:
    changed = bytearray(CONTENT)
    changed[place] ^= by
    for key in (PUBLIC, None):
        with pytest.raises(EvidenceError):
            parse_registry(bytes(changed), key=key)


@given(cut=st.integers(0, len(CONTENT) - 1), more=st.binary(min_size=1, max_size=20))
@settings(max_examples=100, deadline=None)
def test_a_part_of_it_or_more_than_it_is_refused(cut: int, more: bytes) -> None:
    for content in (CONTENT[:cut], CONTENT[cut + 1 :], CONTENT + more):
        with pytest.raises(EvidenceError):
            parse_registry(content, key=PUBLIC)


def test_another_signer_is_refused_where_the_key_is_pinned() -> None:
    head = RegistryHead(name="Studio A", version=1, made=MADE)
    foreign = registry_bytes(head, [entry(1)], key=Ed25519PrivateKey.generate())
    with pytest.raises(EvidenceError, match="signed by another key"):
        parse_registry(foreign, key=PUBLIC)
    assert parse_registry(foreign, key=None).public_key != PUBLIC


def test_a_header_that_names_another_key_than_its_signer_is_refused() -> None:
    body = CONTENT[: CONTENT.rindex(b'{"signature"')].replace(PUBLIC.hex().encode(), b"0" * 64)
    with pytest.raises(EvidenceError, match="names another key"):
        parse_registry(signed(body), key=PUBLIC)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"mark-registry/2", b"mark-registry/9", "schema"),
        (b'"sketches":true', b'"sketches":false', "says otherwise than entry 1"),
        (b"lattice.1", b"lattice.9", "another mark"),
        (b'"entries":2', b'"entries":3', "another number"),
        (b'"version":1', b'"version":0', "version"),
        (b'"version":1', b'"version":36028797018963968', "version"),
        (b'"version":1', b'"version":1e30', "header"),
        (b'"name":', b'"title":', "header"),
        (b'"quality":', b'"prompt":', "entry 1: no entry"),
    ],
)
def test_a_signed_file_of_another_form_is_refused(old: bytes, new: bytes, message: str) -> None:
    body = CONTENT[: CONTENT.rindex(b'{"signature"')].replace(old, new)
    with pytest.raises(EvidenceError, match=message):
        parse_registry(signed(body), key=PUBLIC)


def test_entries_out_of_order_are_refused() -> None:
    header, first, second, _ = CONTENT.splitlines(keepends=True)
    with pytest.raises(EvidenceError, match="not sorted"):
        parse_registry(signed(header + second + first), key=PUBLIC)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="cannot read registry"):
        read_registry(tmp_path / "none", key=PUBLIC)


@given(content=st.binary(max_size=400))
@settings(max_examples=100, deadline=None)
def test_what_is_no_registry_is_refused(content: bytes) -> None:
    with pytest.raises(EvidenceError):
        parse_registry(content, key=None)


@pytest.mark.parametrize(
    "name", ["", "two\nlines", "x" * 81, " A", "A ", "e\u0301", "a\u202eb", "a\0b", "a\ud800"]
)
def test_a_name_is_one_short_line(name: str) -> None:
    with pytest.raises(InvalidConfiguration, match="name"):
        RegistryHead(name=name, version=1, made=MADE)


def test_its_revision_is_that_of_the_file(registry: RegistryFile) -> None:
    assert registry.revision != parse_registry(written(entry(1)), key=PUBLIC).revision


def test_a_withdrawn_entry_is_written_and_read() -> None:
    found = parse_registry(written(withdrawn(1), entry(2)), key=PUBLIC)
    assert found.find(1) == (withdrawn(1),)


def test_a_file_cannot_say_that_an_entry_counts_and_that_it_does_not() -> None:
    for twice in ((entry(1), withdrawn(1)), (withdrawn(1), entry(1, 2), entry(2), withdrawn(2))):
        with pytest.raises(EvidenceError, match=r"holds entry \d again"):
            parse_registry(written(*twice), key=PUBLIC)
    parse_registry(written(withdrawn(1), entry(1, 2), entry(2)), key=PUBLIC)


def test_a_payload_has_at_most_64_entries() -> None:
    many = [entry(1, model=f"Model {n}") for n in range(65)]
    assert len(parse_registry(written(*many[1:]), key=PUBLIC).find(1)) == 64
    with pytest.raises(EvidenceError, match="over 64 entries of one payload"):
        parse_registry(written(*many), key=PUBLIC)


def test_the_same_entry_twice_is_refused() -> None:
    header, first, _, _ = CONTENT.splitlines(keepends=True)
    with pytest.raises(EvidenceError, match="again"):
        parse_registry(signed(header + first + first), key=PUBLIC)


def test_files_are_compared_by_what_they_are_and_not_by_their_arrays() -> None:
    one, two = (parse_registry(CONTENT, key=PUBLIC) for _ in range(2))
    assert one == one
    assert one != two
    assert one.sha256 == two.sha256
    assert len({one, two}) == 2


@pytest.mark.parametrize("line", [b"", b"[" * 100_000, b"\xff\xfe", b'{"payload":"' + b"f" * 600])
def test_a_signed_line_that_is_no_entry_is_refused(line: bytes) -> None:
    header = CONTENT.splitlines(keepends=True)[0]
    with pytest.raises(EvidenceError, match="entry 1"):
        parse_registry(signed(header + line + b"\n"), key=PUBLIC)


def test_a_file_that_is_too_large_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lightkeeper.evidence.watermark.registry import _file

    monkeypatch.setattr(_file, "_LARGEST_FILE", 1000)
    (tmp_path / "large.marks").write_bytes(bytes(5000))
    with pytest.raises(EvidenceError, match="MiB"):
        read_registry(tmp_path / "large.marks", key=PUBLIC)


def test_a_published_file_holds_no_sketch_and_the_same_entries() -> None:
    public = parse_registry(written(entry(1), withdrawn(2), sketches=False), key=PUBLIC)
    assert not public.sketches
    assert [e.fingerprint.sketch for e in public.entries()] == [None, None]
    assert [entry_id(e) for e in public.entries()] == [entry_id(entry(1)), entry_id(entry(2))]
    assert public.decoys(7) == []
    sketch = fingerprint(1).sketch
    assert sketch is not None
    content = written(entry(1), sketches=False)
    assert base64.b64encode(sketch)[:40] not in content
    assert base64.b64encode(sketch)[:40] in written(entry(1))


def test_a_sketch_that_was_withheld_cannot_be_published() -> None:
    with pytest.raises(InvalidConfiguration, match="withheld"):
        written(withheld(entry(1)))


def test_a_file_of_the_first_version_is_refused_with_what_to_do() -> None:
    old = CONTENT.replace(b"mark-registry/2", b"mark-registry/1")
    for key in (PUBLIC, None):
        with pytest.raises(EvidenceError, match="first version of registries") as caught:
            parse_registry(old, key=key)
        assert "ask its owner for a new one" in (caught.value.hint or "")


def test_decoys_are_of_other_payloads_and_do_not_change_with_a_withdrawal() -> None:
    before = parse_registry(written(*(entry(n) for n in range(1, 6))), key=PUBLIC)
    after = parse_registry(written(withdrawn(1), *(entry(n) for n in range(2, 6))), key=PUBLIC)
    assert before.decoys(2) == after.decoys(2) == [fingerprint(n) for n in (1, 3, 4, 5)]
