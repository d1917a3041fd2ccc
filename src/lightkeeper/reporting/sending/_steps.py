"""Which request comes next, and what its answer changes. Nothing is sent or kept here.

A request is written down as ``under_way`` before it is sent, so that whoever finds it later knows
that its answer was lost. What then makes sure that one case ends with one finished report:

=========  =====================================================================================
submit     A report may have been opened whose number nobody knows. It can never be finished, and
           the receiver deletes it. Open another one.
upload,    The file, or its description, may have arrived, and a second one would be a duplicate
fileinfo   or an error. Withdraw the report and open another one.
retract    Ask again: "already retracted" and "no such report" are as good as success.
finish     Ask again. "Already finished" is success. "No such report" proves nothing, however
           late: it may have expired, or may have been finished and be out of reach. A person asks
           the receiver and settles it, because believing it wrongly would report the case twice.
=========  =====================================================================================

A report is finished by nobody who has given it up: a number in ``abandoned`` is never used again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from lightkeeper.reporting.outbox import SentFile, Step, Submission, SubmissionState
from lightkeeper.reporting.sending._answer import Answer, Verdict

_LASTS: Final = timedelta(hours=24)
_LASTS_UNCHANGED: Final = timedelta(hours=1)
_UNFINISHED: Final = "the receiver says that a report is finished which was not finished from here"
_UNKNOWN: Final = (
    "finish unknown: the receiver does not know a report whose finish may have arrived; ask it "
    "whether the report was finished, and settle that here"
)
_ELSEWHERE: Final = "it was finished, though not from here: compare it with the receiver's copy"
_FILES: Final = "the receiver lists other files than were sent: compare the last receipt"
_OVERDUE: Final = (
    "it should have been sent long ago: either no worker ran, or this is a restored backup and the "
    "report was sent since; look at what the receiver has of your account: if it is not there try "
    "again, and if it is there withdraw it here"
)
_CANNOT_WITHDRAW: Final = "the receiver refuses to withdraw the report"


@dataclass(frozen=True, slots=True)
class Request:
    """A request to make. ``repeated``: an earlier one like it was sent, and its answer lost."""

    step: Step
    file: int | None = None
    repeated: bool = False


def deadline(submission: Submission) -> datetime | None:
    """When the receiver deletes the report if it is not finished."""
    if submission.opened_at is None:
        return None
    changed = submission.changed_at or submission.opened_at
    return max(submission.opened_at + _LASTS, changed + _LASTS_UNCHANGED)


def next_request(submission: Submission, now: datetime) -> Request | None:
    """What to ask of the receiver; ``None`` where a withdrawn report needs no request."""
    lost = submission.under_way
    if submission.withdrawn_by:
        return Request(Step.RETRACT) if submission.report_id else None
    if submission.report_id is None:
        return Request(Step.SUBMIT)
    if lost is Step.FINISH and _is_complete(submission):
        return Request(Step.FINISH, repeated=True)
    if lost is not None or _has_expired(submission, now):
        # What should have been deleted is asked about too: after a backup was restored, it may
        # have been finished by a worker that nobody here remembers.
        return Request(Step.RETRACT)
    for number, file in enumerate(submission.files):
        if file.file_id is None:
            return Request(Step.UPLOAD, number)
        if not file.described:
            return Request(Step.FILE_INFO, number)
    return Request(Step.FINISH)


def set_aside(submission: Submission, *, due_before: datetime) -> Submission:
    """Given up, where nobody opened it in time: that proves nothing about what a backup forgot.

    Of what was opened the receiver is asked, which tells.
    """
    due = submission.next_attempt
    opens = submission.report_id is None and submission.withdrawn_by is None
    late = due is not None and due < due_before
    if submission.state is SubmissionState.CONFIRMED and opens and late:
        return dead(submission, _OVERDUE)
    return submission


def begun(submission: Submission, request: Request, *, until: datetime) -> Submission:
    """The submission as it is written down before a request. ``until`` ends the lease."""
    # That a finish was sent is not forgotten for a retract: only its answer tells which came first.
    keeps = submission.under_way is Step.FINISH
    return replace(
        submission,
        under_way=Step.FINISH if keeps else request.step,
        next_attempt=until,
    )


def settled(
    submission: Submission, request: Request, answer: Answer, *, asked: datetime, now: datetime
) -> Submission:
    """The submission after an answer. More ``attempts`` than before: it has to wait."""
    match request.step:
        case Step.SUBMIT:
            return _after_submit(submission, answer, asked)
        case Step.UPLOAD | Step.FILE_INFO:
            return _after_file(submission, request, answer, asked)
        case Step.FINISH:
            return _after_finish(submission, request, answer, now)
        case Step.RETRACT:
            return _after_retract(submission, answer, now)


def dead(submission: Submission, problem: str) -> Submission:
    """A person has to look. ``under_way`` stays, for whoever tries again."""
    return replace(submission, state=SubmissionState.DEAD, problem=problem, next_attempt=None)


def retracted(submission: Submission) -> Submission:
    """Withdrawn, as somebody asked."""
    return replace(
        submission,
        state=SubmissionState.RETRACTED,
        under_way=None,
        next_attempt=None,
        problem=None,
    )


def settled_as(submission: Submission, *, finished: bool, now: datetime) -> Submission:
    """After a person has found out what became of a finish. What was not finished is given up."""
    if finished:
        return _finished(submission, now)
    given_up = replace(_given_up(submission), problem=None, next_attempt=now)
    return replace(given_up, state=SubmissionState.CONFIRMED, attempts=0)


def _after_submit(submission: Submission, answer: Answer, asked: datetime) -> Submission:
    if answer.verdict is Verdict.DONE and answer.report_id:
        # Counted from before the request, so that our deadline is never later than the receiver's.
        return replace(
            submission,
            report_id=answer.report_id,
            opened_at=asked,
            changed_at=asked,
            files=tuple(SentFile(item=file.item) for file in submission.prepared.files),
            under_way=None,
        )
    return _failed(replace(submission, under_way=None), answer)


def _after_file(
    submission: Submission, request: Request, answer: Answer, asked: datetime
) -> Submission:
    number = request.file or 0
    prepared, sent = submission.prepared.files[number], submission.files[number]
    if answer.verdict is Verdict.DONE:
        if request.step is Step.FILE_INFO:
            sent = replace(sent, described=True)
        elif answer.file_id and _same_digest(answer.md5, prepared.md5):
            sent = replace(sent, file_id=answer.file_id)
        else:
            return _tired(submission, "the receiver has another file than was sent")
        files = (*submission.files[:number], sent, *submission.files[number + 1 :])
        return replace(submission, files=files, changed_at=asked, under_way=None)
    if answer.verdict in (Verdict.NO_REPORT, Verdict.RETRACTED):
        return _given_up(_failed(submission, answer, for_good=False))
    if answer.verdict is Verdict.FINISHED:
        return _finished_elsewhere(submission)
    return _failed(submission, answer)


def _after_finish(
    submission: Submission, request: Request, answer: Answer, now: datetime
) -> Submission:
    match answer.verdict:
        case Verdict.DONE:
            finished = _finished(submission, now)
            sent = {file.file_id for file in submission.files}
            return finished if set(answer.files) == sent else replace(finished, problem=_FILES)
        case Verdict.FINISHED:
            if request.repeated:
                return _finished(submission, now)
            return _finished_elsewhere(submission)
        case Verdict.NO_REPORT | Verdict.RETRACTED:
            return dead(submission, _UNKNOWN)
        case _:
            return _failed(submission, answer)


def _after_retract(submission: Submission, answer: Answer, now: datetime) -> Submission:
    may_be_finished = submission.under_way is Step.FINISH
    match answer.verdict:
        case Verdict.DONE | Verdict.RETRACTED:
            return _withdrawn(submission)
        case Verdict.NO_REPORT if may_be_finished:
            return dead(submission, _UNKNOWN)
        case Verdict.NO_REPORT:
            return _withdrawn(submission)
        case Verdict.FINISHED:
            if not may_be_finished:
                return _finished_elsewhere(submission)
            finished = _finished(submission, now)
            return finished if _is_complete(submission) else replace(finished, problem=_ELSEWHERE)
        case Verdict.INVALID if not submission.withdrawn_by:
            return _given_up(_failed(submission, answer, for_good=False))
        case Verdict.INVALID:
            return dead(submission, _CANNOT_WITHDRAW)
        case _:
            return _failed(submission, answer)


def _finished_elsewhere(submission: Submission) -> Submission:
    """So it is after a backup was restored. From now on nothing but a finish is believed of it."""
    return dead(replace(submission, under_way=Step.FINISH), _UNFINISHED)


def _withdrawn(submission: Submission) -> Submission:
    return retracted(submission) if submission.withdrawn_by else _given_up(submission)


def _finished(submission: Submission, now: datetime) -> Submission:
    return replace(
        submission,
        state=SubmissionState.FINISHED,
        finished_at=now,
        under_way=None,
        next_attempt=None,
        problem=None,
    )


def _given_up(submission: Submission) -> Submission:
    given_up = (submission.report_id,) if submission.report_id else ()
    return replace(
        submission,
        report_id=None,
        opened_at=None,
        changed_at=None,
        files=(),
        under_way=None,
        abandoned=(*submission.abandoned, *given_up),
    )


def _failed(submission: Submission, answer: Answer, *, for_good: bool = True) -> Submission:
    error = answer.error()
    problem = f"{error}; {error.hint}" if error.hint else str(error)
    if for_good and answer.verdict in (Verdict.REFUSED, Verdict.INVALID):
        return dead(submission, problem)
    return _tired(submission, problem)


def _tired(submission: Submission, problem: str) -> Submission:
    return replace(submission, attempts=submission.attempts + 1, problem=problem)


def _has_expired(submission: Submission, now: datetime) -> bool:
    expires = deadline(submission)
    return expires is not None and now >= expires


def _same_digest(said: str | None, expected: str) -> bool:
    return said is not None and said.strip().lower() == expected.lower()


def _is_complete(submission: Submission) -> bool:
    return all(file.described for file in submission.files)
