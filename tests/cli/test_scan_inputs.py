from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from lightkeeper.cli._inputs import Inputs

PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("b.png", "a.png", "sub/c.png", "sub/deeper/d", "notes.txt", "false.jpg"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PNG if name[-3:] == "png" or name.endswith("d") else b"lighthouses")
    return tmp_path


def test_a_folder_gives_its_images_in_sorted_order(folder: Path) -> None:
    inputs = Inputs(["in"])
    assert list(inputs) == [
        "in/a.png",
        "in/b.png",
        "in/false.jpg",
        "in/sub/c.png",
        "in/sub/deeper/d",
    ]
    assert inputs.passed_over == 1
    assert inputs.count() == 6


def test_a_named_file_is_always_taken_as_given(folder: Path) -> None:
    names = ["in/notes.txt", "./in/b.png", "absent.png"]
    assert list(Inputs(names)) == names
    assert Inputs(names).count() == 3


def test_a_pattern_is_expanded_and_one_without_a_match_stands_for_itself(folder: Path) -> None:
    assert list(Inputs(["in/**/*.png", "in/*.webp"])) == [
        "in/a.png",
        "in/b.png",
        "in/sub/c.png",
        "in/*.webp",
    ]


def test_a_name_that_looks_like_a_pattern_is_a_name_where_it_exists(folder: Path) -> None:
    (folder / "a[1].png").write_bytes(PNG)
    assert list(Inputs(["a[1].png"])) == ["a[1].png"]


def test_a_loop_of_links_ends(folder: Path) -> None:
    (folder / "in/sub/loop").symlink_to(folder / "in")
    (folder / "in/link.png").symlink_to(folder / "in/a.png")
    (folder / "in/dangling.png").symlink_to(folder / "absent")
    assert "in/link.png" in list(Inputs(["in"]))
    assert len(list(Inputs(["in"]))) == 6


def test_a_pipe_in_a_folder_is_not_opened(folder: Path) -> None:
    os.mkfifo(folder / "in/pipe.png")
    assert "in/pipe.png" not in list(Inputs(["in"]))


@pytest.mark.parametrize("separator", [b"\n", b"\r\n", b"\0"])
def test_names_on_standard_input_are_split_by_what_separates_them(separator: bytes) -> None:
    names = [f"folder/{n}.png".encode() for n in range(9_000)]
    inputs = Inputs(["-"], stdin=io.BytesIO(separator.join(names) + separator))
    assert inputs.count() is None
    assert list(inputs) == [name.decode() for name in names]


def test_a_name_with_a_line_break_or_foreign_bytes_survives() -> None:
    assert list(Inputs(["-"], stdin=io.BytesIO(b"a\nb.png\0caf\xe9.png\0"))) == [
        "a\nb.png",
        "caf\udce9.png",
    ]


def test_archives_in_a_folder_are_counted(folder: Path) -> None:
    with zipfile.ZipFile(folder / "in/more.zip", "w") as archive:
        archive.writestr("umbrella.png", PNG)
    inputs = Inputs(["in"])
    assert "in/more.zip" not in list(inputs)
    assert (inputs.passed_over, inputs.archives) == (2, 1)
