"""What the person who reports adds: read from the form, and told in the summary."""

from __future__ import annotations

import pytest
from starlette.datastructures import FormData

from lightkeeper.errors import InvalidReport
from lightkeeper.reporting.outbox import PreparedFile, PreparedReport, Submission, SubmissionState
from lightkeeper.service.pages._report_summary import summary_of
from lightkeeper.service.pages._reporter_form import (
    INCIDENT_TYPES,
    problems_by_field,
    read_reporter_answers,
)
from lightkeeper.testing.cases import SettableClock


def read(*pairs: tuple[str, str]):
    answers, problems = read_reporter_answers(FormData(list(pairs)))
    assert problems == {}
    return answers


def test_an_empty_form_says_nothing():
    answers = read(("escalate", " "), ("victim1.age", ""))
    assert (answers.escalate, answers.victims, answers.law_enforcement) == (None, (), None)
    assert answers.incident_type is None


def test_victims_law_enforcement_and_marks_are_read():
    answers = read(
        ("victim2.first_name", "Stand-in"),
        ("victim2.age", "12"),
        ("victim2.screen_name", "umbrella"),
        ("le.agency", "An agency"),
        ("le.number", "7"),
        ("le.reported", "yes"),
        ("incident_mark", "spam"),
        ("incident_mark", "unheard-of"),
        ("incident_type", INCIDENT_TYPES[4].value),
    )
    (victim,) = answers.victims
    assert (victim.victim_person.first_name, victim.victim_person.age) == ("Stand-in", 12)
    assert victim.screen_name == "umbrella"
    assert answers.law_enforcement.agency_name == "An agency"
    assert answers.law_enforcement.reported_to_le is True
    assert answers.annotations.spam
    assert not answers.annotations.sextortion
    assert answers.incident_type is INCIDENT_TYPES[4]


@pytest.mark.parametrize(
    ("pair", "field"),
    [
        (("victim2.age", "twelve"), "victim2.age"),
        (("victim1.age", "²"), "victim1.age"),
        (("le.number", "7"), "le.agency"),
    ],
)
def test_what_makes_no_sense_is_refused_beside_its_field(pair, field):
    answers, problems = read_reporter_answers(FormData([pair]))
    assert answers is None
    assert list(problems) == [field]


def test_what_the_receiver_would_refuse_stands_beside_the_field_that_it_is_about():
    said = problems_by_field(
        InvalidReport(
            "the report cannot be sent: report/victim[2]/victimPerson/age is too large; "
            "report/lawEnforcement/agencyName is too long; fileDetails[1]/fileName is missing; "
            "report/additionalInfo is too long; and 3 more"
        )
    )
    assert list(said) == ["victim2.age", "le.agency", "report", "note"]
    assert said["report"] == "FileDetails[1]/fileName is missing. And 3 more."


def submission(report: bytes, *details: bytes, **known):
    files = tuple(
        PreparedFile(
            item="i", file_name="f", vault_key="k", md5="0", sha256="0", details_xml=document
        )
        for document in details
    )
    now = SettableClock()()
    return Submission(
        id="s",
        case="c",
        state=known.pop("state", SubmissionState.DRAFT),
        prepared=PreparedReport(report_xml=report, files=files),
        prepared_by="p",
        prepared_at=now,
        **known,
    )


def test_the_summary_says_what_is_missing():
    summary = summary_of(
        submission(
            b"<report/>",
            b"<fileDetails><fileName>a</fileName><fileViewedByEsp>false</fileViewedByEsp>"
            b"<industryClassification>B2</industryClassification>"
            b"<fileAnnotations><generativeAi>true</generativeAi></fileAnnotations></fileDetails>",
        )
    )
    assert "Nobody has viewed all of file 1: the report says so." in summary.lacking
    assert "No victim is named." in summary.lacking
    assert summary.files[0].marks == ("B2", "generativeAi")


def test_the_summary_says_until_when_an_opened_report_has_to_be_finished():
    now = SettableClock()()
    opened = submission(
        b"<report/>", state=SubmissionState.CONFIRMED, opened_at=now, changed_at=now
    )
    assert (summary_of(opened).finish_by - now).total_seconds() == 24 * 3600
    assert summary_of(submission(b"<report/>")).finish_by is None
