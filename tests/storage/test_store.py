from __future__ import annotations

import random
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lightkeeper.errors import MatchError
from lightkeeper.matching import (
    Entry,
    EntryLabels,
    EntryState,
    HashSet,
    Mention,
    SetOrigin,
    SetState,
    SetStore,
    Tlp,
    UpsertCount,
)
from lightkeeper.matching._ports import Refusal
from lightkeeper.storage._store import SqlSetStore

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LIGHTHOUSES = HashSet(
    name="lighthouses", owner="Harbour Office", purpose="lanterns", origin=SetOrigin.GENERATED
)


def digest(seed: int) -> Entry:
    return Entry(kind="md5", value=random.Random(seed).randbytes(16).hex())


def keys(*entries: Entry) -> list[tuple[str, str]]:
    return [(entry.kind, entry.value) for entry in entries]


def found(store: SqlSetStore) -> set[str]:
    """What an index would hold after replaying all of history."""
    held: dict[int, str] = {}
    for change in store.changes(after=0):
        if change.matches:
            held[change.entry_number] = change.value
        else:
            held.pop(change.entry_number, None)
    return set(held.values())


def states(store: SqlSetStore, name: str = "lighthouses") -> dict[str, EntryState]:
    return {entry.value: entry.state for entry in store.entries(name)}


def test_the_store_offers_what_the_port_asks(store: SqlSetStore) -> None:
    port: SetStore = store
    assert port.sets() == []
    assert port.last_revision() == 0
    assert list(port.changes(after=0)) == []


def test_a_set_comes_back_as_it_was_given(store: SqlSetStore) -> None:
    given = replace(
        LIGHTHOUSES,
        scheme="industry-a1-b2",
        handling=Tlp.RED,
        terms="not to be passed on",
        expires_after_days=90,
        radius_bits=24,
        minimum_quality=70,
        negative=True,
        needs_confirmation=True,
        quota_per_source=1000,
    )
    made = store.create_set(given)
    assert made == replace(given, number=made.number)
    assert made.number > 0
    assert store.hash_set("lighthouses") == made
    assert store.sets() == [made]


def test_a_name_can_be_given_once_and_must_exist(store: SqlSetStore) -> None:
    store.create_set(LIGHTHOUSES)
    with pytest.raises(MatchError, match="lighthouses already"):
        store.create_set(LIGHTHOUSES)
    with pytest.raises(MatchError, match="no set named bicycles"):
        store.upsert("bicycles", [digest(1)], source="a", now=NOON)
    with pytest.raises(MatchError, match="no set named bicycles"):
        store.entries("bicycles")


def test_an_update_keeps_number_and_state(store: SqlSetStore) -> None:
    made = store.create_set(LIGHTHOUSES)
    store.set_state("lighthouses", SetState.PARKED, reason="flood")
    changed = store.update_set(replace(LIGHTHOUSES, radius_bits=20))
    assert changed == replace(made, radius_bits=20, state=SetState.PARKED)
    assert store.hash_set("lighthouses") == changed


def test_an_entry_comes_back_with_everything_said_of_it(store: SqlSetStore) -> None:
    store.create_set(LIGHTHOUSES)
    labels = EntryLabels(
        industry_class="B2",
        computer_generated=True,
        modelled_after_person=False,
        age_group="adult",
        victim_identified=False,
    )
    given = Entry(
        kind="pdq",
        value="0f1e" * 16,
        variant="full-resolution/exact",
        quality=88,
        labels=labels,
        mentions=(Mention("harbour", "id-7", NOON),),
        expires=NOON + 9 * DAY,
    )
    store.upsert("lighthouses", [given], source="harbour", now=NOON)
    (held,) = store.entries("lighthouses")
    assert held == replace(given, number=held.number, added=NOON, seen=NOON)
    assert store.entries_by_number([held.number, 999]) == {
        held.number: (store.hash_set("lighthouses"), held)
    }


@pytest.mark.parametrize(
    ("kind", "value"),
    [("photodna", "12,34,255"), ("netclean", "Über Ω"), ("sha256", "ab" * 32), ("sha1", "0c" * 20)],
)
def test_values_of_every_kind_are_kept(store: SqlSetStore, kind: str, value: str) -> None:
    store.create_set(LIGHTHOUSES)
    store.upsert("lighthouses", [Entry(kind=kind, value=value)], source="a", now=NOON)
    assert [(e.kind, e.value) for e in store.entries("lighthouses")] == [(kind, value)]
    assert [(c.kind, c.value) for c in store.changes(after=0)] == [(kind, value)]


def test_importing_again_changes_nothing(store: SqlSetStore) -> None:
    store.create_set(LIGHTHOUSES)
    batch = [digest(i) for i in range(50)]
    assert store.upsert("lighthouses", batch, source="a", now=NOON) == UpsertCount(added=50)
    before = store.last_revision()
    assert store.compare("lighthouses", batch, source="a") == UpsertCount(unchanged=50)
    again = store.upsert("lighthouses", batch, source="a", now=NOON + HOUR)
    assert again == UpsertCount(unchanged=50)
    assert store.last_revision() == before
    assert {entry.seen for entry in store.entries("lighthouses")} == {NOON + HOUR}
    assert not list(store.entries("lighthouses", since=NOON + HOUR))


def test_a_batch_that_is_partly_known_adds_only_the_rest(store: SqlSetStore) -> None:
    store.create_set(LIGHTHOUSES)
    store.upsert("lighthouses", [digest(i) for i in range(0, 40, 2)], source="a", now=NOON)
    counted = store.upsert("lighthouses", [digest(i) for i in range(40)], source="a", now=NOON)
    assert counted == UpsertCount(added=20, unchanged=20)
    assert found(store) == {digest(i).value for i in range(40)}
    assert store.last_revision() == [c.revision for c in store.changes(after=0)][-1]


def test_a_comparison_writes_nothing(store: SqlSetStore) -> None:
    store.create_set(LIGHTHOUSES)
    counted = store.compare("lighthouses", [digest(1), digest(2)], source="a")
    assert counted == UpsertCount(added=2)
    assert list(store.entries("lighthouses")) == []
    assert store.last_revision() == 0


def test_what_a_source_says_anew_replaces_and_silence_does_not(store: SqlSetStore) -> None:
    store.create_set(LIGHTHOUSES)
    first = replace(digest(1), labels=EntryLabels(industry_class="A1", age_group="adult"))
    store.upsert("lighthouses", [first], source="a", now=NOON)
    second = replace(digest(1), labels=EntryLabels(industry_class="B1"))
    counted = store.upsert("lighthouses", [second], source="a", now=NOON + HOUR)
    assert counted == UpsertCount(changed=1)
    (held,) = store.entries("lighthouses", since=NOON + HOUR)
    assert held.labels == EntryLabels(industry_class="B1", age_group="adult")


def test_rows_of_one_batch_that_share_a_key_count_one_after_another(store: SqlSetStore) -> None:
    store.create_set(LIGHTHOUSES)
    labelled = replace(digest(1), labels=EntryLabels(industry_class="B1"))
    batch = [digest(1), labelled, labelled, digest(1)]
    expected = UpsertCount(added=1, changed=1, unchanged=2)
    assert store.compare("lighthouses", batch, source="a") == expected
    assert store.upsert("lighthouses", batch, source="a", now=NOON) == expected
    (held,) = store.entries("lighthouses")
    assert held.labels.industry_class == "B1"


def test_rows_that_cannot_be_kept_are_refused_by_position(store: SqlSetStore) -> None:
    store.create_set(LIGHTHOUSES)
    batch = [
        Entry(kind="md5", value="zz" * 16),
        Entry(kind="md5", value="ab " * 8 + "ab" * 4),
        digest(1),
        replace(digest(2), state=EntryState.WITHDRAWN),
        replace(digest(3), mentions=(Mention("a", "nul\0", NOON),)),
        replace(digest(4), labels=EntryLabels(age_group="\ud800")),
        replace(digest(5), expires=NOON),
        replace(digest(6), quality=10**30),
        Entry(kind="photodna", value="\ud800"),
    ]
    counted = store.upsert("lighthouses", batch, source="a", now=NOON)
    assert counted.added == 1
    assert counted.refused == (
        Refusal(0, "malformed-value"),
        Refusal(1, "malformed-value"),
        Refusal(3, "withdrawn"),
        Refusal(4, "unstorable-text"),
        Refusal(5, "unstorable-text"),
        Refusal(6, "expired"),
        Refusal(7, "malformed-quality"),
        Refusal(8, "malformed-value"),
    )


def test_a_lead_becomes_active_when_a_second_source_names_it(store: SqlSetStore) -> None:
    store.create_set(replace(LIGHTHOUSES, needs_confirmation=True))
    store.upsert("lighthouses", [digest(1), digest(2)], source="a", now=NOON)
    store.upsert("lighthouses", [digest(1), digest(2)], source="a", now=NOON + HOUR)
    assert set(states(store).values()) == {EntryState.SEED}
    # The index holds leads too: a look-up shows them apart by their state.
    assert found(store) == {digest(1).value, digest(2).value}
    before = store.last_revision()
    counted = store.upsert("lighthouses", [digest(1)], source="b", now=NOON + HOUR)
    assert counted == UpsertCount(changed=1)
    assert [change.value for change in store.changes(after=before)] == [digest(1).value]
    assert sorted(states(store).values()) == [EntryState.ACTIVE, EntryState.SEED]
    (held, _) = sorted(store.entries("lighthouses"), key=lambda e: len(e.mentions), reverse=True)
    assert [mention.source for mention in held.mentions] == ["a", "b"]


def test_a_lead_becomes_active_on_a_persons_word(store: SqlSetStore) -> None:
    store.create_set(replace(LIGHTHOUSES, needs_confirmation=True))
    store.upsert("lighthouses", [digest(1), digest(2)], source="a", now=NOON)
    assert store.confirm("lighthouses", keys(digest(1), digest(9)), person="Ada", now=NOON) == 1
    assert store.confirm("lighthouses", keys(digest(1)), person="Ada", now=NOON) == 0
    assert sorted(states(store).values()) == [EntryState.ACTIVE, EntryState.SEED]
    assert store.withdraw("lighthouses", keys(digest(2)), reason="wrong", now=NOON) == 1
    assert found(store) == {digest(1).value}


def test_a_withdrawal_for_the_set_outlasts_the_next_import(store: SqlSetStore) -> None:
    store.create_set(LIGHTHOUSES)
    store.upsert("lighthouses", [digest(1), digest(2)], source="a", now=NOON)
    gone = store.withdraw("lighthouses", keys(digest(1)), reason="false alarm", now=NOON)
    assert gone == 1
    assert store.withdraw("lighthouses", keys(digest(1)), reason="false alarm", now=NOON) == 0
    store.upsert("lighthouses", [digest(1), digest(2)], source="a", now=NOON + HOUR)
    assert found(store) == {digest(2).value}
    store.upsert("lighthouses", [digest(1)], source="b", now=NOON)
    assert found(store) == {digest(2).value}
    (held,) = [entry for entry in store.entries("lighthouses") if entry.withdrawn]
    assert (held.withdrawn, held.state) == (NOON, EntryState.WITHDRAWN)


def test_a_withdrawn_entry_comes_back_when_another_source_names_it_later(
    store: SqlSetStore,
) -> None:
    store.create_set(LIGHTHOUSES)
    store.upsert("lighthouses", [digest(1)], source="a", now=NOON)
    store.withdraw("lighthouses", keys(digest(1)), reason="false alarm", now=NOON)
    store.upsert("lighthouses", [digest(1)], source="b", now=NOON + HOUR)
    assert found(store) == {digest(1).value}
    (held,) = store.entries("lighthouses")
    assert held.withdrawn is None


def test_a_source_takes_back_its_own_word_and_may_give_it_again(store: SqlSetStore) -> None:
    store.create_set(LIGHTHOUSES)
    store.upsert("lighthouses", [digest(1), digest(2)], source="a", now=NOON)
    store.upsert("lighthouses", [digest(2)], source="b", now=NOON)
    gone = store.withdraw(
        "lighthouses", keys(digest(1), digest(2)), reason="retracted", now=NOON + HOUR, source="a"
    )
    assert gone == 1
    assert found(store) == {digest(2).value}
    store.upsert("lighthouses", [digest(1)], source="a", now=NOON + 2 * HOUR)
    assert found(store) == {digest(1).value, digest(2).value}


def test_what_a_source_no_longer_lists_is_withdrawn_unless_another_does(
    store: SqlSetStore,
) -> None:
    store.create_set(LIGHTHOUSES)
    batch = [digest(i) for i in range(4)]
    store.upsert("lighthouses", batch, source="a", now=NOON)
    store.upsert("lighthouses", batch[:1], source="b", now=NOON)
    store.upsert("lighthouses", batch[2:], source="a", now=NOON + DAY)
    gone = store.withdraw_missing("lighthouses", source="a", before=NOON + DAY, now=NOON + DAY)
    assert gone == 1
    assert found(store) == {batch[0].value, batch[2].value, batch[3].value}
    again = store.withdraw_missing("lighthouses", source="a", before=NOON + DAY, now=NOON + DAY)
    assert again == 0


def test_another_set_is_left_alone(store: SqlSetStore) -> None:
    store.create_set(LIGHTHOUSES)
    store.create_set(replace(LIGHTHOUSES, name="bicycles"))
    for name in ("lighthouses", "bicycles"):
        store.upsert(name, [digest(1)], source="a", now=NOON)
    store.withdraw_missing("bicycles", source="a", before=NOON + DAY, now=NOON + DAY)
    assert states(store, "lighthouses") == {digest(1).value: EntryState.ACTIVE}
    assert states(store, "bicycles") == {digest(1).value: EntryState.WITHDRAWN}


def test_a_source_may_not_exceed_its_quota(store: SqlSetStore) -> None:
    store.create_set(replace(LIGHTHOUSES, quota_per_source=3))
    counted = store.upsert("lighthouses", [digest(1), digest(2)], source="a", now=NOON)
    assert counted == UpsertCount(added=2)
    more = [digest(i) for i in range(6)]
    counted = store.upsert("lighthouses", more, source="a", now=NOON)
    assert (counted.added, counted.unchanged) == (1, 2)
    assert [refusal.reason for refusal in counted.refused] == ["over-quota"] * 3
    assert store.upsert("lighthouses", more, source="b", now=NOON).changed == 3
    store.withdraw("lighthouses", keys(digest(1)), reason="retracted", now=NOON, source="a")
    counted = store.upsert("lighthouses", [digest(7)], source="a", now=NOON)
    assert counted == UpsertCount(added=1)


def test_entries_expire_some_days_after_they_were_last_seen(store: SqlSetStore) -> None:
    store.create_set(replace(LIGHTHOUSES, expires_after_days=10))
    store.upsert("lighthouses", [digest(1), digest(2)], source="a", now=NOON)
    store.upsert("lighthouses", [digest(2)], source="a", now=NOON + 5 * DAY)
    assert store.expire(now=NOON + 10 * DAY - HOUR) == 0
    assert store.expire(now=NOON + 10 * DAY) == 1
    assert found(store) == {digest(2).value}
    store.upsert("lighthouses", [digest(1)], source="a", now=NOON + 11 * DAY)
    assert found(store) == {digest(1).value, digest(2).value}


def test_a_date_given_by_the_source_holds_where_it_comes_first(store: SqlSetStore) -> None:
    store.create_set(replace(LIGHTHOUSES, expires_after_days=10))
    dated = replace(digest(1), expires=NOON + 2 * DAY)
    late = replace(digest(2), expires=NOON + 20 * DAY)
    store.upsert("lighthouses", [dated, late], source="a", now=NOON)
    expiries = {entry.value: entry.expires for entry in store.entries("lighthouses")}
    assert expiries == {dated.value: NOON + 2 * DAY, late.value: NOON + 10 * DAY}


def test_a_changed_policy_holds_for_entries_that_are_there(store: SqlSetStore) -> None:
    store.create_set(LIGHTHOUSES)
    dated = replace(digest(1), expires=NOON + 2 * DAY)
    store.upsert("lighthouses", [dated, digest(2)], source="a", now=NOON)
    for days, expected in ((5, NOON + 5 * DAY), (None, None)):
        store.update_set(replace(LIGHTHOUSES, expires_after_days=days))
        expiries = {entry.value: entry.expires for entry in store.entries("lighthouses")}
        assert expiries == {dated.value: NOON + 2 * DAY, digest(2).value: expected}


def test_what_a_parked_set_holds_stays_to_be_found(store: SqlSetStore) -> None:
    store.create_set(LIGHTHOUSES)
    store.upsert("lighthouses", [digest(1), digest(2)], source="a", now=NOON)
    store.withdraw("lighthouses", keys(digest(2)), reason="retracted", now=NOON)
    before = store.last_revision()
    parked = store.set_state("lighthouses", SetState.PARKED, reason="flood")
    assert parked.state is SetState.PARKED
    assert store.last_revision() == before
    store.upsert("lighthouses", [digest(4)], source="a", now=NOON)
    assert found(store) == {digest(1).value, digest(4).value}
    released = store.set_state("lighthouses", SetState.ACTIVE, reason="looked into")
    assert released.state is SetState.ACTIVE


def test_a_parked_entry_waits_for_a_person_whoever_names_it(store: SqlSetStore) -> None:
    store.create_set(LIGHTHOUSES)
    store.upsert("lighthouses", [digest(1), digest(2)], source="a", now=NOON)
    before = store.last_revision()
    assert store.park("lighthouses", keys(digest(1), digest(9)), reason="flood", now=NOON) == 1
    assert store.park("lighthouses", keys(digest(1)), reason="again", now=NOON) == 0
    assert [(c.value, c.matches) for c in store.changes(after=before)] == [(digest(1).value, True)]
    for source in "abc":
        store.upsert("lighthouses", [digest(1)], source=source, now=NOON + DAY)
    assert states(store) == {digest(1).value: "parked", digest(2).value: "active"}
    assert found(store) == {digest(1).value, digest(2).value}
    confirmed = store.confirm("lighthouses", keys(digest(1)), person="a reviewer", now=NOON)
    assert (confirmed, states(store)[digest(1).value]) == (1, "active")


def test_a_parked_entry_can_be_withdrawn_and_expires(store: SqlSetStore) -> None:
    store.create_set(LIGHTHOUSES)
    dated = replace(digest(2), expires=NOON + DAY)
    store.upsert("lighthouses", [digest(1), dated], source="a", now=NOON)
    store.park("lighthouses", keys(digest(1), dated), reason="flood", now=NOON)
    assert store.withdraw("lighthouses", keys(digest(1)), reason="junk", now=NOON) == 1
    assert store.expire(now=NOON + 2 * DAY) == 1
    assert found(store) == set()
    assert store.park("lighthouses", keys(digest(1)), reason="again", now=NOON) == 0


def test_a_parked_entry_of_another_store_comes_in_as_a_lead(store: SqlSetStore) -> None:
    store.create_set(LIGHTHOUSES)
    parked = replace(digest(1), state=EntryState.PARKED)
    store.upsert("lighthouses", [parked], source="a", now=NOON)
    assert states(store) == {digest(1).value: "seed"}


def test_history_can_be_taken_up_anywhere(store: SqlSetStore) -> None:
    store.create_set(LIGHTHOUSES)
    store.create_set(replace(LIGHTHOUSES, name="bicycles"))
    for i in range(20):
        name = ("lighthouses", "bicycles")[i // 3 % 2]
        store.upsert(name, [digest(i), digest(100 + i)], source="a", now=NOON)
        if i % 4 == 0:
            store.withdraw(name, keys(digest(i)), reason="retracted", now=NOON)
        if i % 7 == 0:
            store.set_state(name, SetState.PARKED, reason="flood")
            store.set_state(name, SetState.ACTIVE, reason="looked into")
    whole = list(store.changes(after=0))
    revisions = [change.revision for change in whole]
    assert revisions == sorted(set(revisions))
    assert revisions[-1] == store.last_revision()
    for i, change in enumerate(whole):
        assert list(store.changes(after=change.revision)) == whole[i + 1 :]


def test_pages_of_history_and_of_entries_join_without_a_seam(
    store: SqlSetStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lightkeeper.storage._history._PAGE", 7)
    monkeypatch.setattr("lightkeeper.storage._read._PAGE", 7)
    store.create_set(LIGHTHOUSES)
    batch = [digest(i) for i in range(35)]
    store.upsert("lighthouses", batch, source="a", now=NOON)
    store.withdraw("lighthouses", keys(*batch[:14]), reason="retracted", now=NOON)
    assert found(store) == {entry.value for entry in batch[14:]}
    numbers = [entry.number for entry in store.entries("lighthouses")]
    assert numbers == sorted(numbers)
    assert len(numbers) == 35
    rest = [entry.number for entry in store.entries("lighthouses", after=numbers[9])]
    assert rest == numbers[10:]


def test_a_source_has_one_vote_on_an_entry_and_may_change_it(store: SqlSetStore) -> None:
    store.create_set(LIGHTHOUSES)
    store.upsert("lighthouses", [digest(1)], source="a", now=NOON)
    (key,) = keys(digest(1))
    for source, agree in (("b", True), ("c", True), ("b", True), ("c", False)):
        store.vote("lighthouses", key, agree=agree, source=source)
    (held,) = store.entries("lighthouses")
    assert (held.votes_for, held.votes_against) == (1, 1)
    with pytest.raises(MatchError, match="no such entry"):
        store.vote("lighthouses", ("md5", "00" * 16), agree=True, source="b")


def test_matches_are_counted_by_the_hour(store: SqlSetStore) -> None:
    store.create_set(LIGHTHOUSES)
    for minutes, matches in ((0, 1), (59, 2), (60, 4), (200, 8)):
        moment = NOON + timedelta(minutes=minutes)
        store.count_matches("lighthouses", matches, 100, now=moment)
    counted = store.match_history("lighthouses", since=NOON + HOUR)
    assert [(hour.hour, hour.matches, hour.lookups) for hour in counted] == [
        (NOON + HOUR, 4, 100),
        (NOON + 3 * HOUR, 8, 100),
    ]
    assert store.match_history("lighthouses", since=NOON)[0].matches == 3


def test_a_time_without_a_zone_is_refused(store: SqlSetStore) -> None:
    store.create_set(LIGHTHOUSES)
    with pytest.raises(MatchError, match="time zone"):
        store.upsert("lighthouses", [], source="a", now=NOON.replace(tzinfo=None))


def test_writers_take_turns_and_lose_nothing(store: SqlSetStore) -> None:
    store.create_set(LIGHTHOUSES)
    failures: list[Exception] = []

    def write(worker: int) -> None:
        try:
            for i in range(10):
                batch = [digest(worker * 1000 + i * 10 + j) for j in range(10)]
                store.upsert("lighthouses", batch, source=f"source-{worker}", now=NOON)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(found(store)) == 400
