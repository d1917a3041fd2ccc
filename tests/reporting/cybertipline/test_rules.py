"""Each rule fires where it is broken, and says where."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from lightkeeper.errors import ReportError
from lightkeeper.reporting.cybertipline import (
    ReportDoneResponse,
    ReportResponse,
    check,
    parse_response,
)
from lightkeeper.reporting.cybertipline.elements.captures import DeviceId, IpCaptureEvent
from lightkeeper.reporting.cybertipline.elements.contact import Address, Email, Person, Phone
from lightkeeper.reporting.cybertipline.elements.files import (
    Details,
    FileAnnotations,
    FileClassification,
    FileDetails,
    FileRelevance,
    MetadataType,
    NameValuePair,
    OriginalFileHash,
)
from lightkeeper.reporting.cybertipline.elements.incidents import (
    CellPhoneIncident,
    InternetDetails,
    WebPageIncident,
)
from lightkeeper.reporting.cybertipline.elements.people import PersonOrUserReported
from lightkeeper.reporting.cybertipline.elements.report import (
    BatchedReport,
    BatchReason,
    IncidentSummary,
    IncidentType,
    LawEnforcement,
    Report,
    Reporter,
)

from .stand_ins import NOW

SUMMARY = IncidentSummary(incident_type=IncidentType.CHILD_PORNOGRAPHY, incident_date_time=NOW)
REPORT = Report(
    incident_summary=SUMMARY,
    internet_details=(InternetDetails(WebPageIncident()),),
    reporter=Reporter(reporting_person=Person()),
)
BATCH = replace(REPORT, batched_report=BatchedReport(reason=BatchReason.VIRAL_POTENTIAL_MEME))


def _of(**changes: Any) -> Report:
    return replace(REPORT, **changes)


def _summary(**changes: Any) -> Report:
    return _of(incident_summary=replace(SUMMARY, **changes))


def _by(**changes: Any) -> Report:
    return _of(reporter=Reporter(reporting_person=Person(**changes)))


def _phoned(**changes: Any) -> Report:
    return _of(internet_details=(InternetDetails(CellPhoneIncident(**changes)),))


def _user(**changes: Any) -> Report:
    return _of(person_or_user_reported=(PersonOrUserReported(**changes),))


HASH = OriginalFileHash(value="ab" * 16, hash_type="MD5")
PAIR = (NameValuePair("a", "b"),)
BROKEN_REPORTS = [
    (_summary(escalate_to_high_priority=" \n"), "incidentSummary/escalateToHighPriority"),
    (_summary(escalate_to_high_priority="x" * 3001), "incidentSummary/escalateToHighPriority"),
    (_summary(incident_date_time=datetime(2026, 1, 1)), "incidentSummary/incidentDateTime"),
    (_summary(incident_date_time=NOW.replace(year=1800)), "incidentSummary/incidentDateTime"),
    (_summary(incident_type="other"), "incidentSummary/incidentType"),
    (_of(internet_details=()), "internetDetails"),
    (_of(person_or_user_reported=(PersonOrUserReported(),) * 2), "personOrUserReported"),
    (_of(law_enforcement=LawEnforcement(agency_name=" ")), "lawEnforcement/agencyName"),
    (_by(age=200), "reporter/reportingPerson/age"),
    (_by(age=2**31), "reporter/reportingPerson/age"),
    (_by(email=(Email(value="a b"),)), "reporter/reportingPerson/email[1]"),
    (_by(phone=(Phone(value="call me"),)), "reporter/reportingPerson/phone[1]"),
    (
        _by(phone=(Phone(value="12345", country_calling_code="1"),)),
        "reporter/reportingPerson/phone[1]/@countryCallingCode",
    ),
    (_by(address=(Address(country="ZZ"),)), "reporter/reportingPerson/address[1]/country"),
    (
        _by(address=(Address(state="AK", non_usa_state="Yukon"),)),
        "reporter/reportingPerson/address[1]/nonUsaState",
    ),
    (_by(first_name=7), "reporter/reportingPerson/firstName"),
    (_phoned(latitude=91.0), "internetDetails[1]/cellPhoneIncident/latitude"),
    (_phoned(longitude=-181.0), "internetDetails[1]/cellPhoneIncident/longitude"),
    (_phoned(latitude=float("nan")), "internetDetails[1]/cellPhoneIncident/latitude"),
    (
        _user(ip_capture_event=(IpCaptureEvent(ip_address="umbrella"),)),
        "personOrUserReported[1]/ipCaptureEvent[1]/ipAddress",
    ),
    (
        _user(ip_capture_event=(IpCaptureEvent(ip_address="::1", port=0),)),
        "personOrUserReported[1]/ipCaptureEvent[1]/port",
    ),
    (
        _user(device_id=(DeviceId(id_type="", id_value="1"),)),
        "personOrUserReported[1]/deviceId[1]/idType",
    ),
    (_user(prior_ct_reports=(2**63,)), "personOrUserReported[1]/priorCTReports[1]"),
]
BROKEN_FILES = [
    (FileDetails(exif_viewed_by_esp=True), "exifViewedByEsp"),
    (FileDetails(potential_meme=True, file_annotations=FileAnnotations()), "potentialMeme"),
    (
        FileDetails(
            file_relevance=FileRelevance.SUPPLEMENTAL,
            file_annotations=FileAnnotations(potential_meme=True),
        ),
        "potentialMeme",
    ),
    (
        FileDetails(
            file_relevance=FileRelevance.SUPPLEMENTAL,
            industry_classification=FileClassification.A1,
        ),
        "industryClassification",
    ),
    (FileDetails(original_file_hash=(replace(HASH, value="xyz"),)), "originalFileHash[1]"),
    (FileDetails(original_file_hash=(replace(HASH, value="ab"),)), "originalFileHash[1]"),
    (FileDetails(details=(Details(name_value_pair=()),)), "details[1]/nameValuePair"),
    (
        FileDetails(details=(Details(name_value_pair=(NameValuePair("", "b"),)),)),
        "details[1]/nameValuePair[1]/name",
    ),
]
NOT_IN_A_BATCH = [
    FileDetails(file_annotations=FileAnnotations(generative_ai=True)),
    FileDetails(original_file_hash=(HASH,)),
    FileDetails(additional_info=("said",)),
    FileDetails(details=(Details(type=MetadataType.HASH, name_value_pair=PAIR),)),
]


def test_a_plain_report_breaks_no_rule() -> None:
    assert check(REPORT, [FileDetails(original_file_hash=(HASH,))]) == []
    assert check(BATCH, [FileDetails()]) == []


@pytest.mark.parametrize(("report", "path"), BROKEN_REPORTS, ids=[p for _, p in BROKEN_REPORTS])
def test_a_rule_about_the_report_fires(report: Report, path: str) -> None:
    assert [problem.path for problem in check(report)] == [f"report/{path}"]


@pytest.mark.parametrize(("file", "path"), BROKEN_FILES, ids=[p for _, p in BROKEN_FILES])
def test_a_rule_about_a_file_fires(file: FileDetails, path: str) -> None:
    found = check(REPORT, [FileDetails(), file], shares_hashes=True)
    assert [problem.path for problem in found] == [f"fileDetails[2]/{path}"]


def test_the_classification_needs_the_agreement() -> None:
    file = FileDetails(industry_classification=FileClassification.B2)
    assert [p.path for p in check(REPORT, [file])] == ["fileDetails[1]/industryClassification"]
    assert check(REPORT, [file], shares_hashes=True) == []


@pytest.mark.parametrize("file", NOT_IN_A_BATCH)
def test_a_viral_batch_takes_no_mark_of_ai_hash_or_text(file: FileDetails) -> None:
    assert check(REPORT, [file]) == []
    assert len(check(BATCH, [file])) == 1


def test_a_viral_batch_takes_no_text_and_no_escalation() -> None:
    urgent = replace(SUMMARY, escalate_to_high_priority="somebody is in danger now")
    found = check(replace(BATCH, additional_info="said", incident_summary=urgent))
    assert len(found) == 2


def test_problems_name_no_content() -> None:
    found = check(_by(email=(Email(value="secret umbrella"),)))
    assert "umbrella" not in repr(found)


def test_both_answers_of_the_receiver_are_read() -> None:
    assert parse_response(
        b"<reportResponse><responseCode>0</responseCode><responseDescription/>"
        b"<reportId>04</reportId><fileId> f </fileId><hash>ab</hash></reportResponse>"
    ) == ReportResponse(code=0, description="", report_id="4", file_id="f", hash="ab")
    assert parse_response(
        b"<reportDoneResponse><responseCode>0</responseCode><reportId>4</reportId>"
        b"<files><fileId>f</fileId></files></reportDoneResponse>"
    ) == ReportDoneResponse(code=0, report_id="4", files=("f",))


CODE = b"<responseCode>0</responseCode>"
TOLD = b"<responseDescription/>"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no xml",
        b"<html/>",
        b"<reportResponse/>",
        b"<reportResponse>" + TOLD + CODE + b"</reportResponse>",
        b"<reportResponse>" + CODE + CODE + TOLD + b"</reportResponse>",
        b"<reportResponse>x" + CODE + TOLD + b"</reportResponse>",
        b"<reportResponse><responseCode>1_0</responseCode>" + TOLD + b"</reportResponse>",
        b"<reportResponse><responseCode>99999999999</responseCode>" + TOLD + b"</reportResponse>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><reportResponse>' + CODE + TOLD + b"</reportResponse>",
        b" " * (1 << 21),
    ],
)
def test_anything_else_is_no_answer(body: bytes) -> None:
    with pytest.raises(ReportError):
        parse_response(body)


def test_an_element_that_is_not_documented_is_passed_over() -> None:
    plain = b"<reportResponse>" + CODE + TOLD + b"</reportResponse>"
    more = b"<reportResponse><new/>" + CODE + TOLD + b"<more>1</more></reportResponse>"
    assert parse_response(more) == parse_response(plain)
