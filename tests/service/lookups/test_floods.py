from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from lightkeeper.matching import Entry, EntryState, SetState
from lightkeeper.service.lookups import LookupConfig
from lightkeeper.testing import MemoryStore

from .conftest import KNOWN, NOW, serving


def edited(value: str, seed: int, bits: int) -> str:
    places = random.Random(seed).sample(range(256), bits)
    return f"{int(value, 16) ^ sum(1 << place for place in places):064x}"


def ask(store: MemoryStore, values: list[str], *, park: bool = True) -> None:
    """Look these up in one service, which writes its counts when it ends."""
    asked = {"hashes": [{"kind": "pdq", "value": value} for value in values]}
    with serving(store, LookupConfig(workers=1, park_floods=park)) as client:
        assert client.post("/v1/lookup", json=asked).json()["results"][0]["matches"]


def state_of_known(store: MemoryStore) -> EntryState:
    return next(e.state for e in store.entries("bridges") if e.value == KNOWN)


@pytest.fixture
def usual(store: MemoryStore) -> MemoryStore:
    """Seven quiet hours."""
    for hours in range(1, 8):
        at = datetime.now(UTC) - timedelta(hours=hours)
        store.count_matches("bridges", 1, 1000, now=at)
    return store


def test_one_known_picture_over_and_over_parks_nothing(
    usual: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    ask(usual, [edited(KNOWN, seed, 8) for seed in range(500)] + [KNOWN] * 500)
    assert usual.hash_set("bridges").state is SetState.ACTIVE
    assert state_of_known(usual) is EntryState.ACTIVE
    assert caplog.text == ""


def test_an_entry_that_different_pictures_meet_is_parked_and_its_matches_become_leads(
    usual: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    ask(usual, [edited(KNOWN, seed, 30) for seed in range(100)])
    assert state_of_known(usual) is EntryState.PARKED
    assert usual.hash_set("bridges").state is SetState.ACTIVE
    assert "entry 1 of set bridges was parked: it met 50 pictures" in caplog.text
    assert KNOWN not in caplog.text
    asked = {"hashes": [{"kind": "pdq", "value": KNOWN}]}
    with serving(usual) as client:
        (found,) = client.post("/v1/lookup", json=asked).json()["results"]
    assert not found["matches"]
    assert [(lead["entry"], lead["state"]) for lead in found["leads"]] == [(1, "parked")]


def test_an_entry_is_only_reported_where_nothing_may_be_parked(
    usual: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    ask(usual, [edited(KNOWN, seed, 30) for seed in range(100)], park=False)
    assert state_of_known(usual) is EntryState.ACTIVE
    assert "entry 1 of set bridges floods" in caplog.text


def test_a_set_that_floods_is_reported_and_goes_on_matching(
    usual: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    values = [random.Random(seed).randbytes(32).hex() for seed in range(200)]
    usual.upsert("bridges", [Entry(kind="pdq", value=v) for v in values], source="x", now=NOW)
    ask(usual, values)
    assert usual.hash_set("bridges").state is SetState.ACTIVE
    assert "set bridges floods: 200 of its entries matched" in caplog.text
    assert "set files" not in caplog.text


def test_a_set_that_matches_at_its_usual_rate_is_left_alone(
    store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    values = [random.Random(seed).randbytes(32).hex() for seed in range(200)]
    store.upsert("bridges", [Entry(kind="pdq", value=v) for v in values], source="x", now=NOW)
    for hours in range(1, 8):
        at = datetime.now(UTC) - timedelta(hours=hours)
        store.count_matches("bridges", 200, 1000, now=at)
    ask(store, values)
    assert caplog.text == ""
