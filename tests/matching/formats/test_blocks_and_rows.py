"""A list read by the block tells the same as one that is read row by row."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightkeeper.matching.formats import _csv, _jsonl, _lines
from lightkeeper.matching.formats._row import Block, Row

NOW = datetime(2026, 3, 1, tzinfo=UTC)
VALUES = st.sampled_from(
    ["ab" * 16, "AB" * 16, "0" * 32, "c" * 64, "", "g" * 32, "a" * 31, "12,34,255"]
) | st.text(max_size=5)
KINDS = st.sampled_from(["md5", "pdq", "MD5", "photodna", "", "sha1"]) | st.text(max_size=3)
ANY = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.lists(st.none(), max_size=1)
)
LABELS = ANY | st.dictionaries(
    st.sampled_from(["industry_class", "age_group", "computer_generated", "other"]),
    ANY | st.sampled_from(["A1", "B2"]),
    max_size=2,
)
OBJECTS = st.fixed_dictionaries(
    {"kind": KINDS, "value": VALUES},
    optional={
        "quality": st.integers(0, 100) | ANY,
        "source_id": st.text(max_size=4) | ANY,
        "variant": ANY,
        "labels": LABELS,
        "state": ANY,
        "unknown": ANY,
    },
)
LINES = st.lists(OBJECTS.map(json.dumps) | st.text(max_size=8), max_size=3)
CELLS = st.sampled_from(
    ["md5", "pdq", "ab" * 16, "C" * 64, " ", "A1", "50", "true", "x9", "", "101", "1"]
) | st.text(alphabet='ab,"\r\n\0 é\x1f0', max_size=4)
ORDINARY = st.builds(
    "md5,{},{},{},{}".format,
    st.sampled_from(["ab" * 16, "AB" * 16, "zz"]),
    CELLS,
    st.sampled_from(["A1", "", "C"]),
    CELLS,
)
ROWS = st.lists(st.lists(CELLS, min_size=4, max_size=6).map(",".join) | ORDINARY, max_size=6)


def flat(parts: Iterable[Row | Block]) -> Iterator[Row]:
    for part in parts:
        yield from part.rows() if isinstance(part, Block) else [part]


def read(module: Any, read_list: Callable[..., Any], data: bytes, *, by_block: bool) -> list[Row]:
    with pytest.MonkeyPatch.context() as patch:
        if not by_block:
            patch.setattr(module, "_block", lambda *_, **__: None)
        return list(flat(read_list(io.BytesIO(data), source="ORG", now=NOW)))


@settings(deadline=None, max_examples=300)
@given(LINES, st.sampled_from(["\n", "\r\n"]))
def test_json_lines_tell_the_same_by_block_and_row_by_row(lines: list[str], end: str) -> None:
    data = end.join(lines).encode("utf-8", "surrogatepass")
    by_block = read(_jsonl, _jsonl.read_jsonl, data, by_block=True)
    assert by_block == read(_jsonl, _jsonl.read_jsonl, data, by_block=False)


@pytest.mark.parametrize("piece_lines", [1, 2, 4])
@settings(deadline=None, max_examples=150)
@given(lines=ROWS)
def test_csv_tells_the_same_by_block_and_row_by_row(lines: list[str], piece_lines: int) -> None:
    header = "kind,value,quality,industry_class,source_id"
    data = "\n".join([header, *lines]).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_lines, "PIECE_LINES", piece_lines)
        by_block = read(_csv, _csv.read_csv, data, by_block=True)
        assert by_block == read(_csv, _csv.read_csv, data, by_block=False)
