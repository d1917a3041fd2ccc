from __future__ import annotations

from pathlib import Path

import pytest

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.service.lookups import make_key, read_keys


def test_a_key_is_found_and_the_file_does_not_hold_it(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    first, second = make_key(path, "queue-1"), make_key(path, "queue-2")
    keys = read_keys(path)
    found = [keys.find(first), keys.find(second)]
    assert [key and key.name for key in found] == ["queue-1", "queue-2"]
    text = path.read_text()
    assert first not in text
    assert first.removeprefix("lk_") not in text
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("wrong", ["", "lk_", "lk_" + "A" * 43, "x" * 10_000, "lk_\udcff", "é"])
def test_anything_else_is_no_key(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "keys.toml"
    key = make_key(path, "queue")
    keys = read_keys(path)
    assert keys.find(wrong) is None
    assert keys.find(key + " ") is None
    assert keys.find(key.upper()) is None


def test_two_keys_are_never_alike_and_equal_keys_never_look_alike(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    made = {make_key(path, f"key-{i}") for i in range(20)}
    assert len(made) == 20
    assert len({key.salt for key in read_keys(path).known}) == 20


@pytest.mark.parametrize("name", ["", "a b", 'a"b', "a\nb", "x" * 65, "-"])
def test_a_name_that_cannot_stand_in_the_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidConfiguration, match="no name for a key"):
        make_key(tmp_path / "keys.toml", name)
    assert not (tmp_path / "keys.toml").exists()


def test_a_name_is_used_once(tmp_path: Path) -> None:
    make_key(tmp_path / "keys.toml", "queue")
    with pytest.raises(InvalidConfiguration, match="already"):
        make_key(tmp_path / "keys.toml", "queue")


SALT, DIGEST = "00" * 16, "00" * 32
ROW = f'[[keys]]\nname = "a"\nsalt = "{SALT}"\ndigest = "{DIGEST}"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no key"),
        ("keys = 3", "only"),
        ("other = 1", "only"),
        ("[[keys]]\n", "wrong"),
        ("not toml", "keys.toml"),
        (ROW.replace(SALT, "00", 1), "wrong length"),
        (ROW.replace(DIGEST, "zz"), "wrong"),
        (ROW + "requests_per_second = 0\n", "above 0"),
        (ROW + "requests_per_second = nan\n", "above 0"),
        (ROW + "admin = true\n", "unknown field 'admin'"),
        (ROW + ROW, "twice"),
    ],
)
def test_a_wrong_file_is_refused_with_what_is_wrong(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(text)
    with pytest.raises(InvalidConfiguration, match=message):
        read_keys(path)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match=r"none\.toml"):
        read_keys(tmp_path / "none.toml")
