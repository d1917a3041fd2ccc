from __future__ import annotations

import math

import pytest

from lightkeeper.cases.item import View, ViewMode
from lightkeeper.errors import CaseNotFound, InvalidTransition, NotPermitted
from lightkeeper.testing.cases import Office, new_case, new_picture, person


def _view(office: Office, view_id: str) -> View:
    with office.store.reading() as reader:
        view = reader.view(view_id)
    assert view is not None
    return view


def test_a_case_file_groups_near_duplicates_and_is_audited(office: Office) -> None:
    office.opened(new_picture(1))
    case = office.opened(new_picture(1), new_picture(1, file_name="copy.jpg"), new_picture(2))
    file = office.desk.case_file(office.ida, case.id)
    assert [len(group.items) for group in file.groups] == [2, 1]
    assert [group.elsewhere for group in file.groups] == [1, 0]
    assert office.trace(case.id)[-1] == "read"


def test_a_case_file_shows_what_was_decided_about_the_same_picture_before(office: Office) -> None:
    before = office.opened()
    decision = office.decide(office.jon, before.id)
    case = office.opened()
    assert office.desk.case_file(office.ida, case.id).groups[0].earlier == decision


def test_nothing_decided_in_a_hidden_queue_is_shown(office: Office) -> None:
    office.decide(office.jon, office.opened(queue="other").id)
    case = office.opened()
    narrow = person("una", queues=frozenset({"default"}))
    assert office.desk.case_file(narrow, case.id).groups[0].earlier is None


def test_an_auditor_and_a_program_see_no_content(office: Office) -> None:
    case = office.opened()
    (item,) = office.items(case.id)
    for actor in (office.aud, office.program):
        with pytest.raises(NotPermitted):
            office.desk.case_file(actor, case.id)
        with pytest.raises(NotPermitted):
            office.desk.show(actor, item.id, ViewMode.OBSCURED)


def test_a_reporter_reads_and_does_not_look(office: Office) -> None:
    case = office.opened()
    office.desk.case_file(office.rob, case.id)
    with pytest.raises(NotPermitted):
        office.desk.show(office.rob, office.items(case.id)[0].id, ViewMode.OBSCURED)


def test_pixels_leave_only_with_a_view_and_an_event(office: Office) -> None:
    case = office.opened()
    (item,) = office.items(case.id)
    obscured = office.desk.show(office.ida, item.id, ViewMode.OBSCURED)
    clear = office.desk.show(office.ida, item.id, ViewMode.CLEAR)
    assert obscured.content.endswith(b"preview")
    assert clear.content.endswith(b"view")
    assert clear.media_type == "image/jpeg"
    assert office.trace(case.id)[-2:] == ["viewed", "revealed"]
    assert _view(office, clear.view.id) == clear.view


def test_the_strangers_own_bytes_are_never_shown(office: Office) -> None:
    case = office.desk.open_case(office.program, new_case())
    item = office.desk.add_item(office.program, case.id, new_picture())
    with pytest.raises(InvalidTransition):
        office.desk.show(office.ida, item.id, ViewMode.CLEAR)
    assert "revealed" not in office.trace(case.id)


def test_an_item_of_a_hidden_queue_looks_like_one_that_is_not_there(office: Office) -> None:
    (item,) = office.items(office.opened().id)
    narrow = person("una", queues=frozenset({"elsewhere"}))
    with pytest.raises(CaseNotFound):
        office.desk.show(narrow, item.id, ViewMode.OBSCURED)


def test_a_view_only_grows_and_never_beyond_the_clock(office: Office) -> None:
    (item,) = office.items(office.opened().id)
    view = office.desk.show(office.ida, item.id, ViewMode.CLEAR).view
    office.clock.forward(seconds=5)
    office.desk.end_view(office.ida, view.id, seconds=900.0, entire=True)
    assert (_view(office, view.id).seconds, _view(office, view.id).entire) == (5.0, True)
    for seconds in (1.0, -3.0, math.nan, math.inf):
        office.desk.end_view(office.ida, view.id, seconds=seconds, entire=False)
    assert (_view(office, view.id).seconds, _view(office, view.id).entire) == (5.0, True)


def test_seeing_all_of_it_is_chained_once(office: Office) -> None:
    case = office.opened()
    view = office.desk.show(office.ida, office.items(case.id)[0].id, ViewMode.CLEAR).view
    office.desk.end_view(office.ida, view.id, seconds=1.0, entire=True)
    office.desk.end_view(office.ida, view.id, seconds=2.0, entire=True)
    assert office.trace(case.id).count("revealed") == 2
    assert office.desk.case_file(office.ida, case.id).viewed == {view.item}


def test_an_obscured_view_is_never_of_all(office: Office) -> None:
    (item,) = office.items(office.opened().id)
    view = office.desk.show(office.ida, item.id, ViewMode.OBSCURED).view
    office.desk.end_view(office.ida, view.id, seconds=1.0, entire=True)
    assert not _view(office, view.id).entire


def test_nobody_ends_anothers_view(office: Office) -> None:
    (item,) = office.items(office.opened().id)
    view = office.desk.show(office.ida, item.id, ViewMode.CLEAR).view
    with pytest.raises(CaseNotFound):
        office.desk.end_view(office.jon, view.id, seconds=1.0, entire=True)


def test_a_view_is_weighed_by_what_was_decided(office: Office) -> None:
    case = office.opened()
    (item,) = office.items(case.id)
    assert office.desk.show(office.ida, item.id, ViewMode.CLEAR).view.severity == 1
    office.decide(office.ida, case.id, industry_class="none")
    assert office.desk.show(office.ida, item.id, ViewMode.CLEAR).view.severity == 0
