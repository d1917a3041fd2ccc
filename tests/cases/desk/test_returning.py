"""What comes back where a decision was undone."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lightkeeper.cases.decision import Decision, Outcome
from lightkeeper.cases.desk._spreading import parts_by_cluster
from lightkeeper.cases.people import Role
from lightkeeper.cases.record import CaseState, Signal
from lightkeeper.testing.cases import Office, new_picture, person

LIVE = frozenset({Signal.LIVE})
"""It keeps a case open until somebody decides about it."""


def _standing(office: Office, case_id: str) -> list[Decision]:
    return [decision for decision in office.decisions(case_id) if decision.stands]


def test_who_said_the_same_again_counts_once_the_first_is_undone(office: Office) -> None:
    held = office.opened()
    alike = [office.opened(signals=LIVE) for _ in range(2)]
    office.desk.claim(office.jon, held.id)
    first, again = [office.decide(office.ida, case.id, Outcome.CLOSE) for case in alike]
    assert [d.spread_from for d in _standing(office, held.id)] == [first.id]
    office.desk.undo(office.ida, first.id, because="wrong key")
    assert [d.spread_from for d in _standing(office, held.id)] == [again.id]
    assert office.trace(held.id)[-2:] == ["undone", "spread"]
    with office.store.reading() as reader:
        event = list(reader.events(case=held.id))[-1]
    assert (event.actor, event.details["after-undoing"]) == ("ida", first.id)


def test_a_case_that_moved_on_by_the_first_stays_there_by_the_other(office: Office) -> None:
    case, other = office.opened(), office.opened(signals=LIVE)
    office.desk.claim(office.jon, other.id)
    first = office.decide(office.ida, office.opened().id, Outcome.CLOSE)
    again = office.decide(office.jon, other.id, Outcome.CLOSE)
    office.desk.undo(office.ida, first.id, because="wrong key")
    assert office.case(case.id).state is CaseState.CLOSED
    assert [d.spread_from for d in _standing(office, case.id)] == [again.id]


def test_the_newest_of_the_others_counts(office: Office) -> None:
    held = office.opened()
    alike = [office.opened(signals=LIVE) for _ in range(3)]
    office.desk.claim(office.jon, held.id)
    outcomes = [Outcome.CLOSE, Outcome.REPORT, Outcome.REPORT]
    made = [office.decide(office.ida, c.id, o) for c, o in zip(alike, outcomes, strict=True)]
    office.desk.undo(office.ida, made[1].id, because="wrong key")
    assert _standing(office, held.id)[-1].spread_from == made[2].id


def test_the_case_whose_own_decision_was_undone_is_told_and_stays_open(office: Office) -> None:
    own, other = [office.opened(signals=LIVE) for _ in range(2)]
    mine = office.decide(office.ida, own.id, Outcome.CLOSE)
    theirs = office.decide(office.jon, other.id, Outcome.CLOSE)
    assert office.desk.undo(office.ida, mine.id, because="look again").state is CaseState.OPEN
    assert [d.spread_from for d in _standing(office, own.id)] == [theirs.id]


def test_what_a_person_has_taken_out_of_a_case_does_not_come_back(office: Office) -> None:
    case = office.opened()
    alike = [office.opened(signals=LIVE) for _ in range(2)]
    first = office.decide(office.ida, alike[0].id, Outcome.CLOSE)
    office.decide(office.jon, alike[1].id, Outcome.CLOSE)
    (copy,) = office.decisions(case.id)
    office.desk.undo(office.ida, copy.id, because="not this one")
    again = office.opened(signals=LIVE)
    office.desk.claim(office.lea, case.id)
    third = office.decide(office.ida, again.id, Outcome.REFER)
    office.desk.undo(office.ida, third.id, because="wrong key")
    assert _standing(office, case.id) == []
    assert first.stands


@pytest.mark.parametrize("hidden", ["queue", "dispute", "second opinion awaited"])
def test_what_does_not_speak_for_others_does_not_come_back(hidden: str) -> None:
    office = Office(second_opinion_share=0.0)
    case = office.opened()
    other = office.opened(signals=LIVE, queue="other" if hidden == "queue" else "default")
    una = person("una", Role.REVIEWER, queues=frozenset({"default"}))
    office.desk.claim(office.lea, case.id)
    first = office.decide(una, office.opened().id, Outcome.CLOSE)
    office.decide(office.jon, other.id, Outcome.CLOSE)
    if hidden != "queue":
        office.desk.ask_second_opinion(office.lea, other.id)
    if hidden == "dispute":
        office.decide(office.ida, other.id, Outcome.REPORT)
    office.desk.undo(una, first.id, because="wrong key")
    assert _standing(office, case.id) == []


class ClusterMachine(RuleBasedStateMachine):
    """Near-duplicates that are there from the beginning, and people who decide and undo."""

    def __init__(self) -> None:
        super().__init__()
        self.office = Office()
        self.cases: list[str] = []

    @initialize(live=st.lists(st.booleans(), min_size=3, max_size=5), two=st.booleans())
    def open(self, live: list[bool], two: bool) -> None:
        for number, is_live in enumerate(live):
            pictures = [new_picture(1), *([new_picture(2)] if two and number % 2 else [])]
            signals = LIVE if is_live else frozenset()
            self.cases.append(self.office.opened(*pictures, signals=signals).id)

    @rule(
        number=st.integers(0, 4),
        outcome=st.sampled_from(Outcome),
        industry_class=st.sampled_from(["none", "B2"]),
    )
    def decide(self, number: int, outcome: Outcome, industry_class: str) -> None:
        case = self.cases[number % len(self.cases)]
        if self.office.case(case).state is CaseState.OPEN:
            self.office.desk.claim(self.office.lea, case)
            self.office.decide(self.office.lea, case, outcome, industry_class=industry_class)

    @rule(number=st.integers(0, 4), claimed=st.booleans())
    def claim(self, number: int, claimed: bool) -> None:
        case = self.office.case(self.cases[number % len(self.cases)])
        if case.state is CaseState.OPEN and claimed and case.claim is None:
            self.office.desk.claim(self.office.jon, case.id)

    @precondition(lambda self: self.own())
    @rule(which=st.integers(0, 9))
    def undo(self, which: int) -> None:
        own = self.own()
        self.office.desk.undo(self.office.lea, own[which % len(own)].id, because="looked again")

    def own(self) -> list[Decision]:
        """Decisions of people that stand."""
        found = [d for case in self.cases for d in _standing(self.office, case)]
        return [decision for decision in found if decision.spread_from is None]

    @invariant()
    def whoever_is_undecided_carries_a_copy_if_and_only_if_somebody_speaks_for_it(self) -> None:
        own = self.own()
        with self.office.store.reading() as reader:
            spoken = {decision.id: parts_by_cluster(reader, decision) for decision in own}
        for case in self.cases:
            standing = _standing(self.office, case)
            if any(decision.spread_from is None for decision in standing):
                continue
            carried = {part.item for decision in standing for part in decision.items}
            for item in self.office.items(case):
                others = [d for d in own if item.cluster in spoken[d.id]]
                assert (item.id in carried) is bool(others)

    @invariant()
    def nothing_is_carried_from_what_was_undone(self) -> None:
        own = {decision.id for decision in self.own()}
        for case in self.cases:
            for decision in _standing(self.office, case):
                assert decision.spread_from is None or decision.spread_from in own

    @invariant()
    def what_has_moved_on_is_covered(self) -> None:
        for case in self.cases:
            if self.office.case(case).state is not CaseState.OPEN:
                standing = _standing(self.office, case)
                named = {part.item for decision in standing for part in decision.items}
                assert {item.id for item in self.office.items(case)} <= named


ClusterMachine.TestCase.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)
TestCluster = ClusterMachine.TestCase
