"""Reports are prepared, confirmed and withdrawn by people who may."""

from __future__ import annotations

from dataclasses import replace

import pytest
from stand_in_cases import REPORTER, World

from lightkeeper.cases.people import Actor, Role
from lightkeeper.cases.record import CaseState
from lightkeeper.errors import CaseNotFound, InvalidReport, InvalidTransition, NotPermitted
from lightkeeper.reporting.outbox import Step, SubmissionState
from lightkeeper.testing.cybertipline import Fault, FaultKind

KEY = Actor(id="key-7", name="a key", roles=frozenset(Role), is_person=False)
LEAD = Actor(id="lea", name="Lea", roles=frozenset({Role.LEAD}))
ELSEWHERE = replace(REPORTER, queues=frozenset({"harbour"}))


def _actions(world: World, case: str) -> list[tuple[str, str]]:
    with world.store.reading() as unit:
        return [(event.actor, event.action) for event in unit.events(case=case)]


def test_no_key_prepares_confirms_or_withdraws(world: World) -> None:
    case = world.case()
    draft = world.desk.prepare(REPORTER, case.id, None)
    with pytest.raises(NotPermitted):
        world.desk.prepare(KEY, case.id, None)
    for act in (world.desk.confirm, world.desk.discard, world.desk.retract, world.desk.retry_dead):
        with pytest.raises(NotPermitted):
            act(KEY, draft.id)
    assert world.now(draft).state is SubmissionState.DRAFT


def test_a_person_without_the_role_reads_and_does_not_confirm(world: World) -> None:
    draft = world.desk.prepare(REPORTER, world.case().id, None)
    assert world.desk.submission(LEAD, draft.id) == draft
    with pytest.raises(NotPermitted):
        world.desk.confirm(LEAD, draft.id)


def test_reports_of_other_queues_do_not_exist(world: World) -> None:
    case = world.case()
    draft = world.desk.prepare(REPORTER, case.id, None)
    for act in (world.desk.submission, world.desk.receipts, world.desk.confirm, world.desk.retract):
        with pytest.raises(CaseNotFound):
            act(ELSEWHERE, draft.id)
    with pytest.raises(CaseNotFound):
        world.desk.of_case(ELSEWHERE, case.id)
    with pytest.raises(CaseNotFound):
        world.desk.submission(REPORTER, "nothing")
    assert world.desk.listed(ELSEWHERE) == ()


def test_nothing_is_sent_before_somebody_confirms(world: World) -> None:
    world.desk.prepare(REPORTER, world.case().id, None)
    world.clock.forward(days=3)
    assert world.desk.work(world.client) == 0
    assert not world.stand_in.reports


def test_confirming_moves_the_case_on_and_leaves_a_trace(world: World) -> None:
    submission = world.confirmed()
    assert submission.confirmed_by == REPORTER.id
    assert world.case_of(submission).state is CaseState.REPORTING
    assert _actions(world, submission.case) == [
        (REPORTER.id, "report-prepared"),
        (REPORTER.id, "report-confirmed"),
    ]
    world.desk.work(world.client)
    assert _actions(world, submission.case)[-1] == ("service", "report-sent")


def test_a_newer_draft_replaces_the_older_one(world: World) -> None:
    case = world.case()
    older = world.desk.prepare(REPORTER, case.id, None)
    newer = world.desk.prepare(REPORTER, case.id, None)
    assert world.now(older).state is SubmissionState.DISCARDED
    with pytest.raises(InvalidTransition, match="discarded"):
        world.desk.confirm(REPORTER, older.id)
    world.desk.confirm(REPORTER, newer.id)
    with pytest.raises(InvalidTransition, match="reporting"):
        world.desk.prepare(REPORTER, case.id, None)


def test_a_draft_of_a_case_that_has_changed_is_not_confirmed(world: World) -> None:
    case = world.case(files=1)
    draft = world.desk.prepare(REPORTER, case.id, None)
    now = world.clock.forward(minutes=1)
    with world.store.writing() as unit:
        (item,) = unit.items(case.id)
        unit.add_item(replace(item, id="another", added=now))
    with pytest.raises(InvalidTransition, match="has changed"):
        world.desk.confirm(REPORTER, draft.id)


def test_a_case_that_is_not_decided_has_no_report(world: World) -> None:
    case = world.case()
    with world.store.writing() as unit:
        unit.save_case(replace(case, state=CaseState.OPEN))
    with pytest.raises(InvalidTransition, match="open, not to-report"):
        world.desk.prepare(REPORTER, case.id, None)


def test_a_report_that_breaks_a_rule_leaves_the_earlier_draft(world: World) -> None:
    case = world.case()
    draft = world.desk.prepare(REPORTER, case.id, None)

    def refuse(*_parts: object, **_answers: object) -> object:
        raise InvalidReport("the umbrella is missing")

    world.desk._prepare = refuse  # type: ignore[assignment]
    with pytest.raises(InvalidReport, match="umbrella"):
        world.desk.prepare(REPORTER, case.id, None)
    assert world.now(draft).state is SubmissionState.DRAFT


def test_a_report_that_nobody_has_sent_is_withdrawn_at_once(world: World) -> None:
    submission = world.confirmed()
    withdrawn = world.desk.retract(REPORTER, submission.id)
    assert withdrawn.state is SubmissionState.RETRACTED
    assert world.case_of(submission).state is CaseState.TO_REPORT
    assert world.desk.work(world.client) == 0
    again = world.desk.prepare(REPORTER, submission.case, None)
    world.desk.confirm(REPORTER, again.id)
    world.run()
    world.check(again)


def test_an_open_report_is_withdrawn_at_the_receiver(world: World) -> None:
    world.faults.add(Step.UPLOAD, Fault(kind=FaultKind.DROP))
    submission = world.confirmed()
    world.desk.work(world.client)
    assert world.desk.retract(REPORTER, submission.id).state is SubmissionState.CONFIRMED
    world.run()
    assert world.now(submission).state is SubmissionState.RETRACTED
    assert [report.state for report in world.stand_in.reports] == ["retracted"]
    assert world.case_of(submission).state is CaseState.TO_REPORT


@pytest.mark.parametrize("step", [Step.SUBMIT, Step.UPLOAD, Step.FILE_INFO, Step.FINISH])
def test_withdrawing_while_a_request_is_on_its_way_ends_in_one_of_two_ways(
    world: World, step: Step
) -> None:
    submission = world.confirmed()
    name = {Step.FILE_INFO: "file_info"}.get(step, step.value)
    request, withdrawn = getattr(world.client, name), []

    def meanwhile(*parts: object) -> object:
        if not withdrawn:
            withdrawn.append(world.desk.retract(REPORTER, submission.id))
        return request(*parts)

    setattr(world.client, name, meanwhile)
    world.run()
    ended = world.now(submission)
    if step is Step.FINISH:
        world.check(submission)
    else:
        assert ended.state is SubmissionState.RETRACTED
        assert not world.stand_in.finished


def test_withdrawing_too_late_leaves_the_report_finished(world: World) -> None:
    world.faults.add(Step.FINISH, Fault(kind=FaultKind.DROP_AFTER))
    submission = world.confirmed()
    world.desk.work(world.client)
    world.desk.retract(REPORTER, submission.id)
    world.run()
    world.check(submission)


def test_a_dead_report_is_withdrawn_and_prepared_anew(world: World) -> None:
    world.faults.add(Step.FILE_INFO, Fault(kind=FaultKind.CODE, code=4100))
    submission = world.confirmed()
    world.desk.work(world.client)
    assert world.now(submission).state is SubmissionState.DEAD
    assert _actions(world, submission.case)[-1] == ("service", "report-failed")
    with pytest.raises(InvalidTransition):
        world.desk.prepare(REPORTER, submission.case, None)
    world.desk.retract(REPORTER, submission.id)
    world.run()
    assert world.now(submission).state is SubmissionState.RETRACTED
    again = world.desk.prepare(REPORTER, submission.case, None)
    world.desk.confirm(REPORTER, again.id)
    world.run()
    world.check(again)


def test_a_finished_report_cannot_be_withdrawn(world: World) -> None:
    submission = world.confirmed()
    world.desk.work(world.client)
    with pytest.raises(InvalidTransition, match="finished"):
        world.desk.retract(REPORTER, submission.id)


def test_a_discarded_draft_leaves_the_case_waiting(world: World) -> None:
    draft = world.desk.prepare(REPORTER, world.case().id, None)
    world.desk.discard(REPORTER, draft.id)
    assert world.case_of(draft).state is CaseState.TO_REPORT
    assert world.desk.listed(REPORTER) == ()


def test_reading_a_report_is_written_down(world: World) -> None:
    draft = world.desk.prepare(REPORTER, world.case().id, None)
    world.desk.submission(LEAD, draft.id)
    world.desk.of_case(LEAD, draft.case)
    assert _actions(world, draft.case)[-2:] == [(LEAD.id, "read")] * 2
