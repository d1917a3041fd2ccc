"""A damaged file is an error that names it: never a crash, never a silent loss."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lightkeeper.errors import MatchError
from lightkeeper.matching import Change
from lightkeeper.matching.index import IndexReader, IndexWriter, verify
from lightkeeper.matching.index import _table as table_module
from lightkeeper.matching.index._manifest import read_manifest

KINDS = ("pdq", "md5", "photodna")


def _change(number: int, *, matches: bool = True) -> Change:
    kind = KINDS[number % 3]
    seed = np.random.default_rng(number).bytes(32).hex()
    return Change(number, number, 1, kind, seed[: 32 if kind == "md5" else 64], matches)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Segment, marks and log, with buckets."""
    monkeypatch.setattr(table_module, "chunk_count", lambda rows: 16)
    folder = tmp_path / "index"
    with IndexWriter(folder) as writer:
        writer.apply([_change(n) for n in range(1, 301)])
        writer.merge()
        gone = [_change(n) for n in range(1, 31)]
        writer.apply(
            [Change(300 + c.revision, c.entry_number, 1, c.kind, c.value, False) for c in gone]
        )
        writer.merge()
        writer.apply([_change(n) for n in range(400, 440)])
        writer.apply([_change(n) for n in range(440, 450)])
    verify(folder)
    return folder


def _files(folder: Path) -> dict[str, Path]:
    """One of each sort."""
    files = {path.suffix: path for path in folder.iterdir() if path.name != "lock"}
    assert set(files) == {".segment", ".marks", ".log", ".json"}
    return files


def _look(folder: Path) -> None:
    reader = IndexReader(folder)
    reader.search(np.random.default_rng(1).integers(0, 2**64, (20, 4), dtype=np.uint64))
    reader.find("md5", [_change(n).value for n in range(1, 60, 3)])
    reader.find("photodna", ["x"])


@pytest.mark.parametrize("suffix", [".segment", ".marks", ".log", ".json"])
def test_a_missing_file_is_an_error(index: Path, suffix: str) -> None:
    _files(index)[suffix].unlink()
    for use in (verify, IndexReader):
        with pytest.raises(MatchError):
            use(index)
    if suffix == ".log":
        with pytest.raises(MatchError, match="missing"):
            IndexWriter(index)


@pytest.mark.parametrize("suffix", [".segment", ".marks", ".json"])
@pytest.mark.parametrize("size", [0, 3, 100, 16_384, 20_000])
def test_a_file_that_was_cut_off_is_an_error(index: Path, suffix: str, size: int) -> None:
    path = _files(index)[suffix]
    content = path.read_bytes()
    path.write_bytes(content[: min(size, len(content) - 2)])
    with pytest.raises(MatchError, match="damaged"):
        IndexReader(index)


def test_a_log_that_was_cut_off_loses_its_last_record_only(index: Path) -> None:
    """That is what a kill leaves: the record was not acknowledged."""
    path = _files(index)[".log"]
    path.write_bytes(path.read_bytes()[:-1])
    assert verify(index).revision == 439
    with IndexWriter(index) as writer:
        assert writer.last_revision == 439
        writer.apply([_change(440)])
    assert verify(index).revision == 440


def test_zeros_behind_a_log_are_no_record(index: Path) -> None:
    """After a power cut a file may have its length but not yet its content."""
    path = _files(index)[".log"]
    path.write_bytes(path.read_bytes() + bytes(5000))
    assert verify(index).revision == 449
    with IndexWriter(index) as writer:
        writer.apply([_change(450)])
    assert verify(index).revision == 450


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_any_changed_byte_is_found_by_verify_and_crashes_nothing(
    index: Path, data: st.DataObject
) -> None:
    copy = index.with_name("copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(index, copy)
    path = _files(copy)[data.draw(st.sampled_from([".segment", ".marks", ".log", ".json"]))]
    content = bytearray(path.read_bytes())
    is_in_header = data.draw(st.booleans())
    end = min(200, len(content)) if is_in_header else len(content)
    position = data.draw(st.integers(0, end - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    if not _is_padding(path, position):
        with pytest.raises(MatchError):
            verify(copy)
    try:
        _look(copy)
    except MatchError:
        return


def _is_padding(path: Path, position: int) -> bool:
    """Between header and arrays, and between arrays, bytes mean nothing."""
    if path.suffix not in (".segment", ".marks"):
        return False
    content = path.read_bytes()
    length = int.from_bytes(content[16:20], "little")
    if position < 52 + length or position < 52:
        return False
    sections = json.loads(content[52 : 52 + length])["sections"]
    size = {"|u1": 1, "<u2": 2, "<u4": 4, "<u8": 8}
    return not any(
        s["position"] <= position < s["position"] + s["length"] * size[s["dtype"]] for s in sections
    )


@pytest.mark.parametrize("section", ["pdq.offsets", "pdq.bucket_rows", "md5.order"])
def test_numbers_out_of_range_in_a_segment_end_a_search(index: Path, section: str) -> None:
    """Headers are checked when a segment is opened, arrays only by ``verify``."""
    path = _files(index)[".segment"]
    content = bytearray(path.read_bytes())
    length = int.from_bytes(content[16:20], "little")
    found = json.loads(content[52 : 52 + length])["sections"]
    (chosen,) = (s for s in found if s["name"] == section)
    start = chosen["position"]
    content[start : start + 4 * chosen["length"]] = b"\xfe\xff\xff\xff" * chosen["length"]
    path.write_bytes(content)
    with pytest.raises(MatchError, match="damaged"):
        _look(index)


@pytest.mark.parametrize("suffix", [".segment", ".json"])
def test_a_file_of_another_version_says_so(index: Path, suffix: str) -> None:
    path = _files(index)[suffix]
    if suffix == ".segment":
        content = bytearray(path.read_bytes())
        content[8] = 9
        path.write_bytes(content)
    else:
        from blake3 import blake3

        body = path.read_bytes().rsplit(b"\n", 2)[0].replace(b'"version": 1', b'"version": 9')
        path.write_bytes(body + b"\n" + blake3(body).hexdigest().encode() + b"\n")
    with pytest.raises(MatchError, match="version"):
        IndexReader(index)


def test_no_index_is_an_error_that_says_how_to_make_one(tmp_path: Path) -> None:
    for use in (verify, IndexReader):
        with pytest.raises(MatchError, match="no index") as caught:
            use(tmp_path / "none")
        assert caught.value.hint == "build one: lightkeeper index build"


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("umbrella")
    with pytest.raises(MatchError, match="cannot be written"):
        IndexWriter(tmp_path / "file" / "index")


def test_files_that_a_merge_left_behind_go_when_the_next_writer_comes(index: Path) -> None:
    left = [index / "00000099.segment", index / "00000098.marks", index / "manifest.json.new"]
    for path in left:
        path.write_bytes(b"half")
    (index / "notes.txt").write_text("of the operator")
    IndexWriter(index).close()
    assert not any(path.exists() for path in left)
    assert (index / "notes.txt").exists()
    assert read_manifest(index).files() <= {path.name for path in index.iterdir()}
