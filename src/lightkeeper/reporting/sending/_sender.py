"""Sending one submission: every request is durable before it is made, every answer after."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from lightkeeper.cases import Clock
from lightkeeper.cases.audit import Action, EventDraft
from lightkeeper.cases.custody import Vault
from lightkeeper.cases.people import SERVICE
from lightkeeper.cases.record import Case, CaseState
from lightkeeper.errors import CaseNotFound, InvalidReport, StaleCase, VaultError
from lightkeeper.reporting._ports import ReportReader, ReportStore, ReportWriter
from lightkeeper.reporting.outbox import Receipt, Step, Submission, SubmissionState
from lightkeeper.reporting.sending._answer import Answer
from lightkeeper.reporting.sending._patience import Patience
from lightkeeper.reporting.sending._receiver import Receiver
from lightkeeper.reporting.sending._steps import (
    Request,
    begun,
    dead,
    next_request,
    retracted,
    set_aside,
    settled,
)

_AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """What sending needs."""

    store: ReportStore
    vault: Vault
    receiver: Receiver
    clock: Clock
    patience: Patience
    chance: Callable[[], float]
    """Random, from [0, 1)."""
    retention: timedelta

    def set_overdue_aside(self) -> None:
        """Before anything is sent: what may have been sent from a data base that is gone."""
        due_before = self.clock() - self.patience.overdue
        confirmed = frozenset({SubmissionState.CONFIRMED})
        while True:
            with self.store.reading() as unit:
                found = unit.submissions_in(confirmed, limit=_AT_ONCE)
            overdue = [each for each in found if set_aside(each, due_before=due_before) != each]
            if not overdue:
                return
            for each in overdue:
                self._set_aside(each, due_before)

    def _set_aside(self, submission: Submission, due_before: datetime) -> None:
        with self.store.writing() as unit:
            case = unit.lock_case(submission.case)
            stored = self._stored(unit, submission)
            aside = set_aside(stored, due_before=due_before)
            if case is not None and aside != stored:
                self._tell_case(unit, case, unit.save_submission(aside), None)

    def advance(self, submission: Submission) -> Submission:
        """Go on with a leased submission until it is over, or has to wait."""
        while submission.state is SubmissionState.CONFIRMED:
            failures = submission.attempts
            try:
                submission = self._one_request(submission)
            except StaleCase:
                with self.store.reading() as unit:
                    found = self._stored(unit, submission)
                if not _still_leased(submission, found):
                    return found
                submission = found
            if submission.attempts > failures:
                break
        return submission

    def _one_request(self, submission: Submission) -> Submission:
        asked = self.clock()
        request = next_request(submission, asked)
        if request is None:
            return self._keep(submission, None, retracted)
        content = b""
        if request.step is Step.UPLOAD:
            try:
                content = self._content(submission, request)
            except VaultError as error:
                problem = f"a file of the report cannot be read from the vault: {error}"
                return self._keep(submission, None, lambda stored: dead(stored, problem))
        with self.store.writing() as unit:
            current = unit.save_submission(
                begun(submission, request, until=asked + self.patience.lease)
            )
        try:
            answer = self._ask(current, request, content)
        except InvalidReport as error:
            problem = str(error)
            return self._keep(current, None, lambda stored: dead(stored, problem))
        now = self.clock()
        item = None if request.file is None else current.prepared.files[request.file].item
        receipt = Receipt(
            at=now,
            step=request.step,
            item=item,
            status=answer.status,
            code=answer.code,
            request_id=answer.request_id,
            body=answer.body,
        )
        return self._keep(
            current,
            receipt,
            lambda stored: settled(stored, request, answer, asked=asked, now=now),
        )

    def _content(self, submission: Submission, request: Request) -> bytes:
        file = submission.prepared.files[request.file or 0]
        content = self.vault.get(file.vault_key)
        if hashlib.sha256(content).hexdigest() != file.sha256.lower():
            raise VaultError("it is not the file that the report was prepared with")
        return content

    def _ask(self, submission: Submission, request: Request, content: bytes) -> Answer:
        if request.step is Step.SUBMIT:
            return self.receiver.submit(submission.prepared.report_xml)
        report_id = submission.report_id or ""
        if request.step is Step.FINISH:
            return self.receiver.finish(report_id)
        if request.step is Step.RETRACT:
            return self.receiver.retract(report_id)
        number = request.file or 0
        file = submission.prepared.files[number]
        if request.step is Step.UPLOAD:
            return self.receiver.upload(report_id, file.file_name, content)
        file_id = submission.files[number].file_id or ""
        return self.receiver.file_info(report_id, file_id, file.details_xml)

    def _keep(
        self,
        submission: Submission,
        receipt: Receipt | None,
        change: Callable[[Submission], Submission],
    ) -> Submission:
        """Make a receipt and what follows from it durable together.

        Raises
        ------
        StaleCase
            Another worker has taken over; only the receipt was kept.
        """
        with self.store.writing() as unit:
            # The case first, as everybody does: its lock keeps the submission as it is.
            case = unit.lock_case(submission.case)
            stored = self._stored(unit, submission)
            if case is None:
                raise CaseNotFound("the case of the submission is gone")
            if receipt:
                unit.add_receipt(submission.id, receipt)
            if _still_leased(submission, stored):
                saved = unit.save_submission(self._scheduled(stored, change(stored)))
                if saved.state is not SubmissionState.CONFIRMED:
                    self._tell_case(unit, case, saved, receipt)
                return saved
        raise StaleCase("another worker has taken the submission over")

    def _scheduled(self, before: Submission, after: Submission) -> Submission:
        if after.state is not SubmissionState.CONFIRMED or after.attempts == before.attempts:
            return after
        if after.attempts >= self.patience.attempts:
            return dead(after, f"tried {after.attempts} times: {after.problem}")
        wait = self.patience.wait(after.attempts, self.chance())
        return replace(after, next_attempt=self.clock() + wait)

    def _stored(self, unit: ReportReader, submission: Submission) -> Submission:
        found = unit.submission(submission.id)
        if found is None:
            raise CaseNotFound("the submission is gone")
        return found

    def _tell_case(
        self, unit: ReportWriter, case: Case, submission: Submission, receipt: Receipt | None
    ) -> None:
        details = {"state": submission.state.value, "report": submission.report_id or ""}
        if receipt:
            details |= {"step": receipt.step.value, "request": receipt.request_id or ""}
            details["code"] = "" if receipt.code is None else str(receipt.code)
        match submission.state:
            case SubmissionState.FINISHED:
                action, state = Action.REPORT_SENT, CaseState.REPORTED
                after = preserved(case, until=self.clock() + self.retention)
            case SubmissionState.RETRACTED:
                action, after, state = Action.REPORT_RETRACTED, case, CaseState.TO_REPORT
            case _:
                action, after, state = Action.REPORT_FAILED, case, case.state
        if case.state is CaseState.REPORTING:
            after = replace(after, state=state)
        if after != case:
            unit.save_case(after)
        draft = EventDraft(
            at=self.clock(),
            actor=SERVICE.id,
            action=action,
            object=f"report:{submission.id}",
            case=case.id,
            details=details,
        )
        unit.append([draft])


def preserved(case: Case, *, until: datetime) -> Case:
    """Kept at least so long."""
    return replace(case, preserve_until=max(until, case.preserve_until or until))


def _still_leased(mine: Submission, stored: Submission) -> bool:
    """Whether nobody but a person who wants it withdrawn has touched it."""
    unchanged = replace(stored, version=mine.version, withdrawn_by=mine.withdrawn_by)
    return unchanged == mine
