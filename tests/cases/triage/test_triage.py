from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.cases.item import Item, ItemKind, ItemState
from lightkeeper.cases.record import (
    Arising,
    Case,
    Intake,
    Signal,
    Subject,
    SubjectKind,
    Triage,
)
from lightkeeper.cases.triage import DEFAULT_LEVELS, set_origins, triage
from lightkeeper.evidence import Basis, Claim, Hypothesis

OPENED = datetime(2026, 3, 1, 12, tzinfo=UTC)


def case(**changes: Any) -> Case:
    blank = Triage(score=0, reasons=(), due=OPENED, rank=0.0)
    return replace(
        Case(
            id="c",
            arising=Arising.UPLOADED,
            intake=Intake.API,
            subject=Subject(SubjectKind.USER, "user-1"),
            queue="default",
            opened=OPENED,
            source="key",
            triage=blank,
        ),
        **changes,
    )


def media(*findings: dict[str, Any], state: ItemState = ItemState.EXAMINED) -> Item:
    return Item(
        id="i",
        case="c",
        kind=ItemKind.MEDIA,
        state=state,
        added=OPENED,
        examination={"findings": list(findings)} if findings else None,
    )


def match(origin: str, **labels: Any) -> dict[str, Any]:
    return {
        "claim": "known-material",
        "basis": "known",
        "supports": {"generated": "generated", "photographed": "captured"}.get(origin),
        "details": {"origin": origin, "labels": labels},
    }


def codes(found: Triage) -> set[str]:
    return {reason.code for reason in found.reasons}


GENERATION = st.fixed_dictionaries(
    {
        "claim": st.sampled_from([c.value for c in Claim]),
        "basis": st.sampled_from([b.value for b in Basis]),
        "supports": st.sampled_from([Hypothesis.GENERATED.value, Hypothesis.AI_EDITED.value]),
        "conflict": st.none() | st.just("copied-mark"),
        "details": st.none()
        | st.fixed_dictionaries(
            {
                "origin": st.sampled_from(["generated", "altered"]),
                "labels": st.just({"computer_generated": True}),
            }
        ),
    }
)
OTHER = st.sampled_from(
    [
        match("photographed"),
        match("photographed", industry_class="A1", victim_identified=True),
        match("unknown", industry_class="B2"),
        {"claim": "captured", "basis": "asserted", "supports": "captured"},
        {"claim": "contradiction", "basis": "asserted", "supports": None},
    ]
)


@given(
    st.lists(OTHER, max_size=4),
    st.lists(GENERATION, min_size=1, max_size=4),
    st.frozensets(st.sampled_from(Signal)),
    st.sampled_from(Arising),
)
def test_evidence_of_generation_never_lowers_a_priority(
    before: list[dict[str, Any]],
    more: list[dict[str, Any]],
    signals: frozenset[Signal],
    arising: Arising,
) -> None:
    one = case(signals=signals, arising=arising)
    without = triage(one, [media(*before)])
    with_it = triage(one, [media(*before, *more)])
    assert with_it.score >= without.score
    assert with_it.rank <= without.rank
    assert with_it.due <= without.due


@given(st.frozensets(st.sampled_from(Signal)), st.sampled_from(Signal))
def test_a_signal_never_lowers_a_priority(signals: frozenset[Signal], more: Signal) -> None:
    assert (
        triage(case(signals=signals | {more}), []).score >= triage(case(signals=signals), []).score
    )


@given(st.lists(OTHER | GENERATION, max_size=6), st.frozensets(st.sampled_from(Signal)))
def test_the_score_is_the_sum_of_its_reasons(
    findings: list[dict[str, Any]], signals: frozenset[Signal]
) -> None:
    found = triage(case(signals=signals), [media(*findings)])
    assert found.score == min(sum(reason.points for reason in found.reasons), 1000)
    assert all(reason.sentence for reason in found.reasons)


def test_a_match_in_a_generated_set_leaves_a_picture_new() -> None:
    assert "novel" in codes(triage(case(), [media(match("generated"))]))


def test_a_match_in_a_photographed_set_ends_novelty() -> None:
    assert "novel" not in codes(triage(case(), [media(match("photographed"))]))


def test_what_is_not_examined_counts_as_new() -> None:
    assert "novel" in codes(triage(case(), [media(state=ItemState.WAITING)]))


def test_what_a_person_has_decided_before_is_not_new() -> None:
    found = triage(case(), [media(match("generated"))], decided_before=True)
    assert "novel" not in codes(found)
    assert "decided-before" in codes(found)


def test_novelty_stands_above_any_volume() -> None:
    new = triage(case(), [media()])
    often = triage(case(times_reported=100_000), [media(match("unknown"))] * 50)
    assert new.score > often.score


@pytest.mark.parametrize("signal", [Signal.IMMINENT_HARM, Signal.LIVE, Signal.SEXTORTION])
def test_imminence_stands_above_everything_that_files_show(signal: Signal) -> None:
    shown = match("photographed", industry_class="B1")
    camera = {"claim": "captured", "basis": "signed", "supports": "captured"}
    quiet = triage(case(), [media(shown, camera), media()])
    assert triage(case(signals=frozenset({signal})), []).score > quiet.score


def test_nothing_starves() -> None:
    least = triage(case(arising=Arising.TRAINING_DATA_FIND), [])
    longest = DEFAULT_LEVELS.point * 1000
    later = case(opened=OPENED + longest, signals=frozenset(Signal))
    assert triage(later, [media()]).rank > least.rank


def test_service_levels_follow_the_score() -> None:
    urgent = triage(case(signals=frozenset({Signal.IMMINENT_HARM})), [])
    calm = triage(case(arising=Arising.TRAINING_DATA_FIND), [])
    assert urgent.due == OPENED + timedelta(hours=1)
    assert calm.due == OPENED + timedelta(hours=72)


def test_origins_of_matched_sets_are_told_apart() -> None:
    items = [media(match("generated")), media(match("photographed"), match("generated"))]
    assert set_origins(items) == ("generated", "photographed")
