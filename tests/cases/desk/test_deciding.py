from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from lightkeeper.assessment import Classification
from lightkeeper.cases.decision import (
    Artefact,
    Confidence,
    FileAnnotation,
    Outcome,
    Seen,
)
from lightkeeper.cases.desk import DecisionDraft, ItemDraft, LabelDraft, NewItem
from lightkeeper.cases.item import ItemKind
from lightkeeper.cases.record import Arising, CaseState, Signal
from lightkeeper.cases.triage import CaseFilter, Sort
from lightkeeper.errors import InvalidTransition, NotPermitted, StaleCase
from lightkeeper.evidence import Basis
from lightkeeper.testing.cases import Office, new_case, new_picture, new_prompt, person, scan_row

MATCH = {"claim": "known-material", "basis": "known", "details": {"origin": "generated"}}


def _draft(version: int, *items: ItemDraft, outcome: Outcome = Outcome.REPORT) -> DecisionDraft:
    return DecisionDraft(
        version=version, outcome=outcome, confidence=Confidence.MEDIUM, items=items
    )


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome.REPORT, CaseState.TO_REPORT),
        (Outcome.CLOSE, CaseState.CLOSED),
        (Outcome.REFER, CaseState.CLOSED),
    ],
)
def test_a_decision_moves_the_case_on(office: Office, outcome: Outcome, state: CaseState) -> None:
    case = office.opened()
    office.decide(office.ida, case.id, outcome)
    decided = office.case(case.id)
    assert (decided.state, decided.claim) == (state, None)
    assert office.trace(case.id)[-1] == "decided"


def test_a_decision_needs_the_claim(office: Office) -> None:
    case = office.opened()
    (item,) = office.items(case.id)
    with pytest.raises(InvalidTransition, match="claim"):
        office.desk.decide(office.ida, case.id, _draft(case.version, ItemDraft(item=item.id)))
    claimed = office.desk.claim(office.ida, case.id)
    office.clock.forward(minutes=20)
    with pytest.raises(InvalidTransition, match="claim"):
        office.desk.decide(office.ida, case.id, _draft(claimed.version, ItemDraft(item=item.id)))


def test_a_decision_about_an_older_state_of_the_case_is_refused(office: Office) -> None:
    case = office.desk.claim(office.ida, office.opened().id)
    (item,) = office.items(case.id)
    office.desk.add_item(office.program, case.id, new_picture(2))
    with pytest.raises(StaleCase):
        office.desk.decide(office.ida, case.id, _draft(case.version, ItemDraft(item=item.id)))


def test_every_item_is_covered_by_itself_or_by_a_near_duplicate(office: Office) -> None:
    case = office.opened(new_picture(1), new_picture(1, file_name="copy.jpg"), new_picture(2))
    case = office.desk.claim(office.ida, case.id)
    first, copy, other = office.items(case.id)
    with pytest.raises(InvalidTransition, match="1 items"):
        office.desk.decide(office.ida, case.id, _draft(case.version, ItemDraft(item=first.id)))
    decision = office.desk.decide(
        office.ida,
        case.id,
        _draft(case.version, ItemDraft(item=first.id), ItemDraft(item=other.id)),
    )
    assert [(part.item, part.spread_from) for part in decision.items] == [
        (first.id, None),
        (copy.id, first.id),
        (other.id, None),
    ]


def test_text_only_cases_are_decided_and_their_texts_stand_alone(office: Office) -> None:
    text = NewItem(kind=ItemKind.TEXT, text="a bicycle for sale")
    one, two = office.desk.open_case(office.program, new_case()), office.opened(text)
    office.desk.add_item(office.program, one.id, text)
    office.decide(office.ida, one.id, Outcome.CLOSE)
    assert office.case(one.id).state is CaseState.CLOSED
    assert office.case(two.id).state is CaseState.OPEN


def test_a_model_reference_needs_no_decision(office: Office) -> None:
    model = NewItem(kind=ItemKind.MODEL, facts={"model": "umbrella-v1"})
    case = office.desk.claim(office.ida, office.opened(model).id)
    office.desk.decide(office.ida, case.id, _draft(case.version, outcome=Outcome.CLOSE))
    assert office.case(case.id).state is CaseState.CLOSED


def test_an_item_of_another_case_is_refused(office: Office) -> None:
    (foreign,) = office.items(office.opened(new_picture(2)).id)
    case = office.desk.claim(office.ida, office.opened().id)
    with pytest.raises(NotPermitted):
        office.desk.decide(office.ida, case.id, _draft(case.version, ItemDraft(item=foreign.id)))


def _labelled(office: Office, row: dict[str, object], label: LabelDraft) -> Classification:
    case = office.desk.open_case(office.program, new_case())
    item = office.desk.add_item(office.program, case.id, new_picture())
    office.desk.record_examination(item.id, row)
    case = office.desk.claim(office.ida, case.id)
    part = ItemDraft(item=item.id, labels={"computer_generated": label})
    return office.desk.decide(office.ida, case.id, _draft(case.version, part)).items[0].labels


def test_a_label_says_what_it_rests_on(office: Office) -> None:
    content = new_picture().content or b""
    mark = {"claim": "carries-mark", "basis": "public-mark"}
    row = scan_row(content, mark, MATCH)
    by_match = _labelled(office, row, LabelDraft(value=True, basis="match")).computer_generated
    assert (by_match.basis, by_match.findings) == (Basis.KNOWN, (1,))
    row = scan_row(content, mark)
    cited = _labelled(office, row, LabelDraft(value=True, basis="evidence")).computer_generated
    assert (cited.basis, cited.findings, cited.set_by) == (Basis.PUBLIC_MARK, (0,), "ida")
    own = _labelled(office, row, LabelDraft(value="cannot-tell")).computer_generated
    assert (own.basis, own.findings, own.value) == (Basis.HUMAN, (), "cannot-tell")


@pytest.mark.parametrize("basis", ["match", "evidence", "hearsay"])
def test_what_is_not_there_cannot_be_cited(office: Office, basis: str) -> None:
    row = scan_row(new_picture().content or b"")
    with pytest.raises(NotPermitted):
        _labelled(office, row, LabelDraft(value=True, basis=basis))


def test_a_proposal_that_nobody_took_up_stays_the_machines(office: Office) -> None:
    label = {"value": True, "basis": "signed", "set_by": "machine", "findings": [0]}
    row = scan_row(new_picture().content or b"")
    row["assessment"] = {**row["assessment"], "labels": {"computer_generated": label}}
    case = office.desk.open_case(office.program, new_case())
    item = office.desk.add_item(office.program, case.id, new_picture())
    office.desk.record_examination(item.id, row)
    labels = office.decide(office.ida, case.id).items[0].labels
    assert (labels.computer_generated.set_by, labels.computer_generated.value) == ("machine", True)


def test_a_decision_spreads_with_a_trace_to_open_cases(office: Office) -> None:
    case, other = office.opened(), office.opened()
    decision = office.decide(office.ida, case.id)
    (copy,) = office.decisions(other.id)
    assert office.case(other.id).state is CaseState.TO_REPORT
    assert (copy.spread_from, copy.person) == (decision.id, "ida")
    assert copy.items[0].spread_from == office.items(case.id)[0].id
    assert office.trace(other.id)[-1] == "spread"


def test_what_was_seen_in_one_picture_stays_with_it(office: Office) -> None:
    case, other = office.opened(), office.opened()
    case = office.desk.claim(office.ida, case.id)
    part = ItemDraft(
        item=office.items(case.id)[0].id,
        artefacts={Artefact.SHADOWS: Seen.YES},
        annotations=frozenset({FileAnnotation.GENERATIVE_AI}),
    )
    decision = office.desk.decide(office.ida, case.id, _draft(case.version, part))
    (copy,) = office.decisions(other.id)
    assert decision.items[0].artefacts == {Artefact.SHADOWS: Seen.YES}
    assert copy.items[0].artefacts == {}
    assert copy.items[0].annotations == {FileAnnotation.GENERATIVE_AI}


def test_a_decision_never_spreads_to_what_arose_differently(office: Office) -> None:
    case, other = office.opened(), office.opened(arising=Arising.TRAINING_DATA_FIND)
    assert office.items(case.id)[0].cluster == office.items(other.id)[0].cluster
    office.decide(office.ida, case.id)
    assert office.case(other.id).state is CaseState.OPEN
    assert office.decisions(other.id) == ()


def test_a_decision_never_spreads_into_a_queue_that_its_person_cannot_see(office: Office) -> None:
    other = office.opened(queue="other")
    narrow = person("una", queues=frozenset({"default"}))
    office.decide(narrow, office.opened().id)
    assert office.decisions(other.id) == ()


@pytest.mark.parametrize("obstacle", ["signal", "claim", "hand-over", "undecided"])
def test_labels_arrive_and_the_case_stays_where_something_stands_against_moving_on(
    office: Office, obstacle: str
) -> None:
    signals = frozenset({Signal.SEXTORTION}) if obstacle == "signal" else frozenset()
    pictures = [new_picture(1), new_picture(2)] if obstacle == "undecided" else [new_picture(1)]
    other = office.opened(*pictures, signals=signals)
    if obstacle == "claim":
        office.desk.claim(office.jon, other.id)
    if obstacle == "hand-over":
        office.desk.hand_over(office.jon, other.id, to="lea", because="asks for you")
    before = office.case(other.id)
    office.decide(office.ida, office.opened(new_picture(1)).id)
    after = office.case(other.id)
    assert len(office.decisions(other.id)) == 1
    assert (after.state, after.claim) == (CaseState.OPEN, before.claim)


def test_who_works_on_a_case_hears_only_once_what_others_decide_alike(office: Office) -> None:
    held = office.opened(new_picture(1))
    # A signal keeps each of them open until somebody decides about it.
    alike = [office.opened(new_picture(1), signals=frozenset({Signal.LIVE})) for _ in range(3)]
    office.desk.claim(office.jon, held.id)
    office.decide(office.ida, alike[0].id, Outcome.CLOSE)
    heard = office.case(held.id)
    office.decide(office.ida, alike[1].id, Outcome.CLOSE)
    assert (office.case(held.id), len(office.decisions(held.id))) == (heard, 1)
    office.decide(office.ida, alike[2].id, Outcome.REPORT)
    assert len(office.decisions(held.id)) == 2


def test_what_was_heard_during_a_claim_moves_the_case_on_after_it(office: Office) -> None:
    held = office.opened(new_picture(1))
    alike = [office.opened(new_picture(1), signals=frozenset({Signal.LIVE})) for _ in range(2)]
    office.desk.claim(office.jon, held.id)
    office.decide(office.ida, alike[0].id, Outcome.CLOSE)
    office.desk.release(office.jon, held.id)
    office.decide(office.ida, alike[1].id, Outcome.CLOSE)
    assert office.case(held.id).state is CaseState.CLOSED


def test_a_case_moves_on_once_the_last_of_its_pictures_is_decided_elsewhere(office: Office) -> None:
    both = office.opened(new_picture(1), new_picture(2))
    office.decide(office.ida, office.opened(new_picture(1)).id, Outcome.REPORT)
    assert office.case(both.id).state is CaseState.OPEN
    office.decide(office.jon, office.opened(new_picture(2)).id, Outcome.CLOSE)
    assert office.case(both.id).state is CaseState.TO_REPORT


def test_undoing_restores_the_case_and_all_that_it_was_spread_to(office: Office) -> None:
    case, other = office.opened(), office.opened()
    decision = office.decide(office.ida, case.id)
    undone = office.desk.undo(office.ida, decision.id, because="wrong key")
    assert undone.state is CaseState.OPEN
    assert office.case(other.id).state is CaseState.OPEN
    assert not any(d.stands for d in (*office.decisions(case.id), *office.decisions(other.id)))
    assert office.decisions(case.id)[0].undone_because == "wrong key"
    with pytest.raises(InvalidTransition, match="already"):
        office.desk.undo(office.ida, decision.id, because="again")


def test_only_leads_undo_what_others_decided(office: Office) -> None:
    decision = office.decide(office.ida, office.opened().id)
    with pytest.raises(NotPermitted):
        office.desk.undo(office.jon, decision.id, because="I see it differently")
    assert office.desk.undo(office.lea, decision.id, because="mistake").state is CaseState.OPEN


@pytest.mark.parametrize("state", [CaseState.REPORTING, CaseState.REPORTED, CaseState.DESTROYED])
def test_nothing_is_undone_once_a_report_is_under_way(office: Office, state: CaseState) -> None:
    case = office.opened()
    decision = office.decide(office.ida, case.id)
    with office.store.writing() as writer:
        writer.save_case(replace(office.case(case.id), state=state))
    with pytest.raises(InvalidTransition):
        office.desk.undo(office.ida, decision.id, because="too late")


def test_a_spread_that_was_reported_is_kept_and_told(office: Office) -> None:
    case, other = office.opened(), office.opened()
    decision = office.decide(office.ida, case.id)
    with office.store.writing() as writer:
        writer.save_case(replace(office.case(other.id), state=CaseState.REPORTED))
    office.desk.undo(office.ida, decision.id, because="mistake")
    assert office.decisions(other.id)[0].stands
    with office.store.reading() as reader:
        last = list(reader.events())[-1]
    assert last.details["kept-elsewhere"] == "1"


def test_what_a_person_decided_about_a_case_itself_survives_undoing_a_spread(
    office: Office,
) -> None:
    signals = frozenset({Signal.SEXTORTION})
    case, other = office.opened(), office.opened(signals=signals)
    decision = office.decide(office.ida, case.id, Outcome.CLOSE)
    office.decide(office.jon, other.id, Outcome.REPORT)
    office.desk.undo(office.ida, decision.id, because="mistake")
    assert office.case(other.id).state is CaseState.TO_REPORT


class TestSecondOpinion:
    @pytest.fixture
    def office(self) -> Office:
        return Office(second_opinion_share=1.0)

    def test_a_drawn_case_waits_for_another_person_who_decides_blindly(
        self, office: Office
    ) -> None:
        case = office.opened()
        office.decide(office.ida, case.id)
        assert office.case(case.id).state is CaseState.SECOND_OPINION
        own = office.desk.case_file(office.ida, case.id)
        blind = office.desk.case_file(office.jon, case.id)
        assert (own.blind, len(own.decisions)) == (False, 1)
        assert (blind.blind, blind.decisions) == (True, ())

    def test_the_first_person_cannot_be_the_second(self, office: Office) -> None:
        case = office.opened()
        office.decide(office.ida, case.id)
        office.clock.now += timedelta(days=2)
        assert office.desk.take_next(office.ida, CaseFilter(), sort=Sort.RANK) is None
        with pytest.raises(NotPermitted):
            office.desk.claim(office.ida, case.id)
        with pytest.raises(NotPermitted):
            office.desk.hand_over(office.jon, case.id, to="ida", because="hers")
        assert office.desk.take_next(office.jon, CaseFilter(), sort=Sort.RANK) is not None

    def test_two_who_agree_move_the_case_on_and_spread_then(self, office: Office) -> None:
        case, other = office.opened(), office.opened()
        first = office.decide(office.ida, case.id)
        assert office.decisions(other.id) == ()
        second = office.decide(office.jon, case.id)
        assert (first.second, second.second) == (False, True)
        assert office.case(case.id).state is CaseState.TO_REPORT
        assert [d.spread_from for d in office.decisions(other.id)] == [first.id]

    @pytest.mark.parametrize(
        ("outcome", "industry_class"), [(Outcome.CLOSE, "none"), (Outcome.REPORT, "B2")]
    )
    def test_two_who_differ_leave_it_to_a_lead(
        self, office: Office, outcome: Outcome, industry_class: str
    ) -> None:
        case = office.opened()
        office.decide(office.ida, case.id)
        office.decide(office.jon, case.id, outcome, industry_class=industry_class)
        disputed = office.case(case.id)
        assert disputed.state is CaseState.OPEN
        assert "disputed" in {reason.code for reason in disputed.triage.reasons}
        third = person("kim")
        assert office.desk.take_next(third, CaseFilter(), sort=Sort.RANK) is None
        with pytest.raises((InvalidTransition, NotPermitted)):
            office.desk.claim(third, case.id)
        assert len(office.desk.case_file(office.lea, case.id).decisions) == 2
        office.decide(office.lea, case.id, Outcome.CLOSE)
        settled = office.case(case.id)
        assert settled.state is CaseState.CLOSED
        assert "disputed" not in {reason.code for reason in settled.triage.reasons}

    def test_taking_back_the_first_opinion_opens_the_case_to_its_person(
        self, office: Office
    ) -> None:
        case = office.opened()
        decision = office.decide(office.ida, case.id)
        office.desk.undo(office.ida, decision.id, because="wrong key")
        taken = office.desk.take_next(office.ida, CaseFilter(), sort=Sort.RANK)
        assert taken is not None


def test_a_lead_may_ask_for_a_second_opinion(office: Office) -> None:
    case = office.opened()
    office.decide(office.ida, case.id)
    with pytest.raises(NotPermitted):
        office.desk.ask_second_opinion(office.jon, case.id)
    office.desk.ask_second_opinion(office.lea, case.id)
    assert office.case(case.id).state is CaseState.SECOND_OPINION
    assert office.decide(office.jon, case.id).second
    assert office.case(case.id).state is CaseState.TO_REPORT


def test_undoing_the_source_of_a_spread_under_second_opinion_opens_the_case(
    office: Office,
) -> None:
    case, other = office.opened(), office.opened()
    decision = office.decide(office.ida, case.id)
    office.desk.ask_second_opinion(office.lea, other.id)
    office.desk.undo(office.ida, decision.id, because="mistake")
    assert office.case(other.id).state is CaseState.OPEN


def test_without_a_policy_nothing_moves_by_itself(office: Office) -> None:
    office.decide(office.ida, office.opened().id, Outcome.CLOSE)
    case = office.opened()
    assert case.state is CaseState.OPEN
    assert "decided-before" in {reason.code for reason in case.triage.reasons}


class TestReuse:
    @pytest.fixture
    def office(self) -> Office:
        return Office(reuse_known_decisions=True)

    def test_what_a_person_decided_before_is_reused_with_a_trace(self, office: Office) -> None:
        before = office.decide(office.ida, office.opened().id, Outcome.CLOSE)
        case = office.opened()
        (decision,) = office.decisions(case.id)
        assert office.case(case.id).state is CaseState.CLOSED
        assert (decision.person, decision.spread_from) == ("service", before.id)
        assert before.id in decision.comment
        assert office.desk.undo(office.lea, decision.id, because="look again").state is (
            CaseState.OPEN
        )

    def test_the_strictest_of_several_decisions_counts(self, office: Office) -> None:
        office.decide(office.ida, office.opened(new_picture(1)).id, Outcome.CLOSE)
        office.decide(office.jon, office.opened(new_picture(2)).id, Outcome.REPORT)
        case = office.opened(new_picture(1), new_picture(2))
        assert office.case(case.id).state is CaseState.TO_REPORT

    def test_a_signal_text_or_another_way_of_arising_is_for_a_person(self, office: Office) -> None:
        office.decide(office.ida, office.opened().id, Outcome.CLOSE)
        text = NewItem(kind=ItemKind.TEXT, text="a bicycle for sale")
        for case in (
            office.opened(signals=frozenset({Signal.SEXTORTION})),
            office.opened(new_picture(), text),
            office.opened(arising=Arising.GENERATED_OUTPUT),
            office.opened(new_picture(1), new_picture(2)),
        ):
            assert office.case(case.id).state is CaseState.OPEN
            assert office.decisions(case.id) == ()

    def test_an_undone_reuse_is_not_repeated(self, office: Office) -> None:
        office.decide(office.ida, office.opened().id, Outcome.CLOSE)
        case = office.opened()
        office.desk.undo(office.lea, office.decisions(case.id)[0].id, because="look again")
        office.desk.add_item(office.program, case.id, new_picture(1, file_name="copy.jpg"))
        office.examine()
        assert office.case(case.id).state is CaseState.OPEN

    def test_more_that_is_known_moves_on_too(self, office: Office) -> None:
        office.decide(office.ida, office.opened(new_picture(1)).id, Outcome.CLOSE)
        office.decide(office.ida, office.opened(new_prompt()).id, Outcome.CLOSE)
        case = office.opened(new_prompt())
        assert office.case(case.id).state is CaseState.CLOSED
        office.desk.add_item(office.program, case.id, new_picture(1))
        assert office.case(case.id).state is CaseState.OPEN
        office.examine()
        assert office.case(case.id).state is CaseState.CLOSED
