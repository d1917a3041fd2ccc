from __future__ import annotations

import pytest

from lightkeeper.cases.desk import Rules
from lightkeeper.cases.record import CaseState, Signal
from lightkeeper.cases.triage import CaseFilter, SavedQueue, Sort
from lightkeeper.errors import CaseNotFound, InvalidTransition, NotPermitted
from lightkeeper.testing.cases import Office, new_picture, person

ALL = CaseFilter()


def test_the_most_urgent_case_is_taken_first_and_by_one_person(office: Office) -> None:
    office.opened()
    urgent = office.opened(signals=frozenset({Signal.LIVE}))
    first = office.desk.take_next(office.ida, ALL, sort=Sort.RANK)
    second = office.desk.take_next(office.jon, ALL, sort=Sort.RANK)
    assert first is not None
    assert second is not None
    assert first.id == urgent.id
    assert second.id != first.id
    assert office.desk.take_next(office.lea, ALL, sort=Sort.RANK) is None


def test_a_claimed_case_is_nobody_elses_until_the_claim_ends(office: Office) -> None:
    case = office.opened()
    office.desk.claim(office.ida, case.id)
    with pytest.raises(InvalidTransition, match="somebody else"):
        office.desk.claim(office.jon, case.id)
    office.clock.now += Rules().claim_lasts
    claimed = office.desk.claim(office.jon, case.id)
    assert claimed.claim is not None
    assert claimed.claim.person == "jon"


def test_renewing_a_claim_prolongs_it_and_is_no_news(office: Office) -> None:
    case = office.opened()
    first = office.desk.claim(office.ida, case.id).claim
    office.clock.forward(minutes=10)
    again = office.desk.claim(office.ida, case.id).claim
    assert first is not None
    assert again is not None
    assert again.until > first.until
    assert office.trace(case.id).count("claimed") == 1


def test_a_lead_takes_over_with_a_trace(office: Office) -> None:
    case = office.opened()
    office.desk.claim(office.ida, case.id)
    taken = office.desk.claim(office.lea, case.id)
    assert taken.claim is not None
    assert taken.claim.person == "lea"
    assert office.trace(case.id).count("claimed") == 2


def test_a_released_case_is_free(office: Office) -> None:
    case = office.opened()
    office.desk.claim(office.ida, case.id)
    with pytest.raises(InvalidTransition):
        office.desk.release(office.jon, case.id)
    office.desk.release(office.ida, case.id)
    assert office.desk.take_next(office.jon, ALL, sort=Sort.RANK) is not None


def test_a_skipped_case_comes_back_to_others_at_once_and_to_oneself_a_shift_later(
    office: Office,
) -> None:
    case = office.opened()
    office.desk.claim(office.ida, case.id)
    office.desk.skip(office.ida, case.id, because="tired")
    assert office.desk.take_next(office.ida, ALL, sort=Sort.RANK) is None
    office.clock.forward(hours=5)
    assert office.desk.take_next(office.ida, ALL, sort=Sort.RANK) is not None


def test_a_case_handed_over_is_for_that_person_and_for_leads(office: Office) -> None:
    case = office.opened()
    office.desk.claim(office.ida, case.id)
    office.desk.hand_over(office.ida, case.id, to="jon", because="knows the language")
    assert office.desk.take_next(office.ida, ALL, sort=Sort.RANK) is None
    with pytest.raises(InvalidTransition):
        office.desk.claim(office.ida, case.id)
    taken = office.desk.take_next(office.jon, ALL, sort=Sort.RANK)
    assert taken is not None
    assert taken.id == case.id


def test_a_queue_shows_only_what_the_actor_may_see(office: Office) -> None:
    office.opened(queue="default")
    hidden = office.opened(new_picture(2), queue="other")
    narrow = person("una", queues=frozenset({"default"}))
    page = office.desk.queue(narrow, ALL, sort=Sort.OLDEST)
    assert hidden.id not in {case.id for case in page.cases}
    assert office.desk.count(narrow, ALL) == 1
    beyond = CaseFilter(queues=frozenset({"other"}))
    assert office.desk.queue(narrow, beyond, sort=Sort.OLDEST).cases == ()
    assert office.desk.count(narrow, beyond) == 0
    assert office.desk.take_next(narrow, beyond, sort=Sort.OLDEST) is None


def test_a_case_of_a_hidden_queue_looks_like_one_that_is_not_there(office: Office) -> None:
    case = office.opened()
    narrow = person("una", queues=frozenset({"elsewhere"}))
    with pytest.raises(CaseNotFound) as hidden:
        office.desk.case_file(narrow, case.id)
    with pytest.raises(CaseNotFound) as absent:
        office.desk.case_file(narrow, "no-such-case")
    assert str(hidden.value) == str(absent.value)


def test_pages_follow_each_other_without_gap_or_repetition(office: Office) -> None:
    cases = {office.opened(new_picture(seed)).id for seed in range(5)}
    seen: list[str] = []
    after = None
    while True:
        page = office.desk.queue(office.ida, ALL, sort=Sort.NEWEST, after=after, limit=2)
        seen += [case.id for case in page.cases]
        after = page.next
        if after is None:
            break
    assert len(seen) == 5
    assert set(seen) == cases


def test_listing_is_in_the_audit(office: Office) -> None:
    office.desk.queue(office.ida, ALL, sort=Sort.RANK)
    assert office.trace() == ["listed"]


def test_a_decided_case_is_not_worked_on(office: Office) -> None:
    case = office.opened()
    office.decide(office.ida, case.id)
    assert office.case(case.id).state is CaseState.TO_REPORT
    with pytest.raises(InvalidTransition, match="decided"):
        office.desk.claim(office.jon, case.id)


def test_saved_queues_are_ones_own_and_those_of_all(office: Office) -> None:
    own = office.desk.save_queue(
        office.ida, SavedQueue(id="", name="Bicycles", owner="ida", filter=ALL)
    )
    shared = office.desk.save_queue(
        office.lea, SavedQueue(id="", name="Umbrellas", owner=None, filter=ALL)
    )
    assert office.desk.saved_queues(office.ida) == (own, shared)
    assert office.desk.saved_queues(office.jon) == (shared,)
    with pytest.raises(NotPermitted):
        office.desk.save_queue(office.jon, shared)
    with pytest.raises(CaseNotFound):
        office.desk.drop_queue(office.jon, own.id)
    office.desk.drop_queue(office.ida, own.id)
    assert office.desk.saved_queues(office.ida) == (shared,)


def test_knowing_the_identifier_of_anothers_queue_does_not_replace_it(office: Office) -> None:
    own = office.desk.save_queue(
        office.ida, SavedQueue(id="", name="Bicycles", owner="ida", filter=ALL)
    )
    office.desk.save_queue(office.jon, SavedQueue(id=own.id, name="X", owner="jon", filter=ALL))
    assert office.desk.saved_queues(office.ida) == (own,)


def test_preferences_are_personal(office: Office) -> None:
    office.desk.save_preferences(office.ida, {"blur": "off"})
    assert office.desk.preferences(office.ida) == {"blur": "off"}
    assert office.desk.preferences(office.jon) == {}
