"""What every store of cases promises: the one in memory, SQLite and PostgreSQL alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from lightkeeper.cases import CaseStore
from lightkeeper.cases.audit import Action, verify
from lightkeeper.cases.item import ItemState, ViewMode
from lightkeeper.cases.record import (
    Arising,
    CaseState,
    Claim,
    Outline,
    Signal,
    Triage,
    TriageReason,
)
from lightkeeper.cases.triage import CaseFilter, SavedQueue, Sort
from lightkeeper.errors import CaseError, CaseNotFound, StaleCase
from lightkeeper.testing.cases._reader import AUDIT_KEY

from .stand_ins import HOUR, NOON, a_case, a_decision, a_view, an_event, an_item, media

ALL = CaseFilter()


def keep(store: CaseStore, *cases: object) -> None:
    with store.writing() as unit:
        for case in cases:
            unit.add_case(case)  # type: ignore[arg-type]


def test_a_case_comes_back_as_it_was_kept(store: CaseStore) -> None:
    reason = TriageReason("live", 300, "It is happening live.")
    full = a_case(
        occurred=datetime(2026, 3, 1, 1, 2, 3, 4, tzinfo=UTC),
        source_id="s/1",
        signals=frozenset({Signal.LIVE, Signal.SEXTORTION}),
        triage=Triage(score=300, reasons=(reason,), due=NOON + HOUR, rank=1234.000001),
        outline=Outline(items=2, origin="generated", set_origins=("generated", "mixed")),
        claim=Claim(person="ada", until=NOON),
        assigned="bo",
        preserve_until=NOON + 365 * 24 * HOUR,
        hold="a court asks",
        note="ünïcödé \u0000 \U0001f6b2",
    )
    keep(store, full)
    with store.reading() as unit:
        assert unit.case("c1") == full
        assert unit.case_of_source("key-1", "s/1") == full
        assert unit.case("c2") is None
        assert unit.case_of_source("key-2", "s/1") is None


def test_a_time_of_another_zone_is_the_same_moment(store: CaseStore) -> None:
    there = datetime(2026, 3, 1, 23, 30, tzinfo=timezone(timedelta(hours=14)))
    keep(store, a_case(opened=there))
    with store.reading() as unit:
        case = unit.case("c1")
        assert case is not None
        assert case.opened == there


def test_the_same_identifier_of_a_source_is_taken_once(store: CaseStore) -> None:
    keep(store, a_case("c1", source_id="7"))
    with pytest.raises(CaseError):
        keep(store, a_case("c2", source_id="7"))
    keep(store, a_case("c3", source_id="7", source="key-2"), a_case("c4"), a_case("c5"))


def test_only_the_version_that_was_read_is_replaced(store: CaseStore) -> None:
    keep(store, a_case())
    with store.writing() as unit:
        saved = unit.save_case(a_case(note="first"))
    assert saved.version == 1
    with pytest.raises(StaleCase), store.writing() as unit:
        unit.save_case(a_case(note="second"))
    with pytest.raises(CaseNotFound), store.writing() as unit:
        unit.save_case(a_case("c2"))
    with store.reading() as unit:
        assert unit.case("c1") == saved


def test_a_transaction_that_fails_leaves_nothing(store: CaseStore) -> None:
    def open_twice() -> None:
        with store.writing() as unit:
            unit.append([an_event()])
            unit.add_case(a_case())
            unit.add_case(a_case())

    with pytest.raises(CaseError):
        open_twice()
    with store.reading() as unit:
        assert unit.case("c1") is None
        assert unit.head() is None
        assert list(unit.events()) == []


def test_items_come_back_in_their_order_with_what_was_found(store: CaseStore) -> None:
    examined = an_item(
        "i2",
        media=media(),
        state=ItemState.EXAMINED,
        facts={"ip": "192.0.2.1"},
        examination={"schema": "lightkeeper.scan/1", "findings": [{"value": 0.25, "ü": None}]},
    )
    keep(store, a_case("c1"), a_case("c2"))
    with store.writing() as unit:
        for item in (an_item("i9"), examined, an_item("i1")):
            unit.add_item(item)
        unit.add_item(an_item("i3", "c2"))
    with store.reading() as unit:
        assert unit.items("c1") == (an_item("i9"), examined, an_item("i1"))
        assert unit.item("i2") == examined
        assert unit.item("i4") is None


def test_an_item_is_replaced_in_its_place(store: CaseStore) -> None:
    keep(store, a_case())
    done = an_item("i1", state=ItemState.FAILED)
    with store.writing() as unit:
        unit.add_item(an_item("i1"))
        unit.add_item(an_item("i2"))
        unit.save_item(done)
        with pytest.raises(CaseNotFound):
            unit.save_item(an_item("i3"))
    with store.reading() as unit:
        assert unit.items("c1") == (done, an_item("i2"))


def test_an_item_needs_its_case(store: CaseStore) -> None:
    with pytest.raises(CaseError), store.writing() as unit:
        unit.add_item(an_item())


def test_items_wait_in_the_order_of_their_cases_urgency(store: CaseStore) -> None:
    keep(store, a_case("c1", rank=5.0), a_case("c2", rank=3.0))
    with store.writing() as unit:
        unit.add_item(an_item("i1", "c1"))
        unit.add_item(an_item("i2", "c2"))
        unit.add_item(an_item("i3", "c2", state=ItemState.EXAMINED))
        assert unit.items_waiting(10) == ("i2", "i1")
        urgent = replace(a_case("c1", rank=1.0), id="c1")
        unit.save_case(urgent)
        assert unit.items_waiting(10) == ("i1", "i2")
        assert unit.items_waiting(1) == ("i1",)
        unit.save_item(an_item("i1", "c1", state=ItemState.EXAMINED))
        unit.save_case(a_case("c2", state=CaseState.DESTROYED))
    with store.reading() as unit:
        assert unit.items_waiting(10) == ()


def test_near_duplicates_are_found_by_content_and_by_key(store: CaseStore) -> None:
    keep(store, a_case("c1"), a_case("c2", opened=NOON - HOUR, state=CaseState.CLOSED))
    early = an_item("i2", "c2", cluster="k", likeness="model", added=NOON - HOUR)
    late = an_item("i1", "c1", media=media(1), cluster="k", likeness="pdq")
    with store.writing() as unit:
        unit.add_item(late)
        unit.add_item(early, cluster_key="m" * 5000)
        unit.add_item(an_item("i3", media=media(2)))
        unit.add_item(an_item("i4", cluster="l", likeness="model"), cluster_key="m" * 5000)
    with store.reading() as unit:
        assert unit.cluster("k") == (early, late)
        assert dict(unit.cluster_sizes(["k", "l", "none"])) == {"k": 2, "l": 1}
        assert dict(unit.cluster_sizes([])) == {}
        assert unit.cluster_of_digest(f"{1:064x}") == "k"
        assert unit.cluster_of_digest(f"{2:064x}") is None
        assert unit.cluster_of_key("model", "m" * 5000) == "k"
        assert unit.cluster_of_key("parameters", "m" * 5000) is None
        assert unit.cluster_cases("k", ALL, now=NOON, limit=5) == ("c2", "c1")
        assert unit.cluster_cases("k", ALL, now=NOON, limit=1) == ("c2",)
        still_open = CaseFilter(states=frozenset({CaseState.OPEN}))
        assert unit.cluster_cases("k", still_open, now=NOON, limit=5) == ("c1",)


def test_decisions_about_a_cluster_are_found_but_those_that_were_spread(store: CaseStore) -> None:
    keep(store, a_case("c1"), a_case("c2", queue="other"), a_case("c3"))
    made = [a_decision("d1", "c1"), a_decision("d2", "c2"), a_decision("d3", "c1")]
    with store.writing() as unit:
        for number, case in enumerate(("c1", "c1", "c2"), 1):
            unit.add_item(an_item(f"i{number}", case, cluster="k"))
        unit.add_item(an_item("i4", "c3", cluster="l"))
        for decision in (*made, a_decision("d4", "c1", spread_from="d2"), a_decision("d5", "c3")):
            unit.add_decision(decision)
        unit.save_decision(replace(made[0], undone=NOON))
        found = unit.cluster_decisions("k", ALL, now=NOON, limit=5)
        assert [decision.id for decision in found] == ["d3", "d2", "d1"]
        assert not found[-1].stands
        assert unit.cluster_decisions("k", ALL, now=NOON, limit=1) == found[:1]
        there = CaseFilter(queues=frozenset({"other"}), states=frozenset({CaseState.OPEN}))
        assert unit.cluster_decisions("k", there, now=NOON, limit=5) == found[1:2]


def test_members_are_numbered_once_as_they_join(store: CaseStore) -> None:
    keep(store, a_case())
    with store.writing() as unit:
        unit.add_item(an_item("i1", media=media(1), cluster="k"))
        unit.add_item(an_item("i2", media=media(2)))
        unit.add_item(an_item("i3", media=media(3, pdq=None), cluster="k"))
        assert [member.item for _, member in unit.members_since(0)] == ["i1"]
    with store.writing() as unit:
        unit.save_item(an_item("i2", media=media(2), cluster="l"))
        unit.save_item(an_item("i1", media=media(1), cluster="k", state=ItemState.EXAMINED))
    with store.reading() as unit:
        numbers = {member.item: number for number, member in unit.members_since(0)}
        assert numbers == {"i1": 1, "i2": 2}
        ((number, member),) = unit.members_since(1)
        assert (number, member.cluster, member.case, member.pdq_quality) == (2, "l", "c1", 90)
        assert member.pdq == "ab" * 32


def test_a_decision_is_undone_and_never_changed(store: CaseStore) -> None:
    keep(store, a_case("c1"), a_case("c2"))
    first, second = a_decision("d9"), a_decision("d1", second=True)
    spread = a_decision("d3", "c2", spread_from="d9")
    undone = replace(first, undone=NOON + HOUR, undone_by="bo", undone_because="a mistake")
    with store.writing() as unit:
        for decision in (first, second, spread):
            unit.add_decision(decision)
        unit.save_decision(undone)
        with pytest.raises(CaseError, match="never changed"):
            unit.save_decision(replace(first, comment="another"))
        with pytest.raises(CaseNotFound):
            unit.save_decision(a_decision("d7"))
    with store.reading() as unit:
        assert unit.decisions("c1") == (undone, second)
        assert unit.decision("d9") == undone
        assert unit.decision("d7") is None
        assert unit.spread("d9") == (spread,)


def test_views_are_found_by_item_case_and_person(store: CaseStore) -> None:
    keep(store, a_case())
    late = a_view("v1", started=NOON + HOUR, mode=ViewMode.CLEAR, severity=2)
    early, other = a_view("v2"), a_view("v3", item_id="i2", person="bo")
    longer = replace(late, seconds=2.5, entire=True)
    with store.writing() as unit:
        unit.add_item(an_item("i1"))
        unit.add_item(an_item("i2"))
        for view in (late, early, other):
            unit.add_view(view)
        unit.save_view(longer)
        with pytest.raises(CaseNotFound):
            unit.save_view(a_view("v4"))
    with store.reading() as unit:
        assert unit.view("v1") == longer
        assert unit.view("v4") is None
        assert unit.views("i1") == (early, longer)
        assert unit.case_views("c1") == (early, other, longer)
        assert unit.views_of("ada", NOON) == (early, longer)
        assert unit.views_of("ada", NOON + HOUR) == (longer,)
        assert list(unit.views_since(NOON)) == [early, other, longer]


def test_the_next_case_is_free_for_whoever_asks(store: CaseStore) -> None:
    taken = Claim(person="bo", until=NOON + HOUR)
    keep(
        store,
        a_case("c1", rank=1.0, claim=taken),
        a_case("c2", rank=2.0, assigned="bo"),
        a_case("c3", rank=3.0),
        a_case("c4", rank=4.0, claim=replace(taken, until=NOON)),
        a_case("c5", rank=5.0, assigned="ada"),
        a_case("c0", rank=0.0, state=CaseState.CLOSED),
    )
    which = CaseFilter(states=frozenset({CaseState.OPEN}))

    def next_of(person: str, now: datetime = NOON) -> str | None:
        with store.writing() as unit:
            found = unit.next_unclaimed(which, person=person, sort=Sort.RANK, now=now)
            return None if found is None else found.id

    assert next_of("ada") == "c3"
    assert next_of("bo") == "c2"
    assert next_of("ada", NOON + HOUR) == "c1"
    with store.writing() as unit:
        unit.add_skip("c3", "ada", until=NOON + 9 * HOUR)
        unit.add_skip("c3", "ada", until=NOON + HOUR)
        unit.add_skip("c4", "ada", until=NOON + HOUR)
    assert next_of("ada") == "c5"
    assert next_of("cy") == "c3"
    with store.writing() as unit:
        nobody = CaseFilter(queues=frozenset())
        assert unit.next_unclaimed(nobody, person="ada", sort=Sort.DUE, now=NOON) is None


def test_cases_are_counted_by_kind_day_and_age(store: CaseStore) -> None:
    midnight = datetime(2026, 3, 1, tzinfo=UTC)
    keep(
        store,
        a_case("c1", opened=midnight),
        a_case("c2", opened=midnight - timedelta(microseconds=1), arising=Arising.MODEL_FILE),
        a_case("c3", opened=NOON, state=CaseState.SECOND_OPINION, queue="urgent"),
        a_case("c4", opened=NOON, state=CaseState.CLOSED),
        a_case("c5", opened=NOON - 80 * HOUR),
    )
    with store.reading() as unit:
        assert dict(unit.counts_by_arising(since=midnight)) == {"uploaded": 3}
        assert dict(unit.opened_by_day(since=midnight - HOUR)) == {
            ("2026-02-28", "model-file"): 1,
            ("2026-03-01", "uploaded"): 3,
        }
        assert dict(unit.ages(now=NOON + HOUR)) == {
            ("default", "1h-1d"): 2,
            ("urgent", "1h-1d"): 1,
            ("default", "over-3d"): 1,
        }
        assert unit.count(ALL, now=NOON) == 5
        assert unit.count(ALL, now=NOON, most=2) == 2


def test_what_need_not_be_kept_is_found(store: CaseStore) -> None:
    keep(
        store,
        a_case("c1", preserve_until=NOON),
        a_case("c2", preserve_until=NOON, hold="a court asks"),
        a_case("c3", preserve_until=NOON + HOUR),
        a_case("c4", preserve_until=NOON - HOUR, state=CaseState.DESTROYED),
        a_case("c5"),
    )
    with store.reading() as unit:
        assert unit.due_for_destruction(NOON, 10) == ("c1",)
        assert unit.due_for_destruction(NOON, 0) == ()
        past = CaseFilter(past_retention=True)
        page = unit.page(past, sort=Sort.OLDEST, now=NOON)
        assert [case.id for case in page.cases] == ["c1"]
        assert unit.count(past, now=NOON) == 1
        assert unit.count(past, now=NOON - 2 * HOUR) == 0


def test_queues_and_settings_are_personal(store: CaseStore) -> None:
    which = CaseFilter(states=frozenset({CaseState.OPEN}), queues=frozenset({"a"}), known=False)
    own = SavedQueue(id="q1", name="mine", owner="ada", filter=which, sort=Sort.DUE)
    of_all = SavedQueue(id="q2", name="ours", owner=None, filter=CaseFilter(opened_before=NOON))
    with store.writing() as unit:
        unit.save_queue(own)
        unit.save_queue(of_all)
        unit.save_queue(replace(own, name="my own"))
        unit.save_preferences("ada", {"theme": "dark"})
        unit.save_preferences("ada", {"motion": "reduced"})
    with store.writing() as unit:
        assert unit.saved_queues("ada") == (replace(own, name="my own"), of_all)
        assert unit.saved_queues("bo") == (of_all,)
        assert dict(unit.preferences("ada")) == {"motion": "reduced"}
        assert dict(unit.preferences("bo")) == {}
        unit.drop_queue("q2")
        unit.drop_queue("q2")
        assert unit.saved_queues("bo") == ()


def test_the_audit_is_one_chain(store: CaseStore) -> None:
    with store.writing() as unit:
        unit.append([an_event("c1", why="a ü"), an_event("c2")])
        unit.append([an_event(None)])
        assert [event.sequence for event in unit.events()] == [1, 2, 3]
    with store.writing() as unit:
        unit.append([an_event("c1", more='a "quote"')])
    with store.reading() as unit:
        events = list(unit.events())
        assert verify(events, unit.head(), AUDIT_KEY).intact
        assert [event.case for event in events] == ["c1", "c2", None, "c1"]
        assert [event.sequence for event in unit.events(case="c1")] == [1, 4]
        assert [event.sequence for event in unit.events(after=1, limit=2)] == [2, 3]
        assert [event.sequence for event in unit.events(after=4)] == []
        assert events[0].action == Action.OPENED.value


def test_items_of_many_cases_are_asked_for_at_once(store: CaseStore) -> None:
    keep(store, a_case("c1"), a_case("c2"), a_case("c3"))
    with store.writing() as unit:
        for name, case in (("i1", "c1"), ("i2", "c2"), ("i3", "c1"), ("i4", "c3")):
            unit.add_item(an_item(name, case))
    with store.reading() as unit:
        assert [item.id for item in unit.items_of(["c1", "c2", "c1", "none"])] == ["i1", "i2", "i3"]
        assert unit.items_of([]) == ()
