"""Submissions and receipts in every store, and sending over them with deaths at any commit."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lightkeeper.errors import InvalidTransition, StaleCase
from lightkeeper.reporting import ReportStore
from lightkeeper.reporting.outbox import Receipt, Step, Submission, SubmissionState
from lightkeeper.storage.cases import SqlCaseStore
from lightkeeper.testing.cybertipline import Fault, FaultKind

sys.path.insert(0, str(Path(__file__).parents[2] / "reporting" / "sending"))

from stand_in_cases import REPORTER, World, check_finished

LEASE = timedelta(minutes=15)


@pytest.fixture
def world(store: ReportStore) -> World:
    return World(store=store)


@pytest.fixture
def sql_world(sql: SqlCaseStore) -> World:
    return World(store=sql)


def _lease(world: World) -> Submission | None:
    with world.store.writing() as unit:
        return unit.lease_submission(now=world.clock(), lasts=LEASE)


def test_what_is_kept_comes_back_as_it_was(world: World) -> None:
    submission = world.confirmed(files=3)
    assert world.now(submission) == submission
    receipt = Receipt(
        at=world.clock(),
        step=Step.FINISH,
        item=None,
        status=502,
        code=None,
        request_id="7",
        body=b"\xff\x00<no text",
    )
    with world.store.writing() as unit:
        unit.add_receipt(submission.id, receipt)
    with world.store.reading() as unit:
        assert unit.receipts(submission.id) == (receipt,)
        assert unit.submissions(submission.case) == (submission,)
        assert unit.submission("nothing") is None


@pytest.mark.parametrize(
    "state",
    [
        SubmissionState.DRAFT,
        SubmissionState.CONFIRMED,
        SubmissionState.DEAD,
        SubmissionState.FINISHED,
    ],
)
def test_a_case_has_one_living_report(world: World, state: SubmissionState) -> None:
    submission = world.confirmed()
    with world.store.writing() as unit:
        saved = unit.save_submission(replace(submission, state=state))
    second = replace(submission, id="second", version=0, state=SubmissionState.DRAFT)
    with pytest.raises(InvalidTransition), world.store.writing() as unit:
        unit.add_submission(second)
    with world.store.writing() as unit:
        unit.save_submission(replace(saved, state=SubmissionState.RETRACTED))
        unit.add_submission(second)


def test_a_submission_that_somebody_changed_is_not_overwritten(world: World) -> None:
    submission = world.confirmed()
    with world.store.writing() as unit:
        unit.save_submission(replace(submission, attempts=1))
    with pytest.raises(StaleCase), world.store.writing() as unit:
        unit.save_submission(replace(submission, attempts=2))


def test_a_lease_is_given_once_until_it_ends(world: World) -> None:
    first, second = world.confirmed(), world.confirmed()
    leased = [_lease(world), _lease(world)]
    assert {each.id for each in leased if each} == {first.id, second.id}
    assert _lease(world) is None
    world.clock.forward(minutes=15)
    assert _lease(world) is not None


def test_nothing_is_leased_before_its_time_or_in_another_state(world: World) -> None:
    submission = world.confirmed()
    later = world.clock() + timedelta(hours=1)
    with world.store.writing() as unit:
        waiting = unit.save_submission(replace(submission, next_attempt=later))
    assert _lease(world) is None
    world.clock.now = later
    with world.store.writing() as unit:
        unit.save_submission(replace(waiting, state=SubmissionState.DEAD))
    assert _lease(world) is None


def test_lists_begin_with_what_changes_next(world: World) -> None:
    later = world.confirmed()
    with world.store.writing() as unit:
        soon = world.clock() + timedelta(hours=1)
        unit.save_submission(replace(later, next_attempt=soon))
    earlier = world.confirmed()
    with world.store.reading() as unit:
        found = unit.submissions_in(frozenset({SubmissionState.CONFIRMED}))
        assert [each.id for each in found] == [earlier.id, later.id]
        assert len(unit.submissions_in(frozenset({SubmissionState.CONFIRMED}), limit=1)) == 1


def test_those_with_a_problem_are_found_whatever_others_say(world: World) -> None:
    odd = world.confirmed()
    troubled = world.confirmed()
    with world.store.writing() as unit:
        said = '"problem":"an umbrella"'
        unit.save_submission(replace(odd, state=SubmissionState.FINISHED, report_id=said))
        state = SubmissionState.FINISHED
        unit.save_submission(replace(troubled, state=state, problem='two "files" lack'))
    with world.store.reading() as unit:
        finished = frozenset({SubmissionState.FINISHED})
        assert len(unit.submissions_in(finished)) == 2
        found = unit.submissions_in(finished, troubled=True)
    assert [each.id for each in found] == [troubled.id]


class DiedError(BaseException):
    """The process is gone: what was not committed never was."""


class MortalStore:
    """Dies at chosen transactions: before, within, or just after they are durable."""

    def __init__(self, store: ReportStore, deaths: dict[int, str]) -> None:
        self._store = store
        self._deaths = deaths
        self._count = 0

    def reading(self) -> Any:
        return self._store.reading()

    @contextmanager
    def writing(self) -> Iterator[Any]:
        self._count += 1
        death = self._deaths.get(self._count)
        if death == "before":
            raise DiedError
        with self._store.writing() as unit:
            yield unit
            if death == "within":
                raise DiedError
        if death == "after":
            raise DiedError


def _send(world: World, deaths: dict[int, str]) -> None:
    """Workers that die, each followed by another one once the lease has ended."""
    store = MortalStore(world.store, deaths)
    desk = world.desk_over(store)
    for _ in range(200):
        with suppress(DiedError):
            desk.work(world.client)
        world.revive()
        if not world.desk.listed(REPORTER, frozenset({SubmissionState.CONFIRMED})):
            return
        world.clock.forward(minutes=16)
    raise AssertionError("it never ends")


@pytest.mark.parametrize("when", ["before", "within", "after"])
def test_a_death_at_any_commit_loses_and_doubles_nothing(world: World, when: str) -> None:
    for number in range(1, 16):
        submission = world.confirmed(files=2)
        _send(world, {number: when})
        world.check(submission)


def _random_faults(rng: random.Random) -> Any:
    kinds = [FaultKind.CODE, FaultKind.CODE_AFTER, FaultKind.DROP, FaultKind.DROP_AFTER]
    kinds.append(FaultKind.GARBAGE_AFTER)
    # Not that a report is gone which is there: nobody could see through that after a day.
    codes = [1000, 1100, 1110, 1111, 1210, 1300, 2000, 3000, 3100, 3300, 4000, 4100, 4110, 4200]

    def choose(_step: Step) -> Fault | None:
        if rng.random() > 0.25:
            return None
        return Fault(kind=rng.choice(kinds), code=rng.choice(codes))

    return choose


def _mixture(store: ReportStore, seed: int) -> None:
    rng = random.Random(seed)
    world = World(store=store, faults=_random_faults(rng))
    sent = [world.confirmed(files=rng.randint(0, 3)) for _ in range(2)]
    deaths = {
        number: rng.choice(["before", "within", "after"])
        for number in range(1, 120)
        if rng.random() < 0.12
    }
    _send(world, deaths)
    for submission in sent:
        world.check(submission)


def test_any_mixture_of_faults_and_deaths_ends_with_one_report(store: ReportStore) -> None:
    for seed in range(6):
        _mixture(store, seed)


@pytest.mark.soak
def test_many_mixtures_of_faults_and_deaths(store: ReportStore) -> None:
    for seed in range(1000, 1400):
        _mixture(store, seed)


def test_eight_workers_at_once_send_every_report_once(sql_world: World) -> None:
    sent = [sql_world.confirmed(files=2) for _ in range(12)]
    ready = threading.Barrier(8)

    def work(_number: int) -> int:
        ready.wait()
        return sql_world.desk.work(sql_world.client, limit=20)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(8))) == 12
    assert len(sql_world.stand_in.reports) == 12
    assert sql_world.stand_in.asked[Step.UPLOAD] == 24
    for submission in sent:
        check_finished(sql_world.store, sql_world.vault, sql_world.stand_in, submission.id)
