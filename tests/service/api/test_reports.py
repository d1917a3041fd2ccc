"""What becomes of reports that do not go on by themselves, over the API."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lightkeeper.cases.people import Role
from lightkeeper.cases.record import CaseState
from lightkeeper.reporting.outbox import PreparedReport, Step, Submission, SubmissionState
from lightkeeper.testing.cases import new_case, person

from ..conftest import Site

UNKNOWN = {"report_id": "4711", "under_way": Step.FINISH, "problem": "finish unknown"}


def kept(site: Site, state: SubmissionState, **known: object) -> str:
    """The path of a report in a state."""
    case = site.services.desk.open_case(person("intake", Role.INTAKE), new_case())
    plain = PreparedReport(report_xml=b"<report/>", files=())
    submission = Submission(
        id="s1",
        case=case.id,
        state=state,
        prepared=plain,
        prepared_by="id-reporter",
        prepared_at=site.clock(),
    )
    with site.cases.writing() as unit:
        unit.save_case(replace(case, state=CaseState.REPORTING))
        unit.add_submission(replace(submission, **known))
    return "/api/v1/reports/s1"


@pytest.mark.parametrize(
    ("act", "before", "after"),
    [
        ("discard", SubmissionState.DRAFT, SubmissionState.DISCARDED),
        ("retract", SubmissionState.CONFIRMED, SubmissionState.RETRACTED),
        ("retry", SubmissionState.DEAD, SubmissionState.CONFIRMED),
    ],
)
def test_a_person_ends_a_report_or_tries_it_again(
    site: Site, act: str, before: SubmissionState, after: SubmissionState
) -> None:
    path = kept(site, before)
    stranger = site.signed_in(Role.REPORTER, name="eve", queues=frozenset({"elsewhere"}))
    assert stranger.post(f"{path}/{act}").status_code == 404
    assert site.program(Role.REPORTER).post(f"{path}/{act}").status_code == 403
    answer = site.signed_in(Role.REPORTER).post(f"{path}/{act}")
    assert answer.status_code == 200
    assert answer.json()["state"] == after
    assert site.audit()[-1].actor == "id-reporter"


@pytest.mark.parametrize("act", ["discard", "retract", "retry"])
def test_a_report_that_is_finished_stays_so(site: Site, act: str) -> None:
    path = kept(site, SubmissionState.FINISHED)
    assert site.signed_in(Role.REPORTER).post(f"{path}/{act}").status_code == 409


def test_a_person_settles_what_became_of_a_report(site: Site) -> None:
    path = kept(site, SubmissionState.DEAD, **UNKNOWN)
    reporter = site.signed_in(Role.REPORTER)
    said = {"number": "4712", "finished": True}
    assert reporter.post(f"{path}/settle", json=said).status_code == 422
    assert reporter.post(f"{path}/settle", json={"number": "4711"}).status_code == 422
    answer = reporter.post(f"{path}/settle", json=said | {"number": "4711"})
    assert answer.json()["state"] == "finished"
