from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from lightkeeper.cases.decision import Outcome
from lightkeeper.cases.item import ViewMode
from lightkeeper.cases.people import Role
from lightkeeper.cases.record import CaseState
from lightkeeper.cases.triage import CaseFilter, Sort
from lightkeeper.errors import CaseNotFound, InvalidTransition, NotPermitted
from lightkeeper.testing.cases import Office, new_picture, new_prompt, person


def _closed(office: Office) -> str:
    case = office.opened(new_picture(), new_prompt("a red umbrella"))
    office.decide(office.ida, case.id, Outcome.CLOSE)
    return case.id


def test_destruction_leaves_no_file_and_no_text_and_gives_a_certificate(office: Office) -> None:
    case_id = _closed(office)
    assert office.vault.kept
    certificate = office.desk.destroy(office.rob, case_id, request="retention")
    assert office.vault.kept == {}
    assert office.case(case_id).state is CaseState.DESTROYED
    picture, prompt = office.items(case_id)
    assert picture.examination is None
    assert prompt.text is None
    assert len(certificate["items"]) == 2
    assert "umbrella" not in json.dumps(certificate)
    assert office.trace(case_id)[-1] == "destroyed"
    assert len(office.decisions(case_id)) == 1


def test_nobody_looks_at_what_is_gone(office: Office) -> None:
    case_id = _closed(office)
    office.desk.destroy(office.rob, case_id, request="retention")
    with pytest.raises(InvalidTransition):
        office.desk.show(office.ida, office.items(case_id)[0].id, ViewMode.CLEAR)
    assert office.desk.case_file(office.ida, case_id).items[1].text is None


def test_a_hold_stands_against_destruction_until_it_is_released(office: Office) -> None:
    case_id = _closed(office)
    office.desk.hold(office.rob, case_id, because="order of a court")
    with pytest.raises(InvalidTransition, match="hold"):
        office.desk.destroy(office.rob, case_id, request="order", by_law_enforcement=True)
    assert office.vault.kept
    office.desk.release_hold(office.rob, case_id, because="order lifted")
    office.desk.destroy(office.rob, case_id, request="retention")
    assert office.trace(case_id)[-3:] == ["held", "hold-released", "destroyed"]


def test_before_its_time_only_law_enforcement_has_a_case_destroyed(office: Office) -> None:
    case_id = _closed(office)
    until = office.clock.now.replace(year=2027)
    with office.store.writing() as writer:
        writer.save_case(
            replace(office.case(case_id), state=CaseState.REPORTED, preserve_until=until)
        )
    with pytest.raises(InvalidTransition, match="kept until"):
        office.desk.destroy(office.rob, case_id, request="a wish")
    office.desk.destroy(office.rob, case_id, request="order 7", by_law_enforcement=True)
    assert office.case(case_id).state is CaseState.DESTROYED


def test_reviewers_programs_and_strangers_keep_and_destroy_nothing(office: Office) -> None:
    case_id = _closed(office)
    for actor in (office.ida, office.program, office.aud):
        with pytest.raises(NotPermitted):
            office.desk.destroy(actor, case_id, request="mine")
        with pytest.raises(NotPermitted):
            office.desk.hold(actor, case_id, because="mine")
    elsewhere = person("una", Role.REPORTER, queues=frozenset({"elsewhere"}))
    with pytest.raises(CaseNotFound):
        office.desk.destroy(elsewhere, case_id, request="mine")
    assert office.vault.kept


def test_holds_and_destruction_say_why(office: Office) -> None:
    case_id = _closed(office)
    with pytest.raises(InvalidTransition):
        office.desk.hold(office.rob, case_id, because=" ")
    with pytest.raises(InvalidTransition):
        office.desk.destroy(office.rob, case_id, request="")
    with pytest.raises(InvalidTransition):
        office.desk.release_hold(office.rob, case_id, because="none stands")


def _reported(office: Office, *, days: int) -> str:
    """A reported case that has to be kept for so many days from now."""
    case = office.opened()
    with office.store.writing() as writer:
        until = office.clock() + timedelta(days=days)
        writer.save_case(replace(case, state=CaseState.REPORTED, preserve_until=until))
    return case.id


PAST = CaseFilter(past_retention=True)


def test_people_are_told_once_that_the_retention_of_a_case_is_over(office: Office) -> None:
    case_id = _reported(office, days=1)
    assert office.desk.put_forward() == 0
    assert office.desk.count(office.rob, PAST) == 0
    office.clock.forward(days=2)
    assert office.desk.put_forward() == 1
    assert office.desk.put_forward() == 0
    assert office.trace(case_id).count("retention-over") == 1
    assert [case.id for case in office.desk.queue(office.rob, PAST, sort=Sort.OLDEST).cases] == [
        case_id
    ]


def test_no_machine_destroys_a_case_whose_retention_is_over(office: Office) -> None:
    case_id = _reported(office, days=-1)
    kept = dict(office.vault.kept)
    office.desk.put_forward()
    assert office.vault.kept == kept
    assert office.case(case_id).state is CaseState.REPORTED
    office.desk.destroy(office.rob, case_id, request="its time is over")
    assert office.desk.count(office.rob, PAST) == 0
    assert office.desk.put_forward() == 0


def test_a_held_case_is_put_forward_after_the_hold_and_told_of_again(office: Office) -> None:
    case_id = _reported(office, days=-1)
    office.desk.put_forward()
    office.desk.hold(office.rob, case_id, because="order of a court")
    assert office.desk.put_forward() == 0
    assert office.desk.count(office.rob, PAST) == 0
    office.desk.release_hold(office.rob, case_id, because="order lifted")
    assert office.desk.put_forward() == 1
    assert office.desk.count(office.rob, PAST) == 1
