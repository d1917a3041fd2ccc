from __future__ import annotations

import pytest

from lightkeeper.matching import Entry, SetState
from lightkeeper.service.lookups import LookupConfig
from lightkeeper.testing import MemoryStore

from .conftest import FAR, KNOWN, LEAD, MD5, NEAR, NOW, Client, serving


def looked_up(client: Client, *hashes: dict[str, object], **options: object) -> list[dict]:
    answer = client.post("/v1/lookup", json={"hashes": list(hashes), **options})
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]


def pdq(value: str, **fields: object) -> dict[str, object]:
    return {"kind": "pdq", "value": value, **fields}


def test_a_near_hash_is_found_with_what_is_said_of_the_entry(client: Client) -> None:
    (result,) = looked_up(client, pdq(NEAR, id="mine", quality=80))
    assert result["id"] == "mine"
    assert result["error"] is None
    (match,) = result["matches"]
    assert match["set"] == "bridges"
    assert match["origin"] == "generated"
    assert match["distance_bits"] == (int(NEAR, 16) ^ int(KNOWN, 16)).bit_count()
    assert match["query_quality"] == 80
    assert match["labels"]["industry_class"] == "B2"
    assert match["mentions"][0]["source"] == "road-office"
    assert match["mentions"][0]["source_id"] == "case-7"


def test_an_answer_never_tells_the_value_of_an_entry(client: Client) -> None:
    answer = client.post("/v1/lookup", json={"hashes": [pdq(NEAR)]})
    assert answer.json()["results"][0]["matches"]
    assert KNOWN not in answer.text


def test_results_are_in_the_order_of_the_hashes_and_one_bad_hash_costs_only_itself(
    client: Client,
) -> None:
    results = looked_up(
        client, pdq(FAR), pdq("no hash"), {"kind": "md5", "value": MD5.upper()}, pdq(KNOWN)
    )
    assert [len(r["matches"]) for r in results] == [0, 0, 1, 1]
    assert [r["error"] and r["error"]["code"] for r in results] == [None, "bad-value", None, None]


def test_a_lead_is_no_match(client: Client) -> None:
    (result,) = looked_up(client, pdq(LEAD))
    assert not result["matches"]
    assert [lead["set"] for lead in result["leads"]] == ["unsure"]


def test_a_known_benign_hash_suppresses_and_is_shown(store: MemoryStore) -> None:
    store.upsert("harmless", [Entry(kind="pdq", value=KNOWN)], source="archive", now=NOW)
    with serving(store) as client:
        (result,) = looked_up(client, pdq(KNOWN))
    assert not result["matches"]
    assert [m["set"] for m in result["benign"]] == ["harmless"]
    assert [m["set"] for m in result["suppressed"]] == ["bridges"]


def test_only_the_sets_that_are_named_are_searched(client: Client) -> None:
    assert not looked_up(client, pdq(KNOWN), sets=["files"])[0]["matches"]
    assert looked_up(client, pdq(KNOWN), sets=["files", "bridges"])[0]["matches"]


def test_an_unknown_set_is_named_in_the_refusal(client: Client) -> None:
    answer = client.post("/v1/lookup", json={"hashes": [pdq(KNOWN)], "sets": ["tunnels"]})
    assert answer.status_code == 422
    assert "tunnels" in answer.json()["error"]["message"]


def test_a_change_of_the_sets_is_seen_by_the_next_look_up(store: MemoryStore) -> None:
    with serving(store) as client:
        before = client.post("/v1/lookup", json={"hashes": [pdq(FAR)]}).json()
        store.upsert("bridges", [Entry(kind="pdq", value=FAR)], source="road-office", now=NOW)
        after = client.post("/v1/lookup", json={"hashes": [pdq(FAR)]}).json()
    assert not before["results"][0]["matches"]
    assert after["results"][0]["matches"]
    assert after["revision"] > before["revision"]


def test_a_parked_set_gives_leads(store: MemoryStore) -> None:
    store.set_state("bridges", SetState.PARKED, reason="flood")
    with serving(store) as client:
        (found,) = looked_up(client, pdq(KNOWN))
        states = {s["name"]: s["state"] for s in client.get("/v1/sets").json()["sets"]}
    assert states["bridges"] == "parked"
    assert not found["matches"]
    assert [(m["state"], m["set_state"]) for m in found["leads"]] == [("active", "parked")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"hashes": []}',
        b'{"hashes": [{"kind": "pdq"}]}',
        b'{"hashes": [{"kind": "pdq", "value": "00", "quality": 101}]}',
        b'{"hashes": [{"kind": "pdq", "value": "00", "url": "http://example.com/a.png"}]}',
        b"[" * 100_000,
        b'{"hashes": [{"kind": "pdq", "value": "00", "quality": ' + b"9" * 5000 + b"}]}",
        b'{"hashes": [{"kind": "pdq", "value": "\\ud800"}], "sets": ["\\ud800"]}',
    ],
)
def test_a_broken_request_is_refused_without_being_quoted(client: Client, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = client.post("/v1/lookup", content=body, headers=headers)
    assert answer.status_code in (400, 422)
    assert set(answer.json()) == {"error"}
    assert "example.com" not in answer.text


def test_a_batch_over_the_limit_is_refused(store: MemoryStore) -> None:
    with serving(store, LookupConfig(workers=1, max_batch=2)) as client:
        answer = client.post("/v1/lookup", json={"hashes": [pdq(KNOWN)] * 3})
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "batch-too-large"


def test_how_often_each_set_matched_is_written_down(store: MemoryStore) -> None:
    with serving(store) as client:
        looked_up(client, pdq(KNOWN), pdq(FAR), pdq(NEAR))
    assert store.match_counts["bridges", "matches"] == 1
    assert store.match_counts["bridges", "lookups"] == 3
    assert store.match_counts["files", "matches"] == 0


def test_counts_that_cannot_be_written_stop_no_look_up(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def read_only(*_: object, **__: object) -> None:
        raise PermissionError(KNOWN)

    monkeypatch.setattr(store, "count_matches", read_only)
    with serving(store) as client:
        assert looked_up(client, pdq(KNOWN))[0]["matches"]
    assert "match counts were not written: PermissionError" in caplog.text
    assert KNOWN not in caplog.text


def test_the_index_says_what_it_holds(client: Client) -> None:
    status = client.get("/v1/index/status").json()
    assert status["entries"]["pdq"] == 3
    assert status["behind"] == 0
