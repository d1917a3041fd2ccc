"""Look-ups over a store in memory and an index that compares with every entry."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.errors import MatchError
from lightkeeper.matching import Entry, EntryState, HashSet, Match, SetOrigin, SetState
from lightkeeper.matching._lookup import HashQuery, Lookup, sift
from lightkeeper.testing._memory_index import MemoryIndex
from lightkeeper.testing._memory_store import MemoryStore

NOW = datetime(2026, 1, 1, tzinfo=UTC)
Fill = Callable[..., HashSet]


def pdq_value(seed: int) -> int:
    """128 of 256 bits."""
    places = random.Random(seed).sample(range(256), 128)
    return sum(1 << place for place in places)


def off_by(value: int, bits: int) -> str:
    """A hash this far away, again with 128 ones where the distance is even."""
    ones = [i for i in range(256) if value >> i & 1]
    zeros = [i for i in range(256) if not value >> i & 1]
    for place in ones[: bits // 2] + zeros[: bits - bits // 2]:
        value ^= 1 << place
    return f"{value:064x}"


KNOWN = pdq_value(1)


def pdq_entry(bits: int = 0, value: int = KNOWN, **fields: Any) -> Entry:
    return Entry(kind="pdq", value=off_by(value, bits), **fields)


def pdq_query(bits: int = 0, value: int = KNOWN, **fields: Any) -> HashQuery:
    return HashQuery(kind="pdq", value=off_by(value, bits), **fields)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def fill(store: MemoryStore) -> Fill:
    def _fill(name: str, *entries: Entry, source: str = "desk", **fields: Any) -> HashSet:
        hash_set = store.create_set(HashSet(name=name, owner="o", purpose="p", **fields))
        store.upsert(name, entries, source=source, now=NOW)
        return hash_set

    return _fill


@pytest.fixture
def lookup(store: MemoryStore) -> Callable[..., Lookup]:
    return lambda **options: Lookup(store, MemoryIndex(store), **options)


def test_a_hash_meets_entries_within_the_radius_of_their_set(fill: Fill, lookup: Any) -> None:
    fill("narrow", pdq_entry(), radius_bits=8)
    fill("usual", pdq_entry())
    near, far, beyond = lookup().hashes([pdq_query(8), pdq_query(31), pdq_query(32)])
    assert [(m.hash_set.name, m.distance_bits) for m in near.matches] == [
        ("narrow", 8),
        ("usual", 8),
    ]
    assert [(m.hash_set.name, m.distance_bits) for m in far.matches] == [("usual", 31)]
    assert beyond.matches == ()


def test_digests_and_opaque_kinds_match_by_equality(fill: Fill, lookup: Any) -> None:
    fill("files", Entry(kind="md5", value="ab" * 16), Entry(kind="photodna", value="Q0D="))
    results = lookup().hashes(
        [
            HashQuery(kind="md5", value="ab" * 16),
            HashQuery(kind="md5", value="ac" * 16),
            HashQuery(kind="photodna", value="Q0D="),
            HashQuery(kind="netclean", value="Q0D="),
        ]
    )
    assert [len(r.matches) for r in results] == [1, 0, 1, 0]
    assert results[0].matches[0].distance_bits == 0


def test_quality_under_the_minimum_of_a_set_excludes_query_and_entry(
    fill: Fill, lookup: Any
) -> None:
    fill("strict", pdq_entry(quality=80), minimum_quality=70)
    fill("lax", pdq_entry(quality=20), minimum_quality=0)
    fill("poor", pdq_entry(quality=20), minimum_quality=50)
    (result,) = lookup().hashes([pdq_query(quality=60)])
    assert [m.hash_set.name for m in result.matches] == ["lax"]
    (unknown,) = lookup().hashes([pdq_query()])
    assert [m.hash_set.name for m in unknown.matches] == ["lax", "strict"]


def test_quality_does_not_exclude_equality_of_digests(fill: Fill, lookup: Any) -> None:
    fill("files", Entry(kind="sha1", value="c" * 40, quality=0))
    (result,) = lookup().hashes([HashQuery(kind="sha1", value="c" * 40)])
    assert len(result.matches) == 1


def test_only_named_sets_are_looked_in(fill: Fill, lookup: Any) -> None:
    fill("first", pdq_entry())
    fill("second", pdq_entry())
    (result,) = lookup().hashes([pdq_query()], sets=["second"])
    assert [m.hash_set.name for m in result.matches] == ["second"]
    (result,) = lookup(sets=["first"]).hashes([pdq_query()])
    assert [m.hash_set.name for m in result.matches] == ["first"]


def test_a_set_that_is_not_there_is_refused(fill: Fill, lookup: Any) -> None:
    fill("umbrellas")
    with pytest.raises(MatchError, match="no set 'bicycles'") as refusal:
        lookup(sets=["bicycles"])
    assert "umbrellas" in str(refusal.value.hint)
    with pytest.raises(MatchError, match="no set 'bicycles'"):
        lookup().hashes([pdq_query()], sets=["bicycles"])


@pytest.mark.parametrize("value", ["", "ab", "g" * 64, "0" * 63 + " ", "é" * 64])
def test_a_malformed_pdq_hash_is_refused(fill: Fill, lookup: Any, value: str) -> None:
    fill("umbrellas", pdq_entry())
    with pytest.raises(MatchError, match="PDQ"):
        lookup().hashes([HashQuery(kind="pdq", value=value)])


def test_a_lead_is_no_match(fill: Fill, lookup: Any, store: MemoryStore) -> None:
    fill("seeds", pdq_entry(), needs_confirmation=True)
    (result,) = lookup().hashes([pdq_query()])
    assert result.matches == ()
    assert [m.entry.state for m in result.leads] == [EntryState.SEED]
    store.confirm("seeds", [("pdq", off_by(KNOWN, 0))], person="a reviewer", now=NOW)
    (result,) = lookup().hashes([pdq_query()])
    assert (len(result.matches), result.leads) == (1, ())


def test_what_is_withdrawn_or_expired_does_not_match(
    fill: Fill, lookup: Any, store: MemoryStore
) -> None:
    fill("withdrawn", pdq_entry())
    store.withdraw("withdrawn", [("pdq", off_by(KNOWN, 0))], reason="wrong", now=NOW)
    fill("expired", pdq_entry(expires=NOW - timedelta(days=1)))
    fill("good", pdq_entry(expires=datetime.now(UTC) + timedelta(days=1)))
    (result,) = lookup().hashes([pdq_query()])
    assert [m.hash_set.name for m in result.matches] == ["good"]


def test_what_is_parked_is_told_as_a_lead(fill: Fill, lookup: Any, store: MemoryStore) -> None:
    fill("lanterns", pdq_entry(2))
    fill("umbrellas", pdq_entry(4), pdq_entry(6))
    store.set_state("lanterns", SetState.PARKED, reason="floods")
    store.park("umbrellas", [("pdq", off_by(KNOWN, 4))], reason="floods", now=NOW)
    (result,) = lookup().hashes([pdq_query()])
    assert [m.distance_bits for m in result.matches] == [6]
    assert [m.distance_bits for m in result.leads] == [2, 4]
    store.set_state("lanterns", SetState.ACTIVE, reason="looked into")
    store.confirm("umbrellas", [("pdq", off_by(KNOWN, 4))], person="a reviewer", now=NOW)
    (result,) = lookup().hashes([pdq_query()])
    assert [m.distance_bits for m in result.matches] == [2, 4, 6]


def test_a_parked_set_does_not_repeat_what_an_active_one_holds(
    fill: Fill, lookup: Any, store: MemoryStore
) -> None:
    fill("merged", pdq_entry(), pdq_entry(2))
    fill("lanterns", pdq_entry())
    store.set_state("merged", SetState.PARKED, reason="merged into lanterns")
    (result,) = lookup().hashes([pdq_query()])
    assert [m.hash_set.name for m in result.matches] == ["lanterns"]
    assert [m.distance_bits for m in result.leads] == [2]


def test_a_parked_benign_set_suppresses_nothing(
    fill: Fill, lookup: Any, store: MemoryStore
) -> None:
    fill("benign", pdq_entry(), negative=True)
    fill("known", pdq_entry(6))
    store.set_state("benign", SetState.PARKED, reason="floods")
    (result,) = lookup().hashes([pdq_query()])
    assert [m.hash_set.name for m in result.matches] == ["known"]
    assert result.benign == result.suppressed == ()


def test_a_match_names_the_hash_that_met_it(fill: Fill, lookup: Any) -> None:
    fill("umbrellas", pdq_entry())
    (result,) = lookup().hashes([pdq_query(8)])
    assert [m.query_value for m in result.matches] == [off_by(KNOWN, 8)]


def test_a_benign_hit_suppresses_near_matches_that_are_not_nearer(fill: Fill, lookup: Any) -> None:
    fill("benign", pdq_entry(10), negative=True)
    fill("known", pdq_entry(4), pdq_entry(20))
    (result,) = lookup().hashes([pdq_query()])
    assert [m.distance_bits for m in result.matches] == [4]
    assert [m.distance_bits for m in result.suppressed] == [20]
    assert [m.hash_set.name for m in result.benign] == ["benign"]


def test_a_benign_hit_does_not_suppress_the_equality_of_a_digest() -> None:
    benign = HashSet(name="b", owner="o", purpose="p", number=1, negative=True)
    known = HashSet(name="k", owner="o", purpose="p", number=2)
    digest = Match(
        hash_set=known, entry=Entry(kind="md5", value="a" * 32, number=1), distance_bits=0
    )
    near = Match(hash_set=known, entry=pdq_entry(number=2), distance_bits=0)
    hit = Match(hash_set=benign, entry=Entry(kind="md5", value="a" * 32, number=3), distance_bits=0)
    result = sift([digest, near, hit])
    assert result.matches == (digest,)
    assert result.suppressed == (near,)


def test_a_lead_in_a_negative_set_suppresses_nothing(fill: Fill, lookup: Any) -> None:
    fill("benign", pdq_entry(), negative=True, needs_confirmation=True)
    fill("known", pdq_entry(6))
    (result,) = lookup().hashes([pdq_query()])
    assert [m.hash_set.name for m in result.matches] == ["known"]
    assert result.benign == result.suppressed == ()


def test_a_benign_set_that_was_not_asked_for_suppresses_nothing(fill: Fill, lookup: Any) -> None:
    fill("benign", pdq_entry(), negative=True)
    fill("known", pdq_entry())
    (result,) = lookup().hashes([pdq_query()], sets=["known"])
    assert len(result.matches) == 1


def test_an_entry_that_several_hashes_of_a_picture_meet_is_kept_at_its_nearest(
    fill: Fill, lookup: Any
) -> None:
    fill("known", pdq_entry(), origin=SetOrigin.GENERATED)
    found = lookup().found(
        [pdq_query(12), pdq_query(2, transform="rotate-90", variant="v", quality=99)]
    )
    (match,) = sift([match for matches in found for match in matches]).matches
    assert (match.distance_bits, match.transform) == (2, "rotate-90")
    assert (match.query_variant, match.query_quality) == ("v", 99)


def test_the_revision_changes_with_entries_and_with_what_is_said_of_sets(
    fill: Fill, lookup: Any, store: MemoryStore
) -> None:
    hash_set = fill("known", pdq_entry())
    first = lookup().revision()
    assert lookup().revision() == first
    store.upsert("known", [pdq_entry(40)], source="desk", now=NOW)
    second = lookup().revision()
    store.update_set(replace(hash_set, radius_bits=20))
    assert len({first, second, lookup().revision()}) == 3


def test_a_set_made_a_moment_ago_can_be_named(fill: Fill, lookup: Any) -> None:
    fill("first", pdq_entry())
    kept = lookup()
    fill("second", pdq_entry())
    (result,) = kept.hashes([pdq_query()], sets=["second"])
    assert [m.hash_set.name for m in result.matches] == ["second"]


def test_of_a_crowd_of_near_copies_the_nearest_thousand_are_shown(fill: Fill, lookup: Any) -> None:
    pairs = ((a, b) for a in range(60) for b in range(a))
    crowd = [Entry(kind="pdq", value=f"{KNOWN ^ 1 << a ^ 1 << b:064x}") for a, b in pairs]
    fill("crowd", *crowd, pdq_entry())
    fill("other", pdq_entry(20))
    (result,) = lookup().hashes([pdq_query()])
    assert len(crowd) > 1_000
    assert len(result.matches) == 1_001
    assert result.matches[0].distance_bits == 0
    assert result.matches[-1].hash_set.name == "other"


def test_nothing_is_asked_of_an_index_where_no_set_is_active(lookup: Any) -> None:
    (result,) = lookup().hashes([pdq_query()])
    assert result.matches == ()


@given(
    st.lists(
        st.tuples(st.integers(0, 34), st.booleans(), st.sampled_from(["pdq", "md5"])), max_size=12
    )
)
def test_every_hit_ends_in_exactly_one_list(hits: list[tuple[int, bool, str]]) -> None:
    found = [
        Match(
            hash_set=HashSet(name=f"s{negative}", owner="o", purpose="p", negative=negative),
            entry=Entry(kind=kind, value="x", number=number),
            distance_bits=distance if kind == "pdq" else 0,
        )
        for number, (distance, negative, kind) in enumerate(hits)
    ]
    result = sift(found)
    lists = (result.matches, result.leads, result.benign, result.suppressed)
    assert sorted(m.entry.number for part in lists for m in part) == list(range(len(hits)))
    assert not (result.suppressed and not result.benign)
    assert all(m.entry.kind == "pdq" for m in result.suppressed)
