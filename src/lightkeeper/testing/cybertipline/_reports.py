"""What the stand-in holds, and the rules of its steps."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

_LASTS: Final = timedelta(hours=24)
_LASTS_UNCHANGED: Final = timedelta(hours=1)


class Refused(Exception):
    """A request that is answered with an error code."""

    def __init__(self, code: int, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description


@dataclass(slots=True)
class HeldFile:
    """An uploaded file. ``details`` is what was said of it, if anything was."""

    id: str
    name: str
    content: bytes = field(repr=False)
    details: bytes | None = field(default=None, repr=False)

    @property
    def md5(self) -> str:
        """Of the content."""
        return hashlib.md5(self.content, usedforsecurity=False).hexdigest()


@dataclass(slots=True)
class HeldReport:
    """A report that was opened."""

    id: str
    xml: bytes = field(repr=False)
    opened: datetime
    changed: datetime
    files: list[HeldFile] = field(default_factory=list)
    state: str = "open"
    """``open``, ``finished``, ``retracted`` or ``expired``."""

    def expires(self) -> datetime:
        """When it is deleted, unless it is finished."""
        return max(self.opened + _LASTS, self.changed + _LASTS_UNCHANGED)


class Reports:
    """All reports, with what may be done to them."""

    def __init__(self, first_number: int) -> None:
        self.all: dict[str, HeldReport] = {}
        self._next = first_number

    def expire(self, now: datetime) -> None:
        """Delete what was left unfinished."""
        for report in self.all.values():
            if report.state == "open" and now >= report.expires():
                report.state = "expired"

    def open(self, xml: bytes, now: datetime) -> HeldReport:
        """Open a report."""
        report = HeldReport(str(self._next), xml, now, now)
        self._next += 1
        self.all[report.id] = report
        return report

    def upload(self, report_id: str, name: str, content: bytes, now: datetime) -> HeldFile:
        """Add a file to an open report."""
        report = self._unfinished(report_id)
        file = HeldFile(secrets.token_hex(16), name, content)
        report.files.append(file)
        report.changed = now
        return file

    def describe(self, report_id: str, file_id: str, details: bytes, now: datetime) -> HeldReport:
        """Say what a file is; once."""
        report = self._unfinished(report_id)
        file = next((held for held in report.files if held.id == file_id), None)
        if file is None:
            raise Refused(5002, "No such file")
        if file.details is not None:
            raise Refused(4100, "The details of this file were submitted before")
        file.details = details
        report.changed = now
        return report

    def finish(self, report_id: str) -> HeldReport:
        """Close an open report."""
        report = self._unfinished(report_id)
        report.state = "finished"
        return report

    def retract(self, report_id: str) -> HeldReport:
        """Withdraw an open report."""
        report = self._unfinished(report_id)
        report.state = "retracted"
        return report

    def _unfinished(self, report_id: str) -> HeldReport:
        report = self.all.get(report_id)
        if report is None or report.state == "expired":
            raise Refused(5001, "No such report")
        if report.state == "retracted":
            raise Refused(5101, "Report already retracted")
        if report.state == "finished":
            raise Refused(5102, "Report already finished")
        return report
