from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lightkeeper.service.lookups import LookupConfig
from lightkeeper.testing import MemoryStore

from .conftest import FAR, KNOWN, Client, serving

PATH = "/v1/lookup/stream"


def line(value: str, **fields: object) -> bytes:
    return json.dumps({"kind": "pdq", "value": value, **fields}).encode() + b"\n"


def results(client: Client, body: object, path: str = PATH) -> list[dict[str, Any]]:
    answer = client.post(path, content=body)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert "content-length" not in answer.headers
    return [json.loads(row) for row in answer.text.splitlines()]


async def in_pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def test_each_line_gets_a_result_in_order_wherever_the_body_is_cut(client: Client) -> None:
    body = b"".join(line(KNOWN if i % 3 == 0 else FAR, id=str(i)) for i in range(700))
    for size in (1 << 20, 997):
        rows = results(client, in_pieces(body, size))
        assert [row["id"] for row in rows] == [str(i) for i in range(700)]
        assert [row["line"] for row in rows] == list(range(1, 701))
        assert [bool(row["matches"]) for row in rows] == [i % 3 == 0 for i in range(700)]


@pytest.mark.parametrize(
    "bad",
    [b"{", b"[]", b"nonsense", b'"text"', b"[" * 9000, b'{"kind":"pdq"}', b"\xff\xfe", b"NaN"],
)
def test_a_malformed_line_gets_an_error_and_the_next_one_its_result(
    client: Client, bad: bytes
) -> None:
    first, second = results(client, bad + b"\n" + line(KNOWN))
    assert first["line"] == 1
    assert first["error"]["code"] == "invalid-line"
    assert first["matches"] == []
    assert second["error"] is None
    assert second["matches"]


def test_a_value_that_is_no_hash_is_an_error_of_its_line(client: Client) -> None:
    (row,) = results(client, line("xyz"))
    assert row["error"]["code"] == "bad-value"


def test_empty_lines_count_and_the_last_line_needs_no_end(client: Client) -> None:
    rows = results(client, b"\n\r\n" + line(KNOWN).rstrip())
    assert [row["line"] for row in rows] == [3]
    assert rows[0]["matches"]


def test_a_stream_keeps_to_the_sets_that_are_named(client: Client) -> None:
    assert not results(client, line(KNOWN), f"{PATH}?sets=files")[0]["matches"]
    answer = client.post(f"{PATH}?sets=tunnels", content=line(KNOWN))
    assert answer.status_code == 422


def test_a_line_without_end_is_given_up_and_what_came_before_is_answered(client: Client) -> None:
    endless = line(KNOWN) + b"x" * 100_000
    first, last = results(client, in_pieces(endless, 4096))
    assert first["matches"]
    assert last["error"]["code"] == "line-too-long"


def test_a_long_line_with_an_end_costs_only_itself(client: Client) -> None:
    first, second = results(client, b"x" * 20_000 + b"\n" + line(KNOWN))
    assert first["error"]["code"] == "line-too-long"
    assert second["matches"]


def test_a_stream_over_the_limit_ends_with_the_reason(store: MemoryStore) -> None:
    with serving(store, LookupConfig(workers=1, max_stream_bytes=500)) as client:
        rows = results(client, in_pieces(line(KNOWN) * 20, 100))
    assert rows[0]["matches"]
    assert rows[-1]["error"]["code"] == "too-large"


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=st.binary(max_size=400), size=st.integers(1, 50))
def test_whatever_comes_every_line_that_holds_something_gets_one_row(
    client: Client, body: bytes, size: int
) -> None:
    rows = results(client, in_pieces(body, size))
    expected = [n for n, text in enumerate(body.split(b"\n"), 1) if text.strip()]
    assert [row["line"] for row in rows] == expected
