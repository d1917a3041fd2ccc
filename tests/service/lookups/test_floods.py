from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lightkeeper.matching import SetState
from lightkeeper.service.lookups import LookupConfig
from lightkeeper.testing import MemoryStore

from .conftest import FAR, KNOWN, serving


def flooded(store: MemoryStore, *, park_floods: bool) -> None:
    """Seven quiet hours, then 200 look-ups that all match."""
    now = datetime.now(UTC)
    for hours in range(1, 8):
        store.count_matches("bridges", 1, 1000, now=now - timedelta(hours=hours))
    asked = {"hashes": [{"kind": "pdq", "value": KNOWN}] * 200}
    with serving(store, LookupConfig(workers=1, park_floods=park_floods)) as client:
        assert client.post("/v1/lookup", json=asked).json()["results"][0]["matches"]


def test_a_set_that_floods_is_parked_and_reported(
    store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    flooded(store, park_floods=True)
    assert store.hash_set("bridges").state is SetState.PARKED
    assert store.hash_set("files").state is SetState.ACTIVE
    assert "set bridges was parked: it matched 200 of 200 look-ups" in caplog.text
    asked = {"hashes": [{"kind": "pdq", "value": KNOWN}]}
    with serving(store) as client:
        assert not client.post("/v1/lookup", json=asked).json()["results"][0]["matches"]


def test_a_flood_is_only_reported_where_nothing_may_be_parked(
    store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    flooded(store, park_floods=False)
    assert store.hash_set("bridges").state is SetState.ACTIVE
    assert "set bridges floods" in caplog.text


def test_a_set_that_matches_at_its_usual_rate_is_left_alone(store: MemoryStore) -> None:
    now = datetime.now(UTC)
    for hours in range(1, 8):
        store.count_matches("bridges", 200, 1000, now=now - timedelta(hours=hours))
    hashes = [{"kind": "pdq", "value": value} for value in [KNOWN] * 150 + [FAR] * 650]
    with serving(store) as client:
        client.post("/v1/lookup", json={"hashes": hashes})
    assert store.hash_set("bridges").state is SetState.ACTIVE
