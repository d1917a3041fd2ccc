"""A report in a few lines: what is sent, by when, and what it lacks."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from lightkeeper.reporting.outbox import SubmissionState

if TYPE_CHECKING:
    from lightkeeper.reporting.outbox import Submission

_AFTER_OPENING: Final = timedelta(hours=24)
_AFTER_CHANGE: Final = timedelta(hours=1)
_LACKING: Final = {
    "personOrUserReported": "No person or account is named.",
    "victim": "No victim is named.",
    ".//ipCaptureEvent": "There is no IP address.",
    "lawEnforcement": "No agency of law enforcement is named.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSaid:
    """What the report says of one file."""

    number: int
    name: str
    viewed: bool
    is_context: bool
    marks: tuple[str, ...]
    """Its classification, and tags such as ``generativeAi``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The report before anybody reads its elements."""

    incident: str
    occurred: str
    escalated: str | None
    """The reason."""
    about: tuple[str, ...]
    marks: tuple[str, ...]
    files: tuple[FileSaid, ...]
    finish_by: datetime | None
    """When the receiver deletes a report that was opened and not finished."""
    lacking: tuple[str, ...]


def summary_of(submission: Submission) -> Summary:
    """Read from what will be sent, never from the case: they may differ."""
    report = ET.fromstring(submission.prepared.report_xml)
    files = tuple(
        _file(number, ET.fromstring(file.details_xml))
        for number, file in enumerate(submission.prepared.files, 1)
    )
    incident = report.find("incidentSummary")
    marks = incident.find("reportAnnotations") if incident is not None else None
    return Summary(
        incident=report.findtext("incidentSummary/incidentType") or "not said",
        occurred=report.findtext("incidentSummary/incidentDateTime") or "not said",
        escalated=report.findtext("incidentSummary/escalateToHighPriority"),
        about=tuple(_about(report)),
        marks=_tags(marks),
        files=files,
        finish_by=_finish_by(submission),
        lacking=tuple(_lacking(report, files)),
    )


def _file(number: int, details: ET.Element) -> FileSaid:
    code = details.findtext("industryClassification")
    return FileSaid(
        number=number,
        name=details.findtext("fileName") or "without name",
        viewed=details.findtext("fileViewedByEsp") == "true",
        is_context=details.findtext("fileRelevance") == "Supplemental Reported",
        marks=((code,) if code else ()) + _tags(details.find("fileAnnotations")),
    )


def _tags(element: ET.Element | None) -> tuple[str, ...]:
    return () if element is None else tuple(child.tag for child in element)


def _about(report: ET.Element) -> Iterator[str]:
    for person in report.findall("personOrUserReported"):
        yield (
            person.findtext("espIdentifier") or person.findtext("screenName") or "somebody unnamed"
        )


def _lacking(report: ET.Element, files: tuple[FileSaid, ...]) -> Iterator[str]:
    if report.findtext("incidentSummary/incidentDateTimeDescription"):
        yield "When it happened is not known: the time is when the case was opened."
    unseen = [str(file.number) for file in files if not file.viewed]
    if unseen:
        yield f"Nobody has viewed all of file {', '.join(unseen)}: the report says so."
    if not files:
        yield "There is no file: only texts, prompts or references."
    for path, sentence in _LACKING.items():
        if report.find(path) is None:
            yield sentence


def _finish_by(submission: Submission) -> datetime | None:
    opened = submission.opened_at
    if opened is None or submission.state not in (SubmissionState.CONFIRMED, SubmissionState.DEAD):
        return None
    return max(opened + _AFTER_OPENING, (submission.changed_at or opened) + _AFTER_CHANGE)
