"""What a receiver answered, and what that means for a report."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from lightkeeper.errors import Rejected, ReportError, Unavailable


class Verdict(StrEnum):
    """What an answer says, whatever was asked."""

    DONE = "done"
    AGAIN = "again"
    """No answer, or the receiver is at fault. Whether it did what was asked is unknown."""
    REFUSED = "refused"
    """The account is not known or has no right: an operator has to act."""
    INVALID = "invalid"
    """The request is wrong, and would be refused again."""
    NO_REPORT = "no-report"
    NO_FILE = "no-file"
    RETRACTED = "retracted"
    FINISHED = "finished"


_CODES: Final = {
    0: Verdict.DONE,
    5001: Verdict.NO_REPORT,
    5002: Verdict.NO_FILE,
    5101: Verdict.RETRACTED,
    5102: Verdict.FINISHED,
}
_THOUSANDS: Final = {
    1: Verdict.AGAIN,
    2: Verdict.REFUSED,
    3: Verdict.REFUSED,
    4: Verdict.INVALID,
    5: Verdict.INVALID,
}
_SENTENCES: Final = {
    Verdict.REFUSED: "the receiver refuses the account",
    Verdict.INVALID: "the receiver refuses what was sent",
    Verdict.NO_REPORT: "the receiver does not know the report",
    Verdict.NO_FILE: "the receiver does not know the file",
    Verdict.RETRACTED: "the receiver says that the report was withdrawn before",
    Verdict.FINISHED: "the receiver says that the report was finished before",
}
_HINTS: Final = {
    Verdict.REFUSED: "check the user name, the password and the account's rights, then try again",
    Verdict.INVALID: "read the receipt; withdraw the report, correct it and prepare it again",
}
_PASSING: Final = frozenset({408, 425, 429})
"""HTTP statuses of the 400s that another attempt may not meet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer as it came, and the parts of it that were understood."""

    status: int = 0
    """HTTP status; 0 where there was no answer."""
    code: int | None = None
    report_id: str | None = None
    file_id: str | None = None
    md5: str | None = None
    """Of an uploaded file, as the receiver computed it."""
    files: tuple[str, ...] = ()
    """Identifiers of the files of a finished report."""
    request_id: str | None = None
    body: bytes = field(default=b"", repr=False)

    @property
    def verdict(self) -> Verdict:
        """What it means."""
        if self.code is None:
            return _of_status(self.status)
        if self.code == 0 and not 200 <= self.status < 300:
            return Verdict.AGAIN
        return _CODES.get(self.code) or _THOUSANDS.get(self.code // 1000, Verdict.AGAIN)

    def error(self) -> ReportError:
        """What a person is told where it is no success."""
        verdict = self.verdict
        if verdict in (Verdict.AGAIN, Verdict.DONE):
            return Unavailable(_trouble(self.status, self.code))
        detail = f" (code {self.code})" if self.code is not None else f" (HTTP {self.status})"
        return Rejected(_SENTENCES[verdict] + detail, hint=_HINTS.get(verdict))


def _of_status(status: int) -> Verdict:
    if status in (401, 403, 407):
        return Verdict.REFUSED
    if 300 <= status < 500 and status not in _PASSING:
        return Verdict.INVALID
    return Verdict.AGAIN


def _trouble(status: int, code: int | None) -> str:
    if code:
        return f"the receiver is at fault (code {code})"
    if status == 0:
        return "the receiver did not answer"
    return f"the receiver's answer makes no sense (HTTP {status})"
