"""What is counted of look-ups, and what of it is called a flood."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from lightkeeper.errors import MatchError
from lightkeeper.matching import Entry, HashSet, SetState
from lightkeeper.matching._lookup import HashQuery, Lookup
from lightkeeper.matching._tally import MOST_STRANGERS, Flood, Meeting, Tally
from lightkeeper.testing._memory_index import MemoryIndex
from lightkeeper.testing._memory_store import MemoryStore

HOUR = timedelta(hours=1)
ENTRY = 1 << 200


def meeting(number: int = 1, *, query: int = ENTRY, name: str = "lanterns") -> Meeting:
    return Meeting(name, number, "pdq", f"{ENTRY:064x}", f"{query:064x}")


def stranger(seed: int, bits: int = 30) -> int:
    """Some bits off the entry, and as a rule nearly twice as many off another stranger."""
    value = ENTRY
    for place in random.Random(seed).sample(range(256), bits):
        value ^= 1 << place
    return value


def counts(store: MemoryStore, name: str = "lanterns") -> tuple[int, int]:
    return store.match_counts[name, "matches"], store.match_counts[name, "lookups"]


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    for name in ("lanterns", "umbrellas"):
        store.create_set(HashSet(name=name, owner="o", purpose="p"))
    return store


@pytest.fixture
def usual(store: MemoryStore) -> MemoryStore:
    """Seven quiet hours."""
    for hours in range(1, 8):
        store.count_matches("lanterns", 1, 1_000, now=datetime.now(UTC) - hours * HOUR)
    store.match_counts.clear()
    return store


def test_an_entry_counts_once_an_hour_however_often_it_is_met(store: MemoryStore) -> None:
    tally, now = Tally(store), datetime.now(UTC)
    for _ in range(500):
        tally.count([meeting()])
        tally.count([])
    tally.count([meeting(2)])
    assert tally.write(now=now) == []
    assert counts(store) == (2, 1_001)
    assert counts(store, "umbrellas") == (0, 1_001)
    tally.count([meeting(), meeting(2)])
    tally.write(now=now + HOUR)
    tally.count([meeting()])
    tally.write(now=now + HOUR)
    assert counts(store) == (3, 1_003)


def test_a_picture_counts_for_the_nearest_entry_of_each_set(store: MemoryStore) -> None:
    tally = Tally(store)
    tally.count([meeting(1), meeting(2), meeting(3, name="umbrellas")])
    tally.write()
    assert (counts(store), counts(store, "umbrellas")) == ((1, 1), (1, 1))


def test_only_sets_that_were_looked_in_and_match_are_counted(store: MemoryStore) -> None:
    store.set_state("umbrellas", SetState.PARKED, reason="floods")
    for sets in (None, ["umbrellas"], ["lanterns"]):
        tally = Tally(store, sets=sets)
        tally.count([])
        tally.write()
    assert counts(store) == (0, 2)
    assert counts(store, "umbrellas") == (0, 0)


def test_nothing_is_written_where_nothing_was_looked_up(store: MemoryStore) -> None:
    assert Tally(store).write() == []
    assert not store.match_counts


def test_one_known_picture_over_and_over_is_no_flood(usual: MemoryStore) -> None:
    tally, rng = Tally(usual), random.Random(1)
    for _ in range(5_000):
        tally.count([meeting(query=stranger(0) ^ 1 << rng.randrange(256))])
    assert tally.write() == []


def test_many_different_entries_at_once_are_a_flood_of_the_set_told_once(
    usual: MemoryStore,
) -> None:
    tally = Tally(usual)
    for number in range(200):
        tally.count([meeting(number)])
    (flood,) = tally.write()
    reason = "200 of its entries matched in an hour of 200 look-ups, 1000 times its usual rate"
    assert flood == Flood("lanterns", reason)
    tally.count([meeting(500)])
    assert tally.write() == []


def test_an_entry_that_different_pictures_meet_is_a_flood_of_that_entry(
    store: MemoryStore,
) -> None:
    tally = Tally(store)
    for seed in range(MOST_STRANGERS - 1):
        tally.count([meeting(query=stranger(seed))])
    assert tally.write() == []
    for seed in range(1_000, 1_010):
        tally.count([meeting(query=stranger(seed))])
    (flood,) = tally.write()
    assert (flood.set_name, flood.entry_number) == ("lanterns", 1)
    assert flood.key == ("pdq", f"{ENTRY:064x}")
    assert flood.reason == "met 50 pictures in an hour that do not match one another"
    assert tally.write() == []


def test_copies_within_the_radius_of_the_set_are_no_strangers(store: MemoryStore) -> None:
    store.create_set(HashSet(name="narrow", owner="o", purpose="p", radius_bits=8))
    tally = Tally(store)
    tally.count([])
    tally.write()
    for seed in range(1_000):
        tally.count([meeting(query=stranger(seed, bits=12))])
    assert tally.write() == []
    for seed in range(1_000):
        tally.count([meeting(7, query=stranger(seed, bits=8), name="narrow")])
    assert [flood.entry_number for flood in tally.write()] == [7]


def test_the_equality_of_a_digest_floods_no_entry(store: MemoryStore) -> None:
    tally = Tally(store)
    for _ in range(1_000):
        tally.count([Meeting("lanterns", 1, "md5", "ab" * 16, "ab" * 16)])
    assert tally.write() == []


def test_a_flood_of_an_entry_is_not_lost_with_a_store_that_cannot_be_written(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MatchError("the store failed")

    tally = Tally(store)
    for seed in range(200):
        tally.count([meeting(query=stranger(seed))])
    with monkeypatch.context() as patch:
        patch.setattr(store, "count_matches", fail)
        with pytest.raises(MatchError):
            tally.write()
    assert len(tally.write()) == 1


def test_matches_and_benign_hits_count_and_leads_do_not(store: MemoryStore) -> None:
    store.create_set(HashSet(name="benign", owner="o", purpose="p", negative=True))
    store.create_set(HashSet(name="unsure", owner="o", purpose="p", needs_confirmation=True))
    value, now = f"{ENTRY:064x}", datetime(2026, 3, 1, tzinfo=UTC)
    for name in ("lanterns", "unsure"):
        store.upsert(name, [Entry(kind="pdq", value=value)], source="desk", now=now)
    near = f"{ENTRY ^ 1:064x}"
    store.upsert("benign", [Entry(kind="pdq", value=near)], source="desk", now=now)
    (result,) = Lookup(store, MemoryIndex(store)).hashes([HashQuery(kind="pdq", value=value)])
    met = Meeting.all_of(result)
    assert {(m.set_name, m.query_value) for m in met} == {("lanterns", value), ("benign", value)}
