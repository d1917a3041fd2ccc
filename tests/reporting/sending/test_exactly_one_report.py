"""Whatever fails or dies on the way, a confirmed case ends with exactly one finished report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lightkeeper.cases.people import Actor, Role
from lightkeeper.cases.record import CaseState
from lightkeeper.errors import NotPermitted
from lightkeeper.reporting.cybertipline import prepare
from lightkeeper.reporting.outbox import Step, Submission, SubmissionState
from lightkeeper.reporting.sending import Answer, CyberTipline, ReceiverConfig, ReportDesk
from lightkeeper.testing.cases import Office, new_picture
from lightkeeper.testing.cybertipline import Fault, FaultKind, Faults, StandIn
from lightkeeper.testing.demo import PROFILE

CODES = [1000, 1100, 1110, 1111, 1210, 1300, 2000, 3000, 3100, 3300, 4000, 4100, 4110, 4200]
CODES += [5001, 5002, 5101, 5102]
SENDING = [Step.SUBMIT, Step.UPLOAD, Step.FILE_INFO, Step.FINISH]


class Died(BaseException):
    """The worker is gone: nothing after this line has happened."""


class Mortal:
    """A receiver whose client dies before or after a request, as it is told."""

    def __init__(self, receiver: CyberTipline, deaths: dict[int, bool]) -> None:
        self._receiver = receiver
        self._deaths = deaths
        self._asked = 0

    def __getattr__(self, name: str) -> Callable[..., Answer]:
        ask = getattr(self._receiver, name)

        def mortal(*arguments: Any) -> Answer:
            self._asked += 1
            after = self._deaths.get(self._asked)
            if after is False:
                raise Died
            answer: Answer = ask(*arguments)
            if after is True:
                raise Died
            return answer

        return mortal


class Sending:
    """A case that was decided, its confirmed report, and a stand-in to send it to."""

    def __init__(self, pictures: int = 2) -> None:
        self.office = Office()
        items = [new_picture(seed) for seed in range(1, pictures + 1)]
        self.case = self.office.opened(*items)
        self.office.decide(self.office.ida, self.case.id, industry_class="A1")
        self.faults = Faults()
        self.stand_in = StandIn(clock=self.office.clock, faults=self.faults)
        self.client = CyberTipline(
            ReceiverConfig(
                base_url="http://127.0.0.1/ispws", user_name="stand-in", password="stand-in"
            ),
            transport=self.stand_in.transport(),
        )
        draft = self.desk().prepare(self.office.rob, self.case.id, None)
        self.id = self.desk().confirm(self.office.rob, draft.id).id

    def desk(self) -> ReportDesk:
        def with_profile(*arguments: Any, answers: Any) -> Any:
            return prepare(*arguments, profile=PROFILE, answers=answers)

        return ReportDesk(
            self.office.store,
            self.office.vault,
            clock=self.office.clock,
            prepare=with_profile,
            chance=lambda: 1.0,
        )

    @property
    def submission(self) -> Submission:
        with self.office.store.reading() as unit:
            found = unit.submission(self.id)
        assert found is not None
        return found

    def run(self, deaths: dict[int, bool] | None = None, *, most: int = 80) -> Submission:
        """Work until the report is finished or needs a person; whoever dies is replaced."""
        receiver = Mortal(self.client, deaths or {})
        for _ in range(most):
            try:
                self.desk().work(receiver)
            except Died:
                self.office.clock.forward(minutes=20)
            if self.submission.state is not SubmissionState.CONFIRMED:
                break
            self.office.clock.forward(minutes=30)
        return self.submission

    def check(self) -> None:
        """Exactly one finished report, with each file once, described, and every receipt kept."""
        (finished,) = self.stand_in.finished
        contents = [file.content for file in finished.files]
        assert len(contents) == len(set(contents)) == len(self.office.items(self.case.id))
        assert all(file.details for file in finished.files)
        assert self.submission.report_id == finished.id
        assert self.office.case(self.case.id).state is CaseState.REPORTED
        assert self.office.case(self.case.id).preserve_until is not None
        with self.office.store.reading() as unit:
            receipts = unit.receipts(self.id)
        assert receipts[-1].step is Step.FINISH
        assert {receipt.step for receipt in receipts} >= set(SENDING)


def test_a_report_without_trouble_is_sent_once() -> None:
    sending = Sending()
    assert sending.run().state is SubmissionState.FINISHED
    sending.check()
    assert sending.desk().work(sending.client) == 0


@pytest.mark.parametrize("step", SENDING)
@pytest.mark.parametrize("kind", [k for k in FaultKind if k is not FaultKind.SLOW])
def test_one_fault_of_any_kind_at_any_step_ends_well_or_with_a_person(
    step: Step, kind: FaultKind
) -> None:
    sending = Sending()
    sending.faults.add(step, Fault(kind=kind))
    if sending.run().state is SubmissionState.FINISHED:
        sending.check()
    else:
        assert sending.submission.problem
        assert len(sending.stand_in.finished) <= 1


@pytest.mark.parametrize("step", SENDING)
@pytest.mark.parametrize("code", CODES)
def test_every_documented_code_at_every_step_ends_well_or_is_told_to_a_person(
    step: Step, code: int
) -> None:
    sending = Sending(1)
    sending.faults.add(step, Fault(kind=FaultKind.CODE, code=code))
    ended = sending.run()
    if ended.state is SubmissionState.FINISHED:
        sending.check()
    else:
        assert ended.state is SubmissionState.DEAD
        assert ended.problem
        assert sending.stand_in.finished == ()
        assert sending.office.case(sending.case.id).state is CaseState.REPORTING
        retried = sending.desk().retry_dead(sending.office.rob, sending.id)
        assert retried.state is SubmissionState.CONFIRMED


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("request_number", range(1, 7))
def test_dying_at_any_request_loses_and_doubles_nothing(request_number: int, after: bool) -> None:
    sending = Sending()
    assert sending.run({request_number: after}).state is SubmissionState.FINISHED
    sending.check()


FAULTS = st.lists(
    st.tuples(
        st.sampled_from(SENDING),
        st.sampled_from(
            [FaultKind.CODE, FaultKind.DROP, FaultKind.DROP_AFTER, FaultKind.CODE_AFTER]
        ),
    ),
    max_size=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(FAULTS, st.dictionaries(st.integers(1, 25), st.booleans(), max_size=6))
def test_any_mixture_of_faults_and_deaths_ends_with_one_report(
    faults: list[tuple[Step, FaultKind]], deaths: dict[int, bool]
) -> None:
    sending = Sending()
    for step, kind in faults:
        sending.faults.add(step, Fault(kind=kind))
    ended = sending.run(deaths)
    assert len(sending.stand_in.finished) <= 1
    if ended.state is SubmissionState.FINISHED:
        sending.check()
    else:
        assert ended.state is SubmissionState.DEAD
        assert ended.problem


@pytest.mark.soak
@settings(max_examples=2_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(FAULTS, st.dictionaries(st.integers(1, 40), st.booleans(), max_size=12))
def test_two_thousand_mixtures_of_faults_and_deaths(
    faults: list[tuple[Step, FaultKind]], deaths: dict[int, bool]
) -> None:
    sending = Sending()
    for step, kind in faults:
        sending.faults.add(step, Fault(kind=kind))
    sending.run(deaths)
    assert len(sending.stand_in.finished) <= 1
    if sending.submission.state is SubmissionState.FINISHED:
        sending.check()


def test_a_day_without_the_receiver_is_outlived() -> None:
    sending = Sending()
    sending.faults.add(Step.UPLOAD, *[Fault(kind=FaultKind.DROP)] * 12)
    assert sending.run(most=200).state is SubmissionState.FINISHED
    sending.check()


def test_a_key_and_a_reviewer_confirm_nothing() -> None:
    sending = Sending()
    program = Actor(id="p", name="p", roles=frozenset(Role), is_person=False)
    for actor in (program, sending.office.ida):
        with pytest.raises(NotPermitted):
            sending.desk().confirm(actor, sending.id)


def test_a_report_can_be_withdrawn_before_it_is_finished_and_made_anew() -> None:
    sending = Sending()
    sending.faults.add(Step.FINISH, *[Fault(kind=FaultKind.CODE)] * 3)
    sending.run(most=1)
    sending.desk().retract(sending.office.rob, sending.id)
    assert sending.run().state is SubmissionState.RETRACTED
    assert sending.stand_in.finished == ()
    assert sending.office.case(sending.case.id).state is CaseState.TO_REPORT
    draft = sending.desk().prepare(sending.office.rob, sending.case.id, None)
    sending.id = sending.desk().confirm(sending.office.rob, draft.id).id
    assert sending.run().state is SubmissionState.FINISHED
    sending.check()
