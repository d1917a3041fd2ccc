"""Lists of ThreatExchange tools: updates, pages, bank contents, dataset dumps."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.matching import EntryState
from lightkeeper.matching.formats import ListFormat, Row, read_rows

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PDQ, MD5 = "0f" * 32, "a1" * 16


def _read(text: str) -> list[Row]:
    stream = io.BufferedReader(io.BytesIO(text.encode()))
    return list(read_rows(stream, ListFormat.THREATEXCHANGE, source="TX", now=NOW))


def _update(**fields: Any) -> dict[str, Any]:
    return {"id": "17", "indicator": PDQ, "type": "HASH_PDQ", "should_delete": False} | fields


@pytest.mark.parametrize(
    "shape",
    [
        lambda items: "\n".join(map(json.dumps, items)),
        json.dumps,
        lambda items: json.dumps(items, indent=2),
        lambda items: json.dumps({"data": items, "paging": {"cursors": {"after": "x"}}}),
        lambda items: "\n".join(json.dumps({"data": [item]}) for item in items),
    ],
)
def test_updates_are_read_line_by_line_in_arrays_and_in_pages(shape: Any) -> None:
    items = [_update(), _update(id="18", indicator=MD5, type="HASH_MD5", should_delete=True)]
    first, second = _read(shape(items))
    assert first.entry is not None
    assert second.entry is not None
    assert (first.entry.kind, first.entry.value, first.entry.state) == ("pdq", PDQ, "active")
    assert first.entry.mentions[0].source_id == "17"
    assert second.entry.kind == "md5"
    assert second.entry.state is EntryState.WITHDRAWN


def test_a_banks_content_is_an_entry_for_each_signal() -> None:
    content = {
        "id": 5,
        "signals": {"pdq": PDQ.upper(), "video_md5": MD5, "raw_text": "umbrella"},
        "metadata": {"content_id": "lamp-5"},
    }
    (row,) = _read(json.dumps(content))
    assert row.reason == "unsupported-kind"
    del content["signals"]["raw_text"]  # type: ignore[attr-defined]
    rows = _read(json.dumps([content]))
    assert [(r.entry.kind, r.entry.value) for r in rows if r.entry] == [("pdq", PDQ), ("md5", MD5)]
    assert {r.entry.mentions[0].source_id for r in rows if r.entry} == {"lamp-5"}


def test_a_signal_with_its_type_is_an_entry() -> None:
    (row,) = _read(json.dumps({"signal_type": "pdq", "signal_str": PDQ}))
    assert row.entry is not None
    assert row.entry.value == PDQ


def test_a_dataset_dump_is_read_with_its_categories() -> None:
    rows = _read(
        "signal_type,signal_str,collab,category,tags\n"
        f"pdq,{PDQ},Lamps,POSITIVE_CLASS,a b\n"
        f"video_md5,{MD5},Lamps,INVESTIGATION_SEED,\n"
        f"pdq,{PDQ},Lamps,NEGATIVE_CLASS,\n"
    )
    assert [row.entry.state for row in rows if row.entry] == [EntryState.ACTIVE, EntryState.SEED]
    assert rows[2].reason == "unmapped-value"


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (_update(status="NON_MALICIOUS"), "not-positive"),
        (_update(type="URI"), "unsupported-kind"),
        (_update(type=None), "missing-kind"),
        (_update(indicator="lamp"), "bad-value"),
        (_update(indicator=None), "missing-value"),
        (7, "not-an-object"),
        ("text", "not-an-object"),
        ([], "not-an-object"),
    ],
)
def test_what_is_not_a_positive_hash_is_rejected(item: Any, reason: str) -> None:
    rows = _read(json.dumps([item, _update()]))
    assert [row.reason for row in rows] == [reason, None]


def test_suspicious_material_is_a_lead() -> None:
    (row,) = _read(json.dumps(_update(status="SUSPICIOUS")))
    assert row.entry is not None
    assert row.entry.state is EntryState.SEED


def test_damage_costs_its_own_line_only_and_a_cut_file_is_told() -> None:
    good = json.dumps(_update())
    rows = _read(f"{good}\n{{broken\n{good}")
    assert [row.reason for row in rows] == [None, "not-json", None]
    rows = _read(f"[{good}, {good[:20]}")
    assert [row.reason for row in rows] == [None, "truncated"]
    rows = _read(f"[{good},")
    assert [row.reason for row in rows] == [None, "truncated"]


def test_many_objects_in_one_line_are_streamed() -> None:
    text = json.dumps([_update(id=str(i), note="é" * 50) for i in range(9_000)])
    rows = _read(text)
    assert sum(row.entry is not None for row in rows) == 9_000


@given(st.text(st.sampled_from('[]{}":, \n"data"e1x'), max_size=60))
def test_any_text_ends(text: str) -> None:
    for row in _read("{" + text):
        assert (row.entry is None) == (row.reason is not None)
