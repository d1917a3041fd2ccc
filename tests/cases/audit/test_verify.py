"""Any change to the audit is found, and the place is told."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.cases.audit import (
    GENESIS,
    Action,
    Anchor,
    Event,
    EventDraft,
    Flaw,
    Head,
    extend,
    link,
    seal,
    verify,
)
from lightkeeper.cases.audit._verify import Break
from lightkeeper.errors import CaseError

KEY = bytes(range(32))
START = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
drafts = st.builds(
    EventDraft,
    at=st.datetimes(timezones=st.just(UTC)),
    actor=texts,
    action=st.sampled_from(Action),
    object=texts,
    case=st.none() | texts,
    details=st.dictionaries(texts, texts, max_size=3),
)


def _chain(drafts: list[EventDraft]) -> list[Event]:
    events: list[Event] = []
    for draft in drafts:
        previous = events[-1].digest if events else GENESIS
        events.append(link(previous, len(events) + 1, draft))
    return events


def _plain(count: int) -> list[Event]:
    return _chain(
        [
            EventDraft(
                at=START + timedelta(seconds=number),
                actor=f"person{number}",
                action=Action.READ,
                object=f"case:{number}",
                case=f"{number}",
                details={"reason": "umbrella"},
            )
            for number in range(1, count + 1)
        ]
    )


def _flaws(events: list[Event], head: Head | None, key: bytes | None = KEY) -> list[Any]:
    return [(b.flaw, b.sequence) for b in verify(events, head, key).breaks]


chains = st.lists(drafts, min_size=1, max_size=6).map(_chain)


@given(chains)
def test_an_untouched_chain_is_intact(events: list[Event]) -> None:
    report = verify(events, seal(events[-1], KEY), KEY)
    assert report.intact
    assert report.sealed is True
    assert (report.events, report.last) == (len(events), len(events))


def test_an_empty_audit_is_intact_and_says_that_nothing_was_sealed() -> None:
    report = verify([], None, KEY)
    assert report.intact
    assert (report.events, report.last, report.sealed) == (0, 0, None)


def _changes_of(event: Event, data: st.DataObject) -> Event:
    """The event with one byte of one field changed."""
    name = data.draw(st.sampled_from([f.name for f in dataclasses.fields(Event)]))
    value = getattr(event, name)
    return dataclasses.replace(event, **{name: _altered(value, data)})


def _altered(value: Any, data: st.DataObject) -> Any:
    if isinstance(value, bytes):
        place = data.draw(st.integers(0, len(value) - 1))
        flipped = value[place] ^ data.draw(st.integers(1, 255))
        return value[:place] + bytes([flipped]) + value[place + 1 :]
    if isinstance(value, str):
        place = data.draw(st.integers(0, len(value)))
        cut = data.draw(st.integers(0, 1))
        other = value[:place] + data.draw(texts) + value[place + cut :]
        return other if other != value else value + "x"
    if isinstance(value, datetime):
        step = timedelta(microseconds=data.draw(st.integers(1, 10**6)))
        return value - step if value.year > 9000 else value + step
    if isinstance(value, int):
        return value ^ (1 << data.draw(st.integers(0, 62)))
    if value is None:
        return data.draw(texts)
    pairs = list(value.items())
    if not pairs or data.draw(st.booleans()):
        return {**value, data.draw(texts.filter(lambda t: t not in value)): ""}
    name, text = data.draw(st.sampled_from(pairs))
    return {**value, name: _altered(text, data)}


@given(chains, st.data())
def test_any_change_of_any_field_of_any_event_is_found(
    events: list[Event], data: st.DataObject
) -> None:
    head = seal(events[-1], KEY)
    place = data.draw(st.integers(0, len(events) - 1))
    changed = [*events]
    changed[place] = _changes_of(events[place], data)
    report = verify(changed, head, KEY)
    assert not report.intact
    assert {b.sequence for b in report.breaks} & {place + 1, place + 2, changed[place].sequence}


@given(chains, st.data())
def test_any_removal_is_found_even_at_the_end(events: list[Event], data: st.DataObject) -> None:
    head = seal(events[-1], KEY)
    first = data.draw(st.integers(0, len(events) - 1))
    count = data.draw(st.integers(1, len(events) - first))
    assert not verify([*events[:first], *events[first + count :]], head, KEY).intact


@given(st.lists(drafts, min_size=2, max_size=6).map(_chain), st.data())
def test_any_two_events_that_change_places_are_found(
    events: list[Event], data: st.DataObject
) -> None:
    head = seal(events[-1], KEY)
    one, other = data.draw(
        st.lists(st.integers(0, len(events) - 1), min_size=2, max_size=2, unique=True)
    )
    events[one], events[other] = events[other], events[one]
    assert not verify(events, head, KEY).intact


@given(st.lists(drafts, min_size=2, max_size=6).map(_chain), st.data())
def test_an_event_that_was_made_another_with_a_fitting_digest_is_found(
    events: list[Event], data: st.DataObject
) -> None:
    head = seal(events[-1], KEY)
    place = data.draw(st.integers(0, len(events) - 1))
    draft = data.draw(drafts)
    events[place] = link(events[place].previous, place + 1, draft)
    report = verify(events, head, KEY)
    if events[place].digest != head.digest and place == len(events) - 1:
        assert [b.flaw for b in report.breaks] == [Flaw.END_DIFFERS]
    elif not report.intact:
        assert report.breaks[0] == Break(Flaw.BROKEN_LINK, place + 2)


@given(drafts, drafts)
def test_two_events_have_one_digest_only_where_they_are_equal(
    one: EventDraft, other: EventDraft
) -> None:
    assert (link(GENESIS, 1, one).digest == link(GENESIS, 1, other).digest) == (one == other)


def test_the_place_of_each_flaw_is_told() -> None:
    events = _plain(6)
    head = seal(events[-1], KEY)
    changed = [*events]
    changed[2] = dataclasses.replace(events[2], actor="somebody")
    assert _flaws(changed, head) == [(Flaw.CHANGED, 3)]
    assert _flaws(events[:2] + events[3:], head) == [(Flaw.MISSING, 4)]
    assert _flaws(events[:4], head) == [(Flaw.END_DIFFERS, 5)]
    assert _flaws([*events[:3], events[2], *events[3:]], head) == [(Flaw.OUT_OF_ORDER, 3)]
    assert _flaws(events, None) == [(Flaw.HEAD_MISSING, 6)]
    assert _flaws([], head) == [(Flaw.END_DIFFERS, 1)]


def test_a_rewritten_chain_without_the_key_is_found_by_the_seal() -> None:
    forged = _plain(3)[:2]
    head = seal(forged[-1], b"another key")
    assert _flaws(forged, head) == [(Flaw.HEAD_FORGED, 2)]
    unchecked = verify(forged, head, None)
    assert unchecked.intact
    assert unchecked.sealed is None


def test_a_head_moved_to_an_earlier_event_is_found() -> None:
    events = _plain(4)
    honest = seal(events[-1], KEY)
    moved = Head(2, events[1].digest, honest.mac)
    assert _flaws(events[:2], moved) == [(Flaw.HEAD_FORGED, 2)]


def test_history_rewritten_with_the_key_does_not_run_through_an_anchor() -> None:
    events = _plain(5)
    anchor = Anchor(4, events[3].digest, START)
    rewritten = _plain(1)
    for event in events[1:]:
        draft = EventDraft(at=event.at, actor="nobody", action=Action.LISTED, object="service")
        rewritten.append(link(rewritten[-1].digest, event.sequence, draft))
    head = seal(rewritten[-1], KEY)
    assert verify(rewritten, head, KEY).intact
    report = verify(rewritten, head, KEY, anchors=[anchor])
    assert [(b.flaw, b.sequence) for b in report.breaks] == [(Flaw.ANCHOR_DIFFERS, 4)]


def test_a_history_rolled_back_with_its_own_head_ends_before_an_anchor() -> None:
    events = _plain(5)
    anchors = [Anchor(2, events[1].digest, START), Anchor(5, events[4].digest, START)]
    report = verify(events[:3], seal(events[2], KEY), KEY, anchors=anchors)
    assert report.anchors == 1
    assert [(b.flaw, b.sequence) for b in report.breaks] == [(Flaw.ANCHOR_MISSING, 5)]


def test_a_chain_that_is_broken_everywhere_is_counted_without_being_held() -> None:
    events = [dataclasses.replace(event, actor="somebody") for event in _plain(300)]
    report = verify(iter(events), None, KEY)
    assert report.found == 301
    assert len(report.breaks) == 100


def test_what_no_event_can_hold_is_a_change_and_no_failure() -> None:
    events = _plain(3)
    head = seal(events[-1], KEY)
    for wrong in (
        {"details": {"reason": 1.5}},
        {"details": {"reason": ["umbrella"]}},
        {"details": {1: "umbrella"}},
        {"actor": "\ud800"},
        {"at": datetime(2026, 5, 4, 9, 30, 2)},
        {"at": "2026-05-04"},
    ):
        changed: Any = dataclasses.replace(events[1], **wrong)
        assert _flaws([events[0], changed, events[2]], head) == [(Flaw.CHANGED, 2)]


def test_times_of_other_zones_are_the_same_moment() -> None:
    zone = datetime.fromisoformat("2026-05-04T11:30:00+02:00").tzinfo
    draft = EventDraft(at=START, actor="a", action=Action.READ, object="case:1")
    elsewhere = dataclasses.replace(draft, at=START.astimezone(zone))
    assert link(GENESIS, 1, draft) == link(GENESIS, 1, elsewhere)


def test_text_that_no_data_base_keeps_is_replaced_before_it_is_chained() -> None:
    draft = EventDraft(
        at=START, actor="a\0", action=Action.READ, object="b\ud800", details={"c\0": "d\udfff"}
    )
    event = link(GENESIS, 1, draft)
    assert event.actor == "a\N{REPLACEMENT CHARACTER}"
    assert event.object == "b\N{REPLACEMENT CHARACTER}"
    assert event.details == {"c\N{REPLACEMENT CHARACTER}": "d\N{REPLACEMENT CHARACTER}"}
    assert verify([event], seal(event, KEY), KEY).intact


def test_the_format_is_pinned() -> None:
    event = link(GENESIS, 1, EventDraft(at=START, actor="a", action=Action.READ, object="case:1"))
    assert event.digest.hex() == PINNED_DIGEST
    assert seal(event, KEY).mac.hex() == PINNED_MAC


PINNED_DIGEST = "5ce8d9f67bd11bd1c1a5ad53fed3b219af14b0dd23faba64550585619ba3af1b"
PINNED_MAC = "cb998d76f70e6375b239fe1fbfe9b56bacfb3c1e698e01942f60e07ef9e89793"


def test_a_store_appends_to_a_sealed_end_only() -> None:
    drafts = [
        EventDraft(at=START, actor="a", action=Action.READ, object=f"case:{number}")
        for number in range(4)
    ]
    first, head = extend(None, drafts[:2], KEY)
    more, end = extend(head, drafts[2:], KEY)
    assert [*first, *more] == _chain(drafts)
    assert verify([*first, *more], end, KEY).intact
    # Whoever cuts the chain cannot have the next event seal the cut.
    cut = Head(2, first[1].digest, end.mac)
    with pytest.raises(CaseError, match="end of the audit was altered"):
        extend(cut, drafts, KEY)
    with pytest.raises(CaseError):
        extend(end, drafts, b"another key")


@pytest.mark.parametrize("case", [None, ""])
def test_no_case_and_an_empty_name_differ(case: str | None) -> None:
    draft = EventDraft(at=START, actor="a", action=Action.READ, object="o", case=case)
    other = dataclasses.replace(draft, case="" if case is None else None)
    assert link(GENESIS, 1, draft).digest != link(GENESIS, 1, other).digest
