"""The key file is private, follows its changes, and never loses a key that is needed."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.errors import InvalidConfiguration, VaultError
from lightkeeper.storage.keys import KeyRing

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "service.keys"


def test_a_new_key_file_is_for_its_owner_alone(path: Path) -> None:
    before = os.umask(0)
    try:
        KeyRing.open(path, create=True)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [p.name for p in path.parent.iterdir()] == ["service.keys"]


def test_opening_it_again_gives_the_same_keys(path: Path) -> None:
    made = KeyRing.open(path, create=True)
    again = KeyRing.open(path, create=True)
    assert made.audit_key() == again.audit_key()
    assert made.derive("cookies") == again.derive("cookies")
    assert made.current() == again.current()
    public = made.signing_key().public_key()
    public.verify(again.signing_key().sign(b"umbrella"), b"umbrella")


def test_each_purpose_has_a_key_of_its_own(path: Path, tmp_path: Path) -> None:
    ring, other = KeyRing.open(path, create=True), KeyRing.open(tmp_path / "other", create=True)
    keys = {ring.derive("a"), ring.derive("b"), ring.derive("audit head"), ring.audit_key()}
    keys |= {ring.signing_key().private_bytes_raw(), ring.current().key, other.derive("a")}
    assert len(keys) == 7
    assert {len(key) for key in keys} == {32}


def test_a_missing_key_file_is_never_replaced_unasked(path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="no key file"):
        KeyRing.open(path)
    assert not path.exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620])
def test_a_key_file_that_others_may_read_or_write_is_refused(path: Path, mode: int) -> None:
    KeyRing.open(path, create=True)
    path.chmod(mode)
    with pytest.raises(InvalidConfiguration, match="open to others") as refused:
        KeyRing.open(path)
    assert refused.value.hint is not None
    assert "chmod 600" in refused.value.hint


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-20],
        lambda text: text.replace("keys/1", "keys/2"),
        lambda text: text.replace('"seed"', '"sead"'),
        lambda text: text.replace('"seed": "', '"seed": "AA'),
        lambda text: text.replace("+00:00", ""),
        lambda text: "[]",
        lambda text: "null",
        lambda text: "[" * 100_000,
        lambda text: "",
    ],
)
def test_a_damaged_key_file_is_refused_without_repeating_it(path: Path, change: object) -> None:
    KeyRing.open(path, create=True)
    path.write_text(change(path.read_text()))  # type: ignore[operator]
    with pytest.raises(InvalidConfiguration, match="damaged") as refused:
        KeyRing.open(path)
    assert refused.value.__cause__ is None


def test_keys_are_not_in_what_a_log_might_print(path: Path) -> None:
    ring = KeyRing.open(path, create=True)
    master = ring.current()
    assert repr(master.key) not in repr(master)
    assert master.key.hex() not in repr(vars(ring)) + repr(ring)


def test_many_that_create_it_at_once_share_one(path: Path) -> None:
    found: list[bytes] = []
    start = threading.Barrier(8)

    def _open() -> None:
        start.wait(10)
        found.append(KeyRing.open(path, create=True).audit_key())

    threads = [threading.Thread(target=_open) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_running_service_learns_of_a_rotation(path: Path) -> None:
    running, command = KeyRing.open(path, create=True), KeyRing.open(path)
    before = running.current()
    added = command.rotate(now=NOW)
    assert running.current() == command.current() == added
    assert running.master(before.id) == before
    assert path.stat().st_mode & 0o777 == 0o600


def test_rotations_at_once_lose_no_key(path: Path) -> None:
    KeyRing.open(path, create=True)
    rings = [KeyRing(path) for _ in range(6)]
    threads = [threading.Thread(target=ring.rotate, kwargs={"now": NOW}) for ring in rings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(KeyRing(path).masters()) == 7
    assert {ring.current() for ring in rings} == {rings[0].current()}


def test_a_key_is_retired_only_when_nothing_uses_it_and_its_hour_has_passed(path: Path) -> None:
    ring = KeyRing.open(path, create=True)
    first = ring.current()
    second = ring.rotate(now=NOW)
    later = NOW + timedelta(hours=1)
    assert ring.retire((), now=NOW + timedelta(minutes=59)) == ()
    assert ring.retire((first.id,), now=later) == ()
    assert ring.retire((), now=later) == (first,)
    assert ring.retire((), now=later) == ()
    assert ring.masters() == (second,)
    with pytest.raises(VaultError, match="lacks the master key"):
        ring.master(first.id)


def test_a_ring_works_on_while_its_file_is_away(path: Path) -> None:
    ring = KeyRing.open(path, create=True)
    current = ring.current()
    path.rename(path.with_name("moved"))
    assert ring.current() == current


def test_a_link_to_the_key_file_stays_a_link(path: Path, tmp_path: Path) -> None:
    KeyRing.open(path, create=True)
    link = tmp_path / "link"
    link.symlink_to(path)
    added = KeyRing(link).rotate(now=NOW)
    assert link.is_symlink()
    assert KeyRing(path).current() == added


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return KeyRing.open(tmp_path_factory.mktemp("ring") / "keys", create=True)


@given(content=st.binary(max_size=60), context=st.binary(max_size=20))
def test_a_small_secret_comes_back(ring: KeyRing, content: bytes, context: bytes) -> None:
    sealed = ring.encrypt_small(content, context=context)
    assert ring.decrypt_small(sealed, context=context) == content
    assert sealed != ring.encrypt_small(content, context=context)


@given(st.binary(min_size=1, max_size=30), st.data())
def test_a_small_secret_that_was_touched_does_not_open(
    ring: KeyRing, content: bytes, data: st.DataObject
) -> None:
    sealed = ring.encrypt_small(content, context=b"one")
    place = data.draw(st.integers(0, len(sealed) - 1))
    flipped = sealed[place] ^ data.draw(st.integers(1, 255))
    for wrong in (sealed[:place], sealed[:place] + bytes([flipped]) + sealed[place + 1 :]):
        with pytest.raises(VaultError):
            ring.decrypt_small(wrong, context=b"one")
    with pytest.raises(VaultError):
        ring.decrypt_small(sealed, context=b"other")
