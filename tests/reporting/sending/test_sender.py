"""Sending: whatever the receiver answers, one case ends with one finished report."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from stand_in_cases import REPORTER, World

from lightkeeper.cases.record import CaseState
from lightkeeper.reporting.outbox import Step, SubmissionState
from lightkeeper.testing.cybertipline import Fault, FaultKind

CODES = (1000, 1100, 1110, 1111, 1210, 1300, 2000, 3000, 3100, 3300)
CODES += (4000, 4100, 4110, 4200, 5001, 5002, 5101, 5102)
PASSING = (1000, 1100, 1110, 1111, 1210, 1300)


def test_a_report_is_sent_in_order_and_counts_once(world: World) -> None:
    submission = world.confirmed(files=2)
    assert world.desk.work(world.client) == 1
    world.check(submission)
    asked = dict(world.stand_in.asked)
    assert asked == {Step.SUBMIT: 1, Step.UPLOAD: 2, Step.FILE_INFO: 2, Step.FINISH: 1}
    assert world.desk.work(world.client) == 0


def test_a_case_of_text_alone_is_sent_without_files(world: World) -> None:
    submission = world.confirmed(files=0)
    world.desk.work(world.client)
    world.check(submission)


@pytest.mark.parametrize("kind", [FaultKind.CODE, FaultKind.CODE_AFTER])
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("step", list(Step))
def test_every_code_at_every_step_ends_with_one_report(
    world: World, step: Step, code: int, kind: FaultKind
) -> None:
    if step is Step.RETRACT:
        world.faults.add(Step.UPLOAD, Fault(kind=FaultKind.DROP_AFTER))
    world.faults.add(step, Fault(kind=kind, code=code))
    submission = world.confirmed()
    world.run()
    world.check(submission)


@pytest.mark.parametrize("kind", list(FaultKind))
@pytest.mark.parametrize("step", list(Step))
def test_every_lost_answer_at_every_step_ends_with_one_report(
    world: World, step: Step, kind: FaultKind
) -> None:
    if step is Step.RETRACT:
        world.faults.add(Step.FILE_INFO, Fault(kind=FaultKind.DROP))
    world.faults.add(step, Fault(kind=kind), Fault(kind=kind))
    submission = world.confirmed()
    world.run()
    world.check(submission)


@pytest.mark.parametrize("code", [2000, 3000, 3100, 3300, 4000, 4100, 4110, 4200])
def test_a_refusal_waits_for_a_person_and_is_not_repeated(world: World, code: int) -> None:
    world.faults.add(Step.SUBMIT, Fault(kind=FaultKind.CODE, code=code))
    submission = world.confirmed()
    world.desk.work(world.client)
    world.clock.forward(days=2)
    world.desk.work(world.client)
    dead = world.now(submission)
    assert dead.state is SubmissionState.DEAD
    assert f"code {code}" in (dead.problem or "")
    assert world.stand_in.asked[Step.SUBMIT] == 1
    assert world.case_of(submission).state is CaseState.REPORTING
    assert [each.id for each in world.desk.listed(REPORTER)] == [submission.id]


def test_a_refused_account_kills_one_report_at_most_in_a_run(world: World) -> None:
    world.faults.add(Step.SUBMIT, *[Fault(kind=FaultKind.CODE, code=2000)] * 3)
    for _ in range(3):
        world.confirmed()
    world.desk.work(world.client)
    dead = world.desk.listed(REPORTER, frozenset({SubmissionState.DEAD}))
    assert len(dead) == 1


def test_waiting_doubles_with_every_failure_up_to_a_limit(world: World) -> None:
    world.faults.add(Step.SUBMIT, *[Fault(kind=FaultKind.DROP)] * 12)
    submission = world.confirmed()
    waits = []
    for _ in range(12):
        world.desk.work(world.client)
        waiting = world.now(submission)
        assert waiting.next_attempt is not None
        waits.append((waiting.next_attempt - world.clock()).total_seconds())
        world.clock.now = waiting.next_attempt
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60, 60]
    world.desk.work(world.client)
    world.check(submission)


def test_a_receiver_that_never_answers_ends_with_a_person(world: World) -> None:
    world.faults.add(Step.SUBMIT, *[Fault(kind=FaultKind.DROP)] * 50)
    submission = world.confirmed()
    for _ in range(60):
        world.desk.work(world.client)
        world.clock.forward(minutes=5)
    dead = world.now(submission)
    assert dead.state is SubmissionState.DEAD
    assert dead.problem == "tried 50 times: the receiver did not answer"
    with world.store.reading() as unit:
        assert [each.status for each in unit.receipts(submission.id)] == [0] * 50


def test_a_report_left_open_too_long_is_opened_again(world: World) -> None:
    world.faults.add(Step.UPLOAD, Fault(kind=FaultKind.DROP))
    world.faults.add(Step.RETRACT, *[Fault(kind=FaultKind.DROP)] * 3)
    submission = world.confirmed()
    world.desk.work(world.client)
    world.clock.forward(hours=25)
    world.run()
    world.check(submission)
    assert len(world.now(submission).abandoned) == 1
    assert [report.state for report in world.stand_in.reports] == ["expired", "finished"]


@pytest.mark.parametrize("sent_since", [True, False])
def test_what_nobody_sent_for_hours_waits_for_a_person_who_knows(
    world: World, sent_since: bool
) -> None:
    """As in a restored backup, which does not know what was sent since."""
    submission = world.confirmed()
    world.clock.forward(hours=3)
    assert world.desk.work(world.client) == 0
    assert world.stand_in.asked == {}
    aside = world.now(submission)
    assert aside.state is SubmissionState.DEAD
    assert "restored backup" in str(aside.problem)
    if sent_since:
        world.desk.retract(REPORTER, submission.id)
        assert world.case_of(submission).state is CaseState.TO_REPORT
        assert world.desk.work(world.client) == 0
        assert world.stand_in.asked == {}
    else:
        world.desk.retry_dead(REPORTER, submission.id)
        world.desk.work(world.client)
        world.check(submission)


def test_of_many_that_nobody_sent_for_hours_none_is_sent(world: World) -> None:
    late = [world.confirmed(files=0) for _ in range(25)]
    world.clock.forward(hours=3)
    fresh = world.confirmed(files=0)
    assert world.desk.work(world.client) == 1
    assert {world.now(each).state for each in late} == {SubmissionState.DEAD}
    world.check(fresh)


def test_what_was_opened_is_gone_on_with_however_late(world: World) -> None:
    world.faults.add(Step.UPLOAD, Fault(kind=FaultKind.CODE, code=1000))
    submission = world.confirmed()
    world.desk.work(world.client)
    world.clock.forward(hours=3)
    world.desk.work(world.client)
    world.check(submission)


def test_an_unknown_finish_is_asked_again_however_late(world: World) -> None:
    world.faults.add(Step.FINISH, Fault(kind=FaultKind.DROP_AFTER))
    submission = world.confirmed()
    world.desk.work(world.client)
    world.clock.forward(days=30)
    world.desk.work(world.client)
    world.check(submission)
    assert len(world.stand_in.reports) == 1


def test_a_finish_that_never_arrived_is_opened_again_once_a_person_has_asked(
    world: World,
) -> None:
    world.faults.add(Step.FINISH, Fault(kind=FaultKind.DROP))
    submission = world.confirmed()
    world.desk.work(world.client)
    world.clock.forward(days=30)
    world.desk.work(world.client)
    assert world.now(submission).finish_unknown
    world.clock.forward(days=30)
    assert world.desk.work(world.client) == 0
    world.run()
    world.check(submission)
    assert [report.state for report in world.stand_in.reports] == ["expired", "finished"]


def test_a_report_that_vanishes_while_it_is_finished_needs_a_person(world: World) -> None:
    world.faults.add(Step.FINISH, Fault(kind=FaultKind.CODE_AFTER, code=5001))
    submission = world.confirmed()
    world.desk.work(world.client)
    assert world.now(submission).state is SubmissionState.DEAD
    world.run()
    world.check(submission)


def test_an_altered_file_is_never_sent(world: World) -> None:
    submission = world.confirmed(files=1)
    world.vault.kept[submission.prepared.files[0].vault_key] = b"another umbrella"
    world.desk.work(world.client)
    dead = world.now(submission)
    assert dead.state is SubmissionState.DEAD
    assert "vault" in (dead.problem or "")
    assert world.stand_in.asked[Step.UPLOAD] == 0


def test_a_file_that_arrives_altered_is_sent_again_in_another_report(world: World) -> None:
    submission = world.confirmed(files=1)
    upload, calls = world.client.upload, []

    def altered(report_id: str, name: str, content: bytes) -> object:
        calls.append(name)
        return upload(report_id, name, content if len(calls) > 1 else content[:-1])

    world.client.upload = altered  # type: ignore[method-assign]
    world.run()
    assert [report.state for report in world.stand_in.reports] == ["retracted", "finished"]
    assert world.now(submission).state is SubmissionState.FINISHED


@pytest.mark.parametrize("step", [Step.SUBMIT, Step.UPLOAD, Step.FILE_INFO, Step.FINISH])
@pytest.mark.parametrize("late", [False, True])
def test_two_workers_never_send_a_report_twice(world: World, step: Step, late: bool) -> None:
    """The second one works while a request of the first is on its way, in and after its lease."""
    submission = world.confirmed()
    name = {Step.FILE_INFO: "file_info"}.get(step, step.value)
    request, worked = getattr(world.client, name), []

    def meanwhile(*parts: object) -> object:
        if not worked:
            worked.append(0)
            if late:
                world.clock.forward(minutes=16)
            worked[0] = world.desk.work(world.client)
        return request(*parts)

    setattr(world.client, name, meanwhile)
    world.desk.work(world.client)
    assert worked == [1 if late else 0]
    world.run()
    assert len(world.stand_in.finished) == 1
    assert world.now(submission).report_id == world.stand_in.finished[0].id
    assert world.case_of(submission).state is CaseState.REPORTED


def test_receipts_hold_the_answers_as_they_came(world: World) -> None:
    world.faults.add(Step.FINISH, Fault(kind=FaultKind.GARBAGE_AFTER))
    submission = world.confirmed(files=1)
    world.run()
    receipts = world.desk.receipts(REPORTER, submission.id)
    steps = [(each.step, each.status, each.code) for each in receipts]
    assert steps == [
        (Step.SUBMIT, 200, 0),
        (Step.UPLOAD, 200, 0),
        (Step.FILE_INFO, 200, 0),
        (Step.FINISH, 200, None),
        (Step.FINISH, 404, 5102),
    ]
    assert receipts[3].body == b"\x00<html>a planned fault"
    assert all(each.request_id for each in receipts)


def test_what_is_kept_after_a_report_is_not_shortened(world: World) -> None:
    submission = world.confirmed()
    longer = world.clock() + timedelta(days=4000)
    with world.store.writing() as unit:
        case = unit.lock_case(submission.case)
        assert case is not None
        unit.save_case(replace(case, preserve_until=longer))
    world.desk.work(world.client)
    assert world.case_of(submission).preserve_until == longer


def test_a_finished_report_with_other_files_is_shown_to_a_person(world: World) -> None:
    submission = world.confirmed(files=1)
    finish = world.client.finish
    world.client.finish = lambda report_id: replace(  # type: ignore[method-assign]
        finish(report_id), files=("another",)
    )
    world.desk.work(world.client)
    finished = world.now(submission)
    assert finished.state is SubmissionState.FINISHED
    assert "other files" in (finished.problem or "")
