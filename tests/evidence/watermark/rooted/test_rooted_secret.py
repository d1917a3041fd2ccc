from __future__ import annotations

import numpy as np
import pytest

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.watermark.rooted import MarkKey, MarkSecret


@pytest.fixture
def secret() -> MarkSecret:
    return MarkSecret(name="studio", extractor=b"WEIGHTS" * 10, keys=(MarkKey.draw("a"),))


def test_it_comes_back_and_is_for_its_owner_alone(tmp_path, secret):
    path = tmp_path / "s.lkmark"
    secret.write(path, b"pass")
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"WEIGHTS" not in path.read_bytes()
    held = MarkSecret.open(path, b"pass")
    assert held.extractor == secret.extractor
    assert held.keys[0].bits == secret.keys[0].bits
    assert [p.name for p in tmp_path.iterdir()] == ["s.lkmark"]


def test_a_wrong_passphrase_and_a_flipped_bit_look_alike(tmp_path, secret):
    path = tmp_path / "s.lkmark"
    secret.write(path, b"pass")
    with pytest.raises(InvalidConfiguration, match="does not open"):
        MarkSecret.open(path, b"other")
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(InvalidConfiguration, match="does not open"):
        MarkSecret.open(path, b"pass")


@pytest.mark.parametrize("content", [b"", b"LKMARK1\n", b"LKMARK1\nshort", b"PK\x03\x04zip"])
def test_what_is_no_secret_file_is_refused(tmp_path, content):
    path = tmp_path / "s"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(InvalidConfiguration):
        MarkSecret.open(path, b"pass")


def test_one_that_others_can_read_is_refused(tmp_path, secret):
    path = tmp_path / "s"
    secret.write(path, b"pass")
    path.chmod(0o640)
    with pytest.raises(InvalidConfiguration, match="open to others"):
        MarkSecret.open(path, b"pass")


def test_an_empty_passphrase_protects_nothing(tmp_path, secret):
    with pytest.raises(InvalidConfiguration, match="empty"):
        secret.write(tmp_path / "s", b"")


def test_keys_lie_apart_and_labels_are_unique():
    keys: tuple[MarkKey, ...] = ()
    for k in range(12):
        keys = (*keys, MarkKey.draw(f"copy {k}", keys))
    signs = np.stack([key.signs() for key in keys])
    distance = (48 - signs @ signs.T) / 2
    np.fill_diagonal(distance, 48)
    assert distance.min() >= 12
    with pytest.raises(InvalidConfiguration, match="taken"):
        MarkKey.draw("copy 3", keys)
    with pytest.raises(InvalidConfiguration):
        MarkKey.draw("")
