"""Every act on a report, with its rights and its trace."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

from lightkeeper.cases import CaseReader, Clock
from lightkeeper.cases.audit import Action, EventDraft
from lightkeeper.cases.custody import Vault
from lightkeeper.cases.decision import Decision
from lightkeeper.cases.desk._bench import new_id
from lightkeeper.cases.item import Item, View
from lightkeeper.cases.people import Actor, Permission
from lightkeeper.cases.record import Case, CaseState
from lightkeeper.errors import CaseNotFound, InvalidReport, InvalidTransition
from lightkeeper.reporting._ports import ReportReader, ReportStore, ReportWriter
from lightkeeper.reporting.cybertipline import ReporterAnswers
from lightkeeper.reporting.outbox import (
    PreparedReport,
    Receipt,
    Step,
    Submission,
    SubmissionState,
)
from lightkeeper.reporting.sending._patience import Patience
from lightkeeper.reporting.sending._receiver import Receiver
from lightkeeper.reporting.sending._sender import Sender, preserved
from lightkeeper.reporting.sending._steps import retracted, settled_as

_OPEN = frozenset({SubmissionState.DRAFT, SubmissionState.CONFIRMED, SubmissionState.DEAD})
_LISTED = 1000


class Prepare(Protocol):
    """Builds the report of a decided case, from what the person adds (``answers``)."""

    def __call__(
        self,
        case: Case,
        items: Sequence[Item],
        decisions: Sequence[Decision],
        views: Sequence[View],
        *,
        answers: ReporterAnswers | None,
    ) -> PreparedReport:
        """
        Raises
        ------
        InvalidReport
            The case, or what the person says, makes no report that the receiver would take.
        """


class ReportDesk:
    """Where people prepare, confirm and withdraw reports, and where workers send them.

    Every method for a person raises :class:`lightkeeper.errors.NotPermitted` where the actor has
    no right to it, :class:`lightkeeper.errors.CaseNotFound` for a report that is not there or not
    for the actor's eyes, and :class:`lightkeeper.errors.InvalidTransition` where the report or its
    case is in another state. No key and no program can confirm: the right is for people only.
    """

    def __init__(
        self,
        store: ReportStore,
        vault: Vault,
        *,
        clock: Clock,
        prepare: Prepare,
        retention: timedelta = timedelta(days=365),
        patience: Patience | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._prepare = prepare
        self._retention = retention
        self._patience = patience or Patience()
        self._chance = chance

    def prepare(self, actor: Actor, case_id: str, answers: ReporterAnswers | None) -> Submission:
        """Make a draft of a case's report; it replaces an earlier draft. Nothing is sent.

        Raises
        ------
        InvalidReport
            It breaks a rule of the receiver.
        """
        with self._store.writing() as unit:
            case = _case(unit, actor, case_id, Permission.REPORT)
            _require_state(case, CaseState.TO_REPORT)
            for earlier in unit.submissions(case_id):
                if earlier.state is SubmissionState.DRAFT:
                    unit.save_submission(replace(earlier, state=SubmissionState.DISCARDED))
            items = unit.items(case_id)
            views = [view for item in items for view in unit.views(item.id)]
            prepared = self._prepare(case, items, unit.decisions(case_id), views, answers=answers)
            submission = Submission(
                id=new_id(),
                case=case_id,
                state=SubmissionState.DRAFT,
                prepared=prepared,
                prepared_by=actor.id,
                prepared_at=self._clock(),
            )
            unit.add_submission(submission)
            self._note(unit, actor, Action.REPORT_PREPARED, submission)
        return submission

    def confirm(self, actor: Actor, submission_id: str) -> Submission:
        """A person says that this draft is to be sent."""
        with self._store.writing() as unit:
            submission, case = self._locked(unit, actor, submission_id, SubmissionState.DRAFT)
            _require_state(case, CaseState.TO_REPORT)
            _require_unchanged(unit, submission)
            now = self._clock()
            saved = unit.save_submission(
                replace(
                    submission,
                    state=SubmissionState.CONFIRMED,
                    confirmed_by=actor.id,
                    confirmed_at=now,
                    next_attempt=now,
                )
            )
            unit.save_case(replace(case, state=CaseState.REPORTING))
            self._note(unit, actor, Action.REPORT_CONFIRMED, saved)
        return saved

    def discard(self, actor: Actor, submission_id: str) -> Submission:
        """Throw a draft away; the case still waits for a report."""
        with self._store.writing() as unit:
            submission, _ = self._locked(unit, actor, submission_id, SubmissionState.DRAFT)
            saved = unit.save_submission(replace(submission, state=SubmissionState.DISCARDED))
            self._note(unit, actor, Action.REPORT_PREPARED, saved)
        return saved

    def retract(self, actor: Actor, submission_id: str) -> Submission:
        """Withdraw a report that is not finished, so that the case can be reported otherwise.

        Where the receiver knows of it, a worker withdraws it there; a report that turns out to be
        finished by then stays finished.
        """
        with self._store.writing() as unit:
            submission, case = self._locked(
                unit, actor, submission_id, SubmissionState.CONFIRMED, SubmissionState.DEAD
            )
            now = self._clock()
            if submission.report_id is None and submission.under_way in (None, Step.SUBMIT):
                changed = replace(retracted(submission), withdrawn_by=actor.id)
                if case.state is CaseState.REPORTING:
                    unit.save_case(replace(case, state=CaseState.TO_REPORT))
            elif submission.state is SubmissionState.DEAD:
                changed = replace(_again(submission), withdrawn_by=actor.id, next_attempt=now)
            else:
                # Whoever holds the lease goes on undisturbed and sees it before the next request.
                changed = replace(submission, withdrawn_by=actor.id)
            saved = unit.save_submission(changed)
            self._note(unit, actor, Action.REPORT_RETRACTED, saved)
        return saved

    def retry_dead(self, actor: Actor, submission_id: str) -> Submission:
        """Try again to send what was given up, once its cause is gone."""
        with self._store.writing() as unit:
            submission, _ = self._locked(unit, actor, submission_id, SubmissionState.DEAD)
            saved = unit.save_submission(replace(_again(submission), next_attempt=self._clock()))
            self._note(unit, actor, Action.REPORT_CONFIRMED, saved)
        return saved

    def settle(
        self, actor: Actor, submission_id: str, report_id: str, *, finished: bool
    ) -> Submission:
        """A person has asked the receiver what became of a finish whose answer is unknown.

        A report that was finished is. One that was not is given up, and the case is reported in
        another one, or not at all where somebody had withdrawn it.

        Parameters
        ----------
        report_id : str
            The number that the receiver was asked about.

        Raises
        ------
        InvalidReport
            It is not the number of this report.
        """
        with self._store.writing() as unit:
            submission, case = self._locked(unit, actor, submission_id, SubmissionState.DEAD)
            if not submission.finish_unknown:
                raise InvalidTransition("what became of the report is known", hint="try it again")
            if report_id != submission.report_id:
                raise InvalidReport("this is not the receiver's number of the report")
            now = self._clock()
            saved = unit.save_submission(settled_as(submission, finished=finished, now=now))
            if finished:
                kept = preserved(case, until=now + self._retention)
                if case.state is CaseState.REPORTING:
                    kept = replace(kept, state=CaseState.REPORTED)
                unit.save_case(kept)
            action = Action.REPORT_SENT if finished else Action.REPORT_CONFIRMED
            outcome = "finished" if finished else "not-finished"
            self._note(unit, actor, action, saved, settled=outcome, about=report_id)
        return saved

    def submission(self, actor: Actor, submission_id: str) -> Submission:
        """One report, with everything that it says. It is written to the audit."""
        with self._store.writing() as unit:
            submission = _submission(unit, actor, submission_id, Permission.READ_CASES)
            self._note(unit, actor, Action.READ, submission)
        return submission

    def receipts(self, actor: Actor, submission_id: str) -> tuple[Receipt, ...]:
        """Every answer of the receiver, in the order of the requests."""
        with self._store.reading() as unit:
            _submission(unit, actor, submission_id, Permission.READ_CASES)
            return unit.receipts(submission_id)

    def of_case(self, actor: Actor, case_id: str) -> tuple[Submission, ...]:
        """Reports of a case, oldest first."""
        actor.require(Permission.READ_CASES)
        with self._store.reading() as unit:
            if not _sees(unit, actor, case_id):
                raise CaseNotFound("there is no such case")
            found = unit.submissions(case_id)
        if found:
            with self._store.writing() as unit:
                for submission in found:
                    self._note(unit, actor, Action.READ, submission)
        return found

    def listed(
        self,
        actor: Actor,
        states: frozenset[SubmissionState] = _OPEN,
        *,
        troubled: bool = False,
    ) -> tuple[Submission, ...]:
        """Reports in these states that the actor may see; dead ones need a person, and so do
        finished ones that are ``troubled``: that have a problem."""
        actor.require(Permission.READ_CASES)
        with self._store.reading() as unit:
            found = unit.submissions_in(states, limit=_LISTED, troubled=troubled)
            return tuple(each for each in found if _sees(unit, actor, each.case))

    def work(self, receiver: Receiver, *, limit: int = 10) -> int:
        """Send what is confirmed and due; for jobs. Returns how many reports it went on with."""
        sender = Sender(
            store=self._store,
            vault=self._vault,
            receiver=receiver,
            clock=self._clock,
            patience=self._patience,
            chance=self._chance,
            retention=self._retention,
        )
        sender.set_overdue_aside()
        for done in range(limit):
            with self._store.writing() as unit:
                leased = unit.lease_submission(now=self._clock(), lasts=self._patience.lease)
            if leased is None:
                return done
            after = sender.advance(leased)
            if after.state is SubmissionState.DEAD:
                # What refused this one may refuse the others too: at most one dies in a run.
                return done + 1
        return limit

    def _locked(
        self, unit: ReportWriter, actor: Actor, submission_id: str, *states: SubmissionState
    ) -> tuple[Submission, Case]:
        found = _submission(unit, actor, submission_id, Permission.REPORT)
        case = unit.lock_case(found.case)
        # Read again under the lock: workers take it too.
        submission = unit.submission(submission_id)
        if case is None or submission is None:
            raise CaseNotFound("there is no such report")
        if submission.state not in states:
            raise InvalidTransition(f"the report is {submission.state.value}")
        return submission, case

    def _note(
        self,
        unit: ReportWriter,
        actor: Actor,
        action: Action,
        submission: Submission,
        **details: str,
    ) -> None:
        draft = EventDraft(
            at=self._clock(),
            actor=actor.id,
            action=action,
            object=f"report:{submission.id}",
            case=submission.case,
            details={
                "state": submission.state.value,
                "report": submission.report_id or "",
                **details,
            },
        )
        unit.append([draft])


def _case(unit: ReportWriter, actor: Actor, case_id: str, permission: Permission) -> Case:
    actor.require(permission)
    case = unit.lock_case(case_id)
    if case is None or not actor.may(permission, case.queue):
        raise CaseNotFound("there is no such case")
    return case


def _submission(
    unit: ReportReader, actor: Actor, submission_id: str, permission: Permission
) -> Submission:
    actor.require(permission)
    found = unit.submission(submission_id)
    if found is not None:
        case = unit.case(found.case)
        if case is not None and actor.may(permission, case.queue):
            return found
    raise CaseNotFound("there is no such report")


def _sees(unit: CaseReader, actor: Actor, case_id: str) -> bool:
    case = unit.case(case_id)
    return case is not None and actor.may(Permission.READ_CASES, case.queue)


def _require_state(case: Case, state: CaseState) -> None:
    if case.state is not state:
        raise InvalidTransition(f"the case is {case.state.value}, not {state.value}")


def _require_unchanged(unit: CaseReader, submission: Submission) -> None:
    since = submission.prepared_at
    items = any(item.added > since for item in unit.items(submission.case))
    decisions = unit.decisions(submission.case)
    if items or any(each.made > since or (each.undone or since) > since for each in decisions):
        raise InvalidTransition(
            "the case has changed since the report was prepared", hint="prepare it again"
        )


def _again(submission: Submission) -> Submission:
    return replace(submission, state=SubmissionState.CONFIRMED, attempts=0)
