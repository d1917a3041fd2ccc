"""What is put in comes back, or it is told that it cannot."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.errors import InvalidConfiguration, VaultError
from lightkeeper.storage.keys import KeyRing
from lightkeeper.storage.vault import SealedVault, open_vault


def test_what_is_put_in_comes_back(vault: SealedVault) -> None:
    contents = [b"", b"umbrella", bytes(range(256)) * 4096, b"umbrella"]
    keys = [vault.put(content) for content in contents]
    assert [vault.get(key) for key in keys] == contents
    assert len(set(keys)) == len(keys)
    assert [c.problem for c in vault.check()] == [None] * 4


def test_what_was_destroyed_is_gone_and_destroying_it_again_is_nothing(vault: SealedVault) -> None:
    key, other = vault.put(b"umbrella"), vault.put(b"bicycle")
    vault.destroy(key)
    vault.destroy(key)
    with pytest.raises(VaultError, match="does not hold"):
        vault.get(key)
    assert vault.get(other) == b"bicycle"
    assert [c.key for c in vault.check()] == [other]
    assert vault.unfinished() == 0


def test_more_objects_than_one_page_are_all_seen(vault: SealedVault) -> None:
    keys = {vault.put(bytes([number])) for number in range(20)}
    assert {c.key for c in vault.check()} == keys
    assert vault.in_use().total() == 20


@pytest.mark.parametrize("key", ["", "../service.keys", "A" * 32, "0" * 31, "0" * 32 + "\n", "é"])
def test_a_key_that_is_none_reaches_no_file(folder: Path, ring: KeyRing, key: str) -> None:
    vault = open_vault(folder, ring)
    with pytest.raises(VaultError, match="no key"):
        vault.get(key)
    with pytest.raises(VaultError, match="no key"):
        vault.destroy(key)


def test_a_vault_that_is_not_there_yet_is_empty(folder: Path, ring: KeyRing) -> None:
    vault = open_vault(folder, ring)
    assert list(vault.check()) == list(vault.rewrap()) == []
    assert vault.unfinished() == 0
    with pytest.raises(VaultError, match="does not hold"):
        vault.get("0" * 32)


def test_another_key_file_opens_nothing(folder: Path, ring: KeyRing, tmp_path: Path) -> None:
    key = open_vault(folder, ring).put(b"umbrella")
    other = KeyRing.open(tmp_path / "other.keys", create=True)
    with pytest.raises(VaultError, match="lacks the master key"):
        open_vault(folder, other).get(key)


def test_plain_bytes_and_their_digest_are_nowhere_on_the_disk(
    folder: Path, ring: KeyRing, tmp_path: Path
) -> None:
    content = b"a red umbrella on a yellow bicycle " * 100
    vault = open_vault(folder, ring)
    keys = [vault.put(content), vault.put(content)]
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert len(files) == 5
    stored = [p.read_bytes() for p in files]
    assert not any(piece in text for text in stored for piece in (b"umbrella", b"bicycle"))
    # Equal contents do not look alike.
    one, other = (next(folder.glob(f"content/*/{key}")).read_bytes() for key in keys)
    assert not set(zip(*[iter(one)] * 16, strict=False)) & set(
        zip(*[iter(other)] * 16, strict=False)
    )


def test_files_and_folders_are_for_their_owner_alone(folder: Path, ring: KeyRing) -> None:
    open_vault(folder, ring).put(b"umbrella")
    modes = {(p.is_dir(), p.stat().st_mode & 0o777) for p in [folder, *folder.rglob("*")]}
    assert modes == {(True, 0o700), (False, 0o600)}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SealedVault]:
    folder = tmp_path_factory.mktemp("vault")
    ring = KeyRing.open(folder / "service.keys", create=True)
    return folder / "vault", open_vault(folder / "vault", ring)


@given(content=st.binary(max_size=300))
def test_any_content_comes_back(shared: tuple[Path, SealedVault], content: bytes) -> None:
    _, vault = shared
    key = vault.put(content)
    assert vault.get(key) == content
    vault.destroy(key)


@given(st.binary(min_size=1, max_size=50), st.sampled_from(["content", "keys"]), st.data())
def test_any_changed_byte_and_any_cut_is_found(
    shared: tuple[Path, SealedVault], content: bytes, part: str, data: st.DataObject
) -> None:
    folder, vault = shared
    key = vault.put(content)
    path = folder / part / key[:2] / key
    stored = path.read_bytes()
    place = data.draw(st.integers(0, len(stored) - 1))
    flipped = stored[place] ^ data.draw(st.integers(1, 255))
    changes = [stored[:place] + bytes([flipped]) + stored[place + 1 :], stored[:place]]
    for changed in [*changes, stored + b"\0", stored[1:]]:
        path.write_bytes(changed)
        with pytest.raises(VaultError):
            vault.get(key)
        assert [c.key for c in vault.check() if c.problem] == [key]
    vault.destroy(key)


@pytest.mark.parametrize("parts", [("content",), ("keys",), ("content", "keys")])
def test_objects_that_were_exchanged_do_not_open(
    folder: Path, ring: KeyRing, parts: tuple[str, ...]
) -> None:
    vault = open_vault(folder, ring)
    one, other = vault.put(b"umbrella"), vault.put(b"bicycle")
    for part in parts:
        first, second = folder / part / one[:2] / one, folder / part / other[:2] / other
        kept = first.read_bytes()
        first.write_bytes(second.read_bytes())
        second.write_bytes(kept)
    for key in (one, other):
        with pytest.raises(VaultError, match="altered"):
            vault.get(key)


def test_threads_share_a_vault(vault: SealedVault) -> None:
    kept: dict[str, bytes] = {}

    def _work(number: int) -> None:
        for step in range(5):
            content = f"{number} {step}".encode()
            key = vault.put(content)
            if step % 2:
                vault.destroy(key)
            else:
                kept[key] = content

    threads = [threading.Thread(target=_work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert {key: vault.get(key) for key in kept} == kept
    assert {c.key for c in vault.check()} == set(kept)


def test_a_disk_that_refuses_leaves_nothing_behind(
    folder: Path, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = open_vault(folder, ring)
    key = vault.put(b"umbrella")

    def _full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", _full)
    with pytest.raises(VaultError, match="No space left"):
        vault.put(b"bicycle")
    monkeypatch.undo()
    files = [p.name for p in folder.rglob("*") if p.is_file()]
    assert files == [key, key]


def test_every_name_is_durable_before_put_returns(
    folder: Path, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    synced: list[str] = []
    real = os.fsync

    def _noted(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        real(descriptor)

    monkeypatch.setattr("os.fsync", _noted)
    key = open_vault(folder, ring).put(b"umbrella")
    for part in ("content", "keys"):
        place = folder / part / key[:2]
        assert {str(place), str(place.parent), str(folder)} <= set(synced)
        assert sum(Path(name).parent == place for name in synced) == 1


def test_a_bucket_that_refuses_is_told_without_its_secrets(bucket: object, ring: KeyRing) -> None:
    vault = open_vault("s3://keepers/media", ring)
    key = vault.put(b"umbrella")
    bucket.refuse = True  # type: ignore[attr-defined]
    for act in (lambda: vault.get(key), lambda: vault.put(b"x"), lambda: vault.destroy(key)):
        with pytest.raises(VaultError, match="cannot be used") as refused:
            act()
        assert "umbrella" not in str(refused.value)
        assert "127.0.0.1" not in str(refused.value)
    with pytest.raises(VaultError, match="cannot be used"):
        list(vault.check())


def test_a_bucket_holds_no_plain_bytes(bucket: object, ring: KeyRing) -> None:
    key = open_vault("s3://keepers/media", ring).put(b"a red umbrella" * 9)
    objects = bucket.objects  # type: ignore[attr-defined]
    assert sorted(objects) == [f"media/{part}/{key[:2]}/{key}" for part in ("content", "keys")]
    assert not any(b"umbrella" in content for content in objects.values())


def test_other_addresses_are_refused(ring: KeyRing) -> None:
    with pytest.raises(InvalidConfiguration):
        open_vault("https://keepers.example/media", ring)
