"""From a decided case to a report, byte for byte as it will be sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lightkeeper.cases.decision import Decision
from lightkeeper.cases.item import Item, ItemKind, MediaFacts, View
from lightkeeper.cases.record import Case, Signal
from lightkeeper.errors import InvalidReport
from lightkeeper.reporting.ai_evidence import gather
from lightkeeper.reporting.cybertipline._account import account
from lightkeeper.reporting.cybertipline._decided import Decided, decided_items
from lightkeeper.reporting.cybertipline._files import file_details, viewed_entirely
from lightkeeper.reporting.cybertipline._profile import ReporterAnswers, ReporterProfile
from lightkeeper.reporting.cybertipline._rules import check
from lightkeeper.reporting.cybertipline._shape import Problem
from lightkeeper.reporting.cybertipline._subject import person_reported, subject_said
from lightkeeper.reporting.cybertipline._xml import to_xml
from lightkeeper.reporting.cybertipline.elements import FileDetails, Report
from lightkeeper.reporting.cybertipline.elements.incidents import (
    Incident,
    InternetDetails,
    WebPageIncident,
)
from lightkeeper.reporting.cybertipline.elements.report import (
    BatchedReport,
    BatchReason,
    IncidentSummary,
    ReportAnnotations,
)
from lightkeeper.reporting.outbox import PreparedFile, PreparedReport

_SAID_AT_MOST = 8
_TIME_UNKNOWN = (
    "When the incident happened is not known: this is when the reporter's case was opened."
)


def prepare(
    case: Case,
    items: Sequence[Item],
    decisions: Sequence[Decision],
    views: Sequence[View],
    *,
    profile: ReporterProfile,
    answers: ReporterAnswers | None = None,
) -> PreparedReport:
    """Build the report of a decided case. Nothing is sent.

    Only decisions that nobody has undone count, and of them the newest for each item. What a
    machine proposed is evidence, never a mark: ``generativeAi`` needs a person. Whether a file was
    viewed is what the view log says, whoever answers.

    Parameters
    ----------
    items, decisions, views
        All of the case, as the store has them.

    Raises
    ------
    InvalidReport
        No decision to report stands, or a rule of the receiver is broken; the message names each.
    """
    answers = answers or ReporterAnswers()
    mine = [item for item in items if item.case == case.id]
    decided = decided_items(case, mine, decisions, answers.context)
    media = [(each, each.item.media) for each in decided if each.item.kind is ItemKind.MEDIA]
    files = [(each, facts) for each, facts in media if facts is not None]
    if len(files) != len(media):
        raise InvalidReport("a file of the report is not in the vault")
    if answers.viral_batch:
        _refuse_lossy_batch(case, decided, answers)
    if not answers.exif_read <= {each.item.id for each, _ in files}:
        raise InvalidReport("metadata was said to be read of a file that is not in the report")
    described = [
        _described(each, facts, number, case, views, profile, answers)
        for number, (each, facts) in enumerate(files, 1)
    ]
    report = _report(case, decided, described, profile, answers)
    problems = check(report, described, shares_hashes=profile.shares_hashes)
    if problems:
        raise InvalidReport(_message(problems))
    return PreparedReport(
        report_xml=to_xml(report),
        files=tuple(
            PreparedFile(
                item=each.item.id,
                file_name=details.file_name or "",
                vault_key=facts.vault_key,
                md5=facts.md5,
                sha256=facts.sha256,
                details_xml=to_xml(details),
            )
            for (each, facts), details in zip(files, described, strict=True)
        ),
    )


def _described(
    decided: Decided,
    media: MediaFacts,
    number: int,
    case: Case,
    views: Sequence[View],
    profile: ReporterProfile,
    answers: ReporterAnswers,
) -> FileDetails:
    return file_details(
        decided,
        media,
        name=f"file-{number:03}.{media.format or 'bin'}",
        viewed=viewed_entirely(decided.item.id, views),
        exif_read=decided.item.id in answers.exif_read,
        shares_hashes=profile.shares_hashes,
        arising=case.arising,
        viral_batch=answers.viral_batch,
    )


def _report(
    case: Case,
    decided: Sequence[Decided],
    files: Sequence[FileDetails],
    profile: ReporterProfile,
    answers: ReporterAnswers,
) -> Report:
    person = person_reported(case.subject, service=profile.service, viral_batch=answers.viral_batch)
    batch = BatchedReport(reason=BatchReason.VIRAL_POTENTIAL_MEME)
    said = account(case, decided, note=answers.note)
    return Report(
        batched_report=batch if answers.viral_batch else None,
        incident_summary=_summary(case, profile, answers),
        internet_details=tuple(map(InternetDetails, _incidents(files, profile, answers))),
        law_enforcement=answers.law_enforcement,
        reporter=profile.reporter,
        person_or_user_reported=(person,) if person is not None else (),
        intended_recipient=answers.intended_recipients,
        victim=answers.victims,
        additional_info=None if answers.viral_batch else said,
    )


def _summary(case: Case, profile: ReporterProfile, answers: ReporterAnswers) -> IncidentSummary:
    marks = answers.annotations
    if Signal.SEXTORTION in case.signals:
        marks = replace(marks, sextortion=True)
    occurred = answers.occurred or case.occurred
    return IncidentSummary(
        incident_type=answers.incident_type or profile.incident_type,
        platform=profile.platform,
        escalate_to_high_priority=answers.escalate,
        report_annotations=marks if marks != ReportAnnotations() else None,
        incident_date_time=occurred or case.opened,
        incident_date_time_description=None if occurred else _TIME_UNKNOWN,
    )


def _incidents(
    files: Sequence[FileDetails], profile: ReporterProfile, answers: ReporterAnswers
) -> tuple[Incident, ...]:
    if answers.incidents:
        return answers.incidents
    incident = profile.incident
    if isinstance(incident, WebPageIncident):
        places = dict.fromkeys(file.location_of_file for file in files if file.location_of_file)
        return (replace(incident, url=tuple(dict.fromkeys((*incident.url, *places)))),)
    return (incident,)


def _refuse_lossy_batch(case: Case, decided: Sequence[Decided], answers: ReporterAnswers) -> None:
    """A batch has no room for the mark of AI, evidence or text: nothing of it may get lost."""
    generated = any(
        each.is_computer_generated
        or gather(each.item, each.decision, arising=case.arising).speaks_of_generation
        for each in decided
    )
    if generated:
        raise InvalidReport(
            "a viral batch would drop the mark of AI and its evidence",
            hint="report this case by itself",
        )
    texts = any(each.item.kind is not ItemKind.MEDIA for each in decided)
    if texts or answers.note.strip() or subject_said(case.subject) is not None:
        raise InvalidReport(
            "a viral batch would drop the texts of this case", hint="report this case by itself"
        )


def _message(problems: Sequence[Problem]) -> str:
    said = "; ".join(f"{each.path} {each.sentence}" for each in problems[:_SAID_AT_MOST])
    more = len(problems) - _SAID_AT_MOST
    return f"the report cannot be sent: {said}" + (f"; and {more} more" if more > 0 else "")
