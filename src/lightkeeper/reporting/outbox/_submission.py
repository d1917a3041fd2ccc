"""One report on its way out, and everything that is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SubmissionState(StrEnum):
    """How far a submission is. Only a person moves it from ``draft`` to ``confirmed``."""

    DRAFT = "draft"
    CONFIRMED = "confirmed"
    """To be sent, or being sent."""
    FINISHED = "finished"
    RETRACTED = "retracted"
    DISCARDED = "discarded"
    """A draft that nobody confirmed, or a newer one replaced."""
    DEAD = "dead"
    """Refused for good, or tried too often: a person has to look."""


class Step(StrEnum):
    """A request to the receiver."""

    SUBMIT = "submit"
    UPLOAD = "upload"
    FILE_INFO = "fileinfo"
    FINISH = "finish"
    RETRACT = "retract"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedFile:
    """A file of a prepared report. ``details_xml`` lacks the identifiers of the receiver."""

    item: str
    file_name: str
    vault_key: str
    md5: str
    sha256: str
    details_xml: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedReport:
    """A report as it will be sent, byte for byte, once a person has confirmed it."""

    report_xml: bytes
    files: tuple[PreparedFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFile:
    """How far a file of an opened report is."""

    item: str
    file_id: str | None = None
    described: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """An answer of the receiver, kept as it came."""

    at: datetime
    step: Step
    item: str | None
    status: int
    """HTTP status; 0 where there was no answer."""
    code: int | None
    """The receiver's own response code."""
    request_id: str | None
    """Header ``Request-ID``."""
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A report and where it stands. ``under_way`` is a request whose answer is not known yet."""

    id: str
    version: int = 0
    case: str
    state: SubmissionState
    prepared: PreparedReport
    prepared_by: str
    prepared_at: datetime
    confirmed_by: str | None = None
    confirmed_at: datetime | None = None
    report_id: str | None = None
    opened_at: datetime | None = None
    changed_at: datetime | None = None
    """Last change that the receiver acknowledged: an unfinished report is deleted 24 hours after
    opening or one hour after this, whichever is later."""
    under_way: Step | None = None
    files: tuple[SentFile, ...] = ()
    abandoned: tuple[str, ...] = ()
    """Reports that were opened for this submission and given up."""
    attempts: int = 0
    next_attempt: datetime | None = None
    problem: str | None = None
    withdrawn_by: str | None = None
    """Whoever asked that the report be withdrawn before it is finished."""
    finished_at: datetime | None = None

    @property
    def finish_unknown(self) -> bool:
        """Whether it may be finished and nothing proves it: a person asks the receiver, and
        settles it."""
        return (
            self.state is SubmissionState.DEAD
            and self.under_way is Step.FINISH
            and self.report_id is not None
        )
