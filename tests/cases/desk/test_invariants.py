"""Whatever people and programs do, in whatever order: what always holds."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from lightkeeper.cases.audit import GENESIS
from lightkeeper.cases.decision import Outcome
from lightkeeper.cases.item import ViewMode
from lightkeeper.cases.people import Actor, Permission, Role
from lightkeeper.cases.record import Arising, CaseState, Signal
from lightkeeper.cases.triage import CaseFilter, Sort
from lightkeeper.errors import CaseError, CaseNotFound, NotPermitted
from lightkeeper.testing.cases import Office, new_picture, person

IDA, JON = person("ida"), person("jon")
# Whoever decides comes up more often: refusals alone lead nowhere.
ACTORS = [
    *[IDA, JON] * 4,
    person("una", queues=frozenset({"other"})),
    person("lea", Role.LEAD),
    person("rob", Role.REPORTER),
    person("aud", Role.AUDITOR),
    person("adm", Role.ADMINISTRATOR),
    Actor(id="program", name="p", roles=frozenset({Role.INTAKE}), is_person=False),
    Actor(id="robot", name="r", roles=frozenset(Role), is_person=False),
]
JUDGING = {Permission.REVIEW, Permission.KEEP, Permission.VIEW_MEDIA}


class DeskMachine(RuleBasedStateMachine):
    cases = Bundle("cases")

    def __init__(self) -> None:
        super().__init__()
        self.office = Office(second_opinion_share=0.4, reuse_known_decisions=True)
        self.opened: dict[str, Arising] = {}

    @rule(
        target=cases,
        arising=st.sampled_from([Arising.UPLOADED, Arising.TRAINING_DATA_FIND]),
        queue=st.sampled_from(["default", "other"]),
        signals=st.sets(st.sampled_from(Signal), max_size=1),
        seeds=st.lists(st.integers(1, 3), min_size=1, max_size=2),
    )
    def open(self, arising: Arising, queue: str, signals: set[Signal], seeds: list[int]) -> str:
        pictures = [new_picture(seed) for seed in seeds]
        case = self.office.opened(
            *pictures, arising=arising, queue=queue, signals=frozenset(signals)
        )
        self.opened[case.id] = arising
        return case.id

    @rule(case=cases, actor=st.sampled_from(ACTORS), seed=st.integers(1, 4))
    def add(self, case: str, actor: Actor, seed: int) -> None:
        self.tried(
            actor, case, None, lambda: self.office.desk.add_item(actor, case, new_picture(seed))
        )

    @rule(case=cases, actor=st.sampled_from(ACTORS))
    def claim(self, case: str, actor: Actor) -> None:
        before = self.office.case(case).claim
        done = self.tried(
            actor, case, Permission.REVIEW, lambda: self.office.desk.claim(actor, case)
        )
        stood = before is not None and before.until > self.office.clock.now
        if done and stood and before is not None and before.person != actor.id:
            assert actor.may(Permission.LEAD)

    @rule(actor=st.sampled_from(ACTORS), sort=st.sampled_from(Sort))
    def take(self, actor: Actor, sort: Sort) -> None:
        with self.office.store.reading() as reader:
            before = {c: reader.case(c) for c in self.opened}
        try:
            taken = self.office.desk.take_next(actor, CaseFilter(), sort=sort)
        except NotPermitted:
            assert not actor.may(Permission.REVIEW)
            return
        if taken is not None:
            assert actor.may(Permission.REVIEW, taken.queue)
            earlier = before[taken.id]
            assert earlier is not None
            assert earlier.claim is None or earlier.claim.until <= self.office.clock.now

    @rule(case=cases, actor=st.sampled_from(ACTORS), outcome=st.sampled_from(Outcome))
    def decide(self, case: str, actor: Actor, outcome: Outcome) -> None:
        self.tried(
            actor,
            case,
            Permission.REVIEW,
            lambda: self.office.decide(actor, case, outcome),
        )

    @rule(case=cases, actor=st.sampled_from(ACTORS), which=st.integers(0, 5))
    def undo(self, case: str, actor: Actor, which: int) -> None:
        decisions = self.office.decisions(case)
        if decisions:
            decision = decisions[which % len(decisions)]
            done = self.tried(
                actor,
                case,
                Permission.REVIEW,
                lambda: self.office.desk.undo(actor, decision.id, because="looked again"),
            )
            if done:
                assert actor.id == decision.person or actor.may(Permission.LEAD)
                assert not any(
                    copy.stands and self.office.case(copy.case).state is not CaseState.DESTROYED
                    for copy in self.spread_of(decision.id)
                )

    @rule(case=cases, actor=st.sampled_from(ACTORS), act=st.sampled_from(["skip", "release"]))
    def give_back(self, case: str, actor: Actor, act: str) -> None:
        desk = self.office.desk
        acts = {
            "skip": lambda: desk.skip(actor, case, because="tired"),
            "release": lambda: desk.release(actor, case),
        }
        self.tried(actor, case, Permission.REVIEW, acts[act])

    @rule(case=cases, actor=st.sampled_from(ACTORS))
    def ask_second(self, case: str, actor: Actor) -> None:
        desk = self.office.desk
        self.tried(actor, case, Permission.LEAD, lambda: desk.ask_second_opinion(actor, case))

    @rule(case=cases, actor=st.sampled_from(ACTORS), mode=st.sampled_from(ViewMode))
    def show(self, case: str, actor: Actor, mode: ViewMode) -> None:
        item = self.office.items(case)[0]
        before = len(self.office.trace(case))
        done = self.tried(
            actor, case, Permission.VIEW_MEDIA, lambda: self.office.desk.show(actor, item.id, mode)
        )
        assert len(self.office.trace(case)) == before + done

    @rule(case=cases, actor=st.sampled_from(ACTORS), lawful=st.booleans())
    def destroy(self, case: str, actor: Actor, lawful: bool) -> None:
        self.tried(
            actor,
            case,
            Permission.KEEP,
            lambda: self.office.desk.destroy(
                actor, case, request="order", by_law_enforcement=lawful
            ),
        )

    @rule(minutes=st.integers(1, 600))
    def wait(self, minutes: int) -> None:
        self.office.clock.forward(minutes=minutes)

    def tried(self, actor: Actor, case: str, right: Permission | None, act: Any) -> bool:
        """Whether it was done; if so the actor had the right, in that case's queue."""
        queue = self.office.case(case).queue
        try:
            act()
        except CaseNotFound:
            assert right is None or not actor.may(right, queue)
            return False
        except (CaseError, NotPermitted):
            return False
        assert right is None or actor.may(right, queue)
        return True

    def spread_of(self, decision_id: str) -> Any:
        with self.office.store.reading() as reader:
            return reader.spread(decision_id)

    @invariant()
    def no_case_is_lost(self) -> None:
        for case_id, arising in self.opened.items():
            assert self.office.case(case_id).arising is arising

    @invariant()
    def what_is_decided_has_been_decided(self) -> None:
        for case_id in self.opened:
            case = self.office.case(case_id)
            if case.state in (CaseState.TO_REPORT, CaseState.CLOSED, CaseState.SECOND_OPINION):
                named = {
                    part.item
                    for decision in self.office.decisions(case_id)
                    if decision.stands and not decision.second
                    for part in decision.items
                }
                assert {item.id for item in self.office.items(case_id)} <= named

    @invariant()
    def decisions_stay_within_one_way_of_arising(self) -> None:
        for case_id, arising in self.opened.items():
            for decision in self.office.decisions(case_id):
                if decision.spread_from is not None:
                    with self.office.store.reading() as reader:
                        source = reader.decision(decision.spread_from)
                    assert source is not None
                    assert self.opened[source.case] is arising

    @invariant()
    def programs_never_judge(self) -> None:
        assert all(not ACTORS[-1].may(right) for right in JUDGING)
        for case_id in self.opened:
            people = {decision.person for decision in self.office.decisions(case_id)}
            assert people <= {"ida", "jon", "una", "lea", "service"}

    @invariant()
    def a_destroyed_case_holds_nothing(self) -> None:
        for case_id in self.opened:
            if self.office.case(case_id).state is CaseState.DESTROYED:
                for item in self.office.items(case_id):
                    assert item.media is None or item.media.vault_key not in self.office.vault.kept

    @invariant()
    def nothing_in_the_vault_is_without_its_item(self) -> None:
        kept = set()
        for case_id in self.opened:
            for item in self.office.items(case_id):
                if item.media is not None:
                    media = item.media
                    kept |= {media.vault_key, media.preview_key, media.view_key}
        assert set(self.office.vault.kept) <= kept

    def teardown(self) -> None:
        with self.office.store.reading() as reader:
            previous = GENESIS
            for event in reader.events():
                assert event.previous == previous
                previous = event.digest


DeskMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestDesk = DeskMachine.TestCase
