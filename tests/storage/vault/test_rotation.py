"""Master keys change under a running vault, whatever stops on the way."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lightkeeper.errors import VaultError
from lightkeeper.storage.keys import KeyRing
from lightkeeper.storage.vault import SealedVault, open_vault
from lightkeeper.storage.vault._objects import FolderObjects

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


class _Stop(BaseException):
    """The power goes."""


class _Watched:
    """Objects that call back before every change, and count it."""

    def __init__(self, objects: FolderObjects, before: Callable[[int], None]) -> None:
        self._objects = objects
        self._before = before
        self.changes = 0

    def _count(self) -> None:
        self.changes += 1
        self._before(self.changes)

    def put(self, name: str, content: bytes) -> None:
        self._count()
        self._objects.put(name, content)

    def delete(self, name: str) -> None:
        self._count()
        self._objects.delete(name)

    def get(self, name: str) -> bytes | None:
        return self._objects.get(name)

    def exists(self, name: str) -> bool:
        return self._objects.exists(name)

    def names(self, prefix: str) -> Iterator[str]:
        return self._objects.names(prefix)


def _stopping(folder: Path, ring: KeyRing, at: int) -> SealedVault:
    def _stop(change: int) -> None:
        if change == at:
            raise _Stop

    return SealedVault(_Watched(FolderObjects(folder), _stop), ring)


def test_rewrapping_leaves_contents_as_they_are_and_frees_the_old_key(vault: SealedVault) -> None:
    contents = {vault.put(text): text for text in (b"umbrella", b"bicycle", b"")}
    ring = vault._ring
    first, second = ring.current(), ring.rotate(now=NOW)
    assert vault.in_use() == {first.id: 3}
    assert {c.key for c in vault.rewrap()} == set(contents)
    assert vault.in_use() == {second.id: 3}
    assert list(vault.rewrap()) == []
    assert ring.retire(vault.in_use(), now=NOW + timedelta(hours=1)) == (first,)
    assert {key: vault.get(key) for key in contents} == contents


def test_only_the_envelopes_are_written(folder: Path, ring: KeyRing) -> None:
    vault = open_vault(folder, ring)
    key = vault.put(b"umbrella")
    content = folder / "content" / key[:2] / key
    before = content.read_bytes(), content.stat().st_mtime_ns, content.stat().st_ino
    ring.rotate(now=NOW)
    assert [c.key for c in vault.rewrap()] == [key]
    assert (content.read_bytes(), content.stat().st_mtime_ns, content.stat().st_ino) == before


def test_rewrapping_stops_anywhere_and_goes_on(folder: Path, ring: KeyRing) -> None:
    vault = open_vault(folder, ring)
    contents = {vault.put(bytes([n])): bytes([n]) for n in range(6)}
    second = ring.rotate(now=NOW)
    for at in (3, 2, 1):
        with pytest.raises(_Stop):
            list(_stopping(folder, ring, at).rewrap())
        assert {key: vault.get(key) for key in contents} == contents
    assert vault.in_use()[second.id] == 3
    assert len(list(vault.rewrap())) == 3
    assert vault.in_use() == {second.id: 6}


def test_putting_that_stops_anywhere_shows_no_half_object(folder: Path, ring: KeyRing) -> None:
    vault = open_vault(folder, ring)
    for at in (1, 2):
        with pytest.raises(_Stop):
            _stopping(folder, ring, at).put(b"umbrella")
        assert list(vault.check()) == []
    assert vault.unfinished() == 1


def test_destroying_that_stops_anywhere_leaves_nothing_to_read_and_ends_later(
    folder: Path, ring: KeyRing
) -> None:
    vault = open_vault(folder, ring)
    for at in (2, 3):
        key = vault.put(b"umbrella")
        with pytest.raises(_Stop):
            _stopping(folder, ring, at).destroy(key)
        with pytest.raises(VaultError, match="does not hold"):
            vault.get(key)
        vault.destroy(key)
    assert not [p for p in folder.rglob("*") if p.is_file()]


@pytest.mark.parametrize("at", [1, 2, 3])
def test_no_data_key_outlives_a_destruction_that_meets_a_rewrapping(
    folder: Path, ring: KeyRing, at: int
) -> None:
    plain = open_vault(folder, ring)
    key = plain.put(b"umbrella")
    ring.rotate(now=NOW)
    # The rewrapping has read the envelope, and writes it before the destruction's change `at`.
    rewrapping: list[Iterator[object]] = []
    paused = threading.Event()
    go_on = threading.Event()

    def _pause(change: int) -> None:
        if change == 1:
            paused.set()
            assert go_on.wait(10)

    def _rewrap() -> None:
        rewrapping.extend(SealedVault(_Watched(FolderObjects(folder), _pause), ring).rewrap())  # type: ignore[arg-type]

    thread = threading.Thread(target=_rewrap)
    thread.start()
    assert paused.wait(10)

    def _let_it_write(change: int) -> None:
        if change == at:
            go_on.set()
            thread.join(10)

    SealedVault(_Watched(FolderObjects(folder), _let_it_write), ring).destroy(key)
    assert not thread.is_alive()
    assert not [p for p in folder.rglob("*") if p.is_file()]


def test_a_rewrapping_that_comes_after_a_destruction_takes_its_envelope_away_again(
    folder: Path, ring: KeyRing
) -> None:
    plain = open_vault(folder, ring)
    key = plain.put(b"umbrella")
    ring.rotate(now=NOW)

    def _destroy(change: int) -> None:
        if change == 1:
            plain.destroy(key)

    assert list(SealedVault(_Watched(FolderObjects(folder), _destroy), ring).rewrap()) == []
    assert not [p for p in folder.rglob("*") if p.is_file()]


def test_a_damaged_envelope_is_told_and_the_others_are_wrapped(folder: Path, ring: KeyRing) -> None:
    vault = open_vault(folder, ring)
    keys = [vault.put(bytes([n])) for n in range(4)]
    (folder / "keys" / keys[1][:2] / keys[1]).write_bytes(b"LKVE")
    ring.rotate(now=NOW)
    done = {c.key: c.problem for c in vault.rewrap()}
    assert set(done) == set(keys)
    assert [key for key, problem in done.items() if problem] == [keys[1]]
    # What wraps the damaged one is unknown, so no key may be retired for it.
    with pytest.raises(VaultError):
        vault.in_use()


def test_a_reader_notices_nothing_of_rotations(folder: Path, ring: KeyRing) -> None:
    reader = open_vault(folder, KeyRing(ring._path))
    vault = open_vault(folder, ring)
    key = vault.put(b"umbrella")
    end = threading.Event()
    failures: list[BaseException] = []

    def _read() -> None:
        try:
            while not end.is_set():
                assert reader.get(key) == b"umbrella"
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=_read)
    thread.start()
    for _ in range(20):
        ring.rotate(now=NOW)
        list(vault.rewrap())
    end.set()
    thread.join(10)
    assert not failures


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_rotation_by_root_leaves_files_to_the_service(folder: Path, ring: KeyRing) -> None:
    vault = open_vault(folder, ring)
    key = vault.put(b"umbrella")
    files = [ring._path, folder / "keys" / key[:2] / key]
    for path in files:
        os.chown(path, 1234, 1234)
    ring.rotate(now=NOW)
    list(vault.rewrap())
    assert {(p.stat().st_uid, p.stat().st_gid, p.stat().st_mode & 0o777) for p in files} == {
        (1234, 1234, 0o600)
    }
