from __future__ import annotations

import pytest

from lightkeeper.cases.desk import NewItem
from lightkeeper.cases.item import ItemKind, ItemState
from lightkeeper.cases.people import Actor, Role
from lightkeeper.cases.record import Arising, CaseState, Signal
from lightkeeper.errors import CaseError, CaseNotFound, InvalidTransition, NotPermitted
from lightkeeper.testing.cases import Office, new_case, new_picture, new_prompt, person

OTHER = Actor(id="other", name="other", roles=frozenset({Role.INTAKE}), is_person=False)


def test_no_identifier_is_taken_for_an_option_of_a_command(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = iter(["-8CxmBPuypzYXZFR", "--help", "8CxmBPuypzYXZF-R"])
    monkeypatch.setattr("secrets.token_urlsafe", lambda _: next(made))
    assert office.desk.open_case(office.program, new_case()).id == "8CxmBPuypzYXZF-R"


def test_the_same_source_opens_a_case_once(office: Office) -> None:
    first = office.desk.open_case(office.program, new_case(source_id="umbrella-1"))
    again = office.desk.open_case(
        office.program, new_case(source_id="umbrella-1", times_reported=9)
    )
    assert again == first
    assert office.trace() == ["opened"]


def test_two_sources_may_use_the_same_identifier(office: Office) -> None:
    first = office.desk.open_case(office.program, new_case(source_id="umbrella-1"))
    assert office.desk.open_case(OTHER, new_case(source_id="umbrella-1")).id != first.id


def test_only_who_reviews_opens_a_case_in_the_name_of_another_source(office: Office) -> None:
    known = new_case(source="folder", source_id="umbrella-1")
    with pytest.raises(NotPermitted):
        office.desk.open_case(office.program, known)
    first = office.desk.open_case(office.ida, known)
    assert office.desk.open_case(office.jon, known) == first


def test_a_program_adds_only_to_its_own_cases(office: Office) -> None:
    case = office.desk.open_case(office.program, new_case())
    with pytest.raises(CaseNotFound):
        office.desk.add_item(OTHER, case.id, new_picture())
    assert office.vault.kept == {}


def test_a_program_reads_nothing(office: Office) -> None:
    case = office.opened()
    with pytest.raises(NotPermitted):
        office.desk.case_file(office.program, case.id)


def test_an_auditor_opens_nothing(office: Office) -> None:
    with pytest.raises(NotPermitted):
        office.desk.open_case(office.aud, new_case())


def test_a_case_is_opened_only_in_a_queue_that_one_may_see(office: Office) -> None:
    elsewhere = person("una", queues=frozenset({"elsewhere"}))
    with pytest.raises(NotPermitted):
        office.desk.open_case(elsewhere, new_case())


def test_the_same_item_twice_is_one_and_leaves_no_file_behind(office: Office) -> None:
    case = office.desk.open_case(office.program, new_case())
    first = office.desk.add_item(office.program, case.id, new_picture())
    assert office.desk.add_item(office.program, case.id, new_picture()) == first
    assert len(office.vault.kept) == 1


def test_another_upload_of_the_same_file_is_another_item(office: Office) -> None:
    case = office.desk.open_case(office.program, new_case())
    first = office.desk.add_item(office.program, case.id, new_picture(facts={"ip": "192.0.2.1"}))
    second = office.desk.add_item(office.program, case.id, new_picture(facts={"ip": "192.0.2.2"}))
    assert first.id != second.id


@pytest.mark.parametrize(
    "nonsense",
    [
        NewItem(kind=ItemKind.MEDIA),
        NewItem(kind=ItemKind.MEDIA, content=b""),
        NewItem(kind=ItemKind.PROMPT, text=""),
        NewItem(kind=ItemKind.TEXT, text="an umbrella", content=b"x"),
        NewItem(kind=ItemKind.MODEL),
    ],
)
def test_an_item_without_what_makes_it_is_refused(office: Office, nonsense: NewItem) -> None:
    case = office.desk.open_case(office.program, new_case())
    with pytest.raises(CaseError):
        office.desk.add_item(office.program, case.id, nonsense)
    assert office.items(case.id) == ()


def test_a_decided_case_is_open_again_when_something_new_comes(office: Office) -> None:
    case = office.opened()
    office.decide(office.ida, case.id)
    office.desk.add_item(office.program, case.id, new_picture(2))
    assert office.case(case.id).state is CaseState.OPEN


def test_nothing_is_added_to_a_destroyed_case(office: Office) -> None:
    case = office.opened()
    office.desk.destroy(office.rob, case.id, request="order 7", by_law_enforcement=True)
    with pytest.raises(InvalidTransition):
        office.desk.add_item(office.program, case.id, new_picture(2))


def test_an_examination_fills_in_the_item_and_the_outline(office: Office) -> None:
    case = office.opened()
    (item,) = office.items(case.id)
    assert item.state is ItemState.EXAMINED
    assert item.media is not None
    assert (item.media.format, item.media.width) == ("jpeg", 96)
    assert item.media.pdq is not None
    assert item.cluster is not None
    assert (case.outline.items, case.outline.waiting, case.outline.clusters) == (1, 0, 1)


def test_an_examination_twice_changes_nothing(office: Office) -> None:
    case = office.opened()
    (item,) = office.items(case.id)
    kept, trace = dict(office.vault.kept), office.trace()
    again = office.desk.record_examination(item.id, {"schema": "lightkeeper.scan/1"}, view=b"v")
    assert again == item
    assert (office.vault.kept, office.trace(), office.case(case.id)) == (kept, trace, case)


def test_what_could_not_be_examined_waits_for_a_person_all_the_same(office: Office) -> None:
    case = office.desk.open_case(office.program, new_case())
    item = office.desk.add_item(office.program, case.id, new_picture())
    row = {"schema": "lightkeeper.scan/1", "status": "error", "error": {"code": "corrupt-media"}}
    failed = office.desk.record_examination(item.id, row)
    assert failed.state is ItemState.FAILED
    assert failed.cluster is not None
    assert office.decide(office.ida, case.id).items[0].item == item.id


def test_content_is_given_for_examination_only_while_it_waits(office: Office) -> None:
    case = office.desk.open_case(office.program, new_case())
    item = office.desk.add_item(office.program, case.id, new_picture())
    assert office.desk.content_to_examine(item.id) == new_picture().content
    office.examine()
    assert office.desk.content_to_examine(item.id) is None


def test_a_prompt_needs_no_examination(office: Office) -> None:
    case = office.opened(new_prompt(), arising=Arising.PROMPT_ONLY)
    assert office.items(case.id)[0].state is ItemState.EXAMINED


def test_a_signal_raises_a_case_and_leaves_its_reason_in_the_audit(office: Office) -> None:
    case = office.opened()
    signals = frozenset({Signal.IMMINENT_HARM})
    raised = office.desk.signal(office.ida, case.id, signals, because="the source says so")
    assert raised.triage.score > case.triage.score
    assert raised.triage.rank < case.triage.rank
    assert office.trace(case.id)[-1] == "signalled"
    with pytest.raises(NotPermitted):
        office.desk.signal(office.program, case.id, frozenset(), because="it is mine")
