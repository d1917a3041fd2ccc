"""A finish whose answer was lost: what the receiver does not know proves nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stand_in_cases import REPORTER, World

from lightkeeper.cases.people import Actor, Role
from lightkeeper.cases.record import CaseState
from lightkeeper.errors import CaseNotFound, InvalidReport, InvalidTransition, NotPermitted
from lightkeeper.reporting.outbox import Step, Submission, SubmissionState
from lightkeeper.testing.cybertipline import Fault, FaultKind

GONE = Fault(kind=FaultKind.CODE, code=5001)


def _unknown(world: World, kind: FaultKind = FaultKind.DROP_AFTER) -> Submission:
    """The answer to a finish is lost, the deadline passes, and the receiver says "no such"."""
    world.faults.add(Step.FINISH, Fault(kind=kind), GONE)
    submission = world.confirmed()
    world.desk.work(world.client)
    world.clock.forward(days=2)
    world.desk.work(world.client)
    return world.now(submission)


@pytest.mark.parametrize("kind", [FaultKind.DROP_AFTER, FaultKind.CODE_AFTER, FaultKind.DROP])
def test_no_such_report_is_not_believed_however_late(world: World, kind: FaultKind) -> None:
    unknown = _unknown(world, kind)
    assert unknown.state is SubmissionState.DEAD
    assert unknown.finish_unknown
    assert "finish unknown" in (unknown.problem or "")
    world.clock.forward(days=400)
    assert world.desk.work(world.client) == 0
    assert len(world.stand_in.reports) == 1
    assert world.case_of(unknown).state is CaseState.REPORTING


def test_a_person_says_that_it_was_finished(world: World) -> None:
    unknown = _unknown(world)
    number = unknown.report_id or ""
    settled = world.desk.settle(REPORTER, unknown.id, number, finished=True)
    assert settled.state is SubmissionState.FINISHED
    assert settled.finished_at == world.clock()
    case = world.case_of(unknown)
    assert case.state is CaseState.REPORTED
    assert case.preserve_until is not None
    assert (case.preserve_until - world.clock()).days == 365
    with world.store.reading() as unit:
        *_, last = unit.events(case=case.id)
    assert (last.actor, last.action) == (REPORTER.id, "report-sent")
    assert last.details["settled"] == "finished"
    assert world.desk.work(world.client) == 0
    assert [report.id for report in world.stand_in.finished] == [number]


def test_a_person_says_that_it_was_not_finished_and_it_is_sent_as_another(world: World) -> None:
    unknown = _unknown(world, FaultKind.DROP)
    world.desk.settle(REPORTER, unknown.id, unknown.report_id or "", finished=False)
    world.run()
    world.check(unknown)
    assert world.now(unknown).abandoned == (unknown.report_id,)


def test_asking_again_tells_the_truth_once_the_receiver_does(world: World) -> None:
    unknown = _unknown(world)
    world.desk.retry_dead(REPORTER, unknown.id)
    world.desk.work(world.client)
    world.check(unknown)
    assert len(world.stand_in.reports) == 1


@pytest.mark.parametrize("finished", [True, False])
def test_a_withdrawn_report_whose_finish_is_unknown_is_settled_too(
    world: World, finished: bool
) -> None:
    unknown = _unknown(world, FaultKind.DROP_AFTER if finished else FaultKind.DROP)
    world.faults.add(Step.RETRACT, GONE)
    world.desk.retract(REPORTER, unknown.id)
    world.desk.work(world.client)
    assert world.now(unknown).finish_unknown
    world.desk.settle(REPORTER, unknown.id, unknown.report_id or "", finished=finished)
    world.desk.work(world.client)
    expected = SubmissionState.FINISHED if finished else SubmissionState.RETRACTED
    assert world.now(unknown).state is expected
    after = CaseState.REPORTED if finished else CaseState.TO_REPORT
    assert world.case_of(unknown).state is after
    assert len(world.stand_in.reports) == 1


def test_the_number_must_be_that_of_the_report(world: World) -> None:
    unknown = _unknown(world)
    with pytest.raises(InvalidReport, match="number"):
        world.desk.settle(REPORTER, unknown.id, "17", finished=False)
    assert world.now(unknown) == unknown


def test_what_is_known_is_not_settled_by_anybody(world: World) -> None:
    world.faults.add(Step.SUBMIT, Fault(kind=FaultKind.CODE, code=4100))
    refused = world.confirmed()
    world.desk.work(world.client)
    for finished in (True, False):
        with pytest.raises(InvalidTransition):
            world.desk.settle(REPORTER, refused.id, "", finished=finished)
    world.run()
    number = world.now(refused).report_id or ""
    with pytest.raises(InvalidTransition, match="finished"):
        world.desk.settle(REPORTER, refused.id, number, finished=False)


def test_no_key_and_nobody_of_another_queue_settles(world: World) -> None:
    unknown = _unknown(world)
    key = Actor(id="key-7", name="a key", roles=frozenset(Role), is_person=False)
    with pytest.raises(NotPermitted):
        world.desk.settle(key, unknown.id, unknown.report_id or "", finished=False)
    elsewhere = replace(REPORTER, queues=frozenset({"harbour"}))
    with pytest.raises(CaseNotFound):
        world.desk.settle(elsewhere, unknown.id, unknown.report_id or "", finished=False)


def _restored(world: World, files: int, sent: int) -> Submission:
    """A report that is finished, and a data base from when ``sent`` requests had been made."""
    early: list[Submission] = []
    submission = world.confirmed(files)
    finish, requests = world.client.finish, 0
    for name in ("submit", "upload", "file_info", "finish"):
        request = getattr(world.client, name)

        def counted(*parts: object, request: object = request) -> object:
            nonlocal requests
            if requests == sent:
                early.append(world.now(submission))
            requests += 1
            return request(*parts)  # type: ignore[operator]

        setattr(world.client, name, counted)
    case = world.case_of(submission)
    world.desk.work(world.client)
    assert len(world.stand_in.finished) == 1
    world.client.finish = finish  # type: ignore[method-assign]
    with world.store.writing() as unit:
        now = unit.submission(submission.id)
        assert now is not None
        due = replace(early[0], version=now.version, next_attempt=world.clock(), under_way=None)
        unit.save_submission(due)
        unit.save_case(replace(case, version=world.case_of(submission).version))
    return world.now(submission)


@pytest.mark.parametrize("hours", [0, 48])
@pytest.mark.parametrize("sent", range(1, 6))
def test_a_report_that_was_finished_after_the_backup_is_not_made_again(
    world: World, sent: int, hours: int
) -> None:
    submission = _restored(world, 2, sent)
    world.clock.forward(hours=hours)
    world.desk.work(world.client)
    restored = world.now(submission)
    assert restored.finish_unknown
    assert "not finished from here" in (restored.problem or "")
    world.desk.retry_dead(REPORTER, submission.id)
    world.desk.work(world.client)
    assert world.now(submission).state is SubmissionState.FINISHED
    assert [report.id for report in world.stand_in.finished] == [restored.report_id]
    assert len(world.stand_in.reports) == 1


def test_the_receivers_word_that_it_is_finished_never_finishes_a_part_of_a_report(
    world: World,
) -> None:
    world.faults.add(Step.UPLOAD, Fault(kind=FaultKind.CODE, code=5102))
    submission = world.confirmed(2)
    world.desk.work(world.client)
    assert world.now(submission).finish_unknown
    world.desk.retry_dead(REPORTER, submission.id)
    world.run()
    world.check(submission)
    assert [report.state for report in world.stand_in.reports] == ["retracted", "finished"]


_FINISHES = st.lists(
    st.sampled_from(
        [
            *(Fault(kind=kind, code=code) for kind in FaultKind for code in (1000, 5001, 5101)),
            Fault(kind=FaultKind.CODE, code=4100),
            Fault(kind=FaultKind.CODE_AFTER, code=4100),
        ]
    ),
    max_size=5,
)
_PASSING = st.lists(st.sampled_from([1, 20, 70, 24 * 60, 48 * 60]), min_size=1, max_size=8)


def _mixture(finishes: list[Fault], minutes: list[int], withdraws: int | None) -> None:
    world = World()
    world.faults.add(Step.FINISH, *finishes)
    submission = world.confirmed()
    for number, passed in enumerate(minutes):
        world.desk.work(world.client)
        if number == withdraws and not world.now(submission).finished_at:
            world.desk.retract(REPORTER, submission.id)
        world.clock.forward(minutes=passed)
    assert len(world.stand_in.finished) <= 1
    world.run()
    ended = world.now(submission)
    if ended.state is SubmissionState.RETRACTED:
        assert world.stand_in.finished == ()
    else:
        assert ended.state is SubmissionState.FINISHED
        assert [report.id for report in world.stand_in.finished] == [ended.report_id]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_FINISHES, _PASSING, st.none() | st.integers(0, 4))
def test_no_mixture_of_lost_finishes_lies_and_waiting_makes_two_reports(
    finishes: list[Fault], minutes: list[int], withdraws: int | None
) -> None:
    _mixture(finishes, minutes, withdraws)


@pytest.mark.soak
@settings(max_examples=3_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(_FINISHES, _PASSING, st.none() | st.integers(0, 7))
def test_three_thousand_mixtures_of_lost_finishes_lies_and_waiting(
    finishes: list[Fault], minutes: list[int], withdraws: int | None
) -> None:
    _mixture(finishes, minutes, withdraws)
