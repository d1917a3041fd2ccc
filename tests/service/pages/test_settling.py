"""A finish that nobody knows the end of: a person asks the receiver, and says so on its page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lightkeeper.cases.people import Role
from lightkeeper.cases.record import Case, CaseState
from lightkeeper.reporting.outbox import PreparedReport, Step, Submission, SubmissionState
from lightkeeper.testing.cases import new_case

from ..conftest import Site


@pytest.fixture
def unknown(site: Site) -> Submission:
    """A report whose finish is unknown."""
    program = site.account("intake", Role.INTAKE, is_person=False).actor()
    case: Case = site.services.desk.open_case(program, new_case())
    submission = Submission(
        id="s1",
        case=case.id,
        state=SubmissionState.DEAD,
        prepared=PreparedReport(report_xml=b"<report/>", files=()),
        prepared_by="id-reporter",
        prepared_at=site.clock(),
        confirmed_by="id-reporter",
        confirmed_at=site.clock(),
        report_id="4711",
        opened_at=site.clock(),
        changed_at=site.clock(),
        under_way=Step.FINISH,
        problem="finish unknown",
    )
    with site.cases.writing() as unit:
        unit.save_case(replace(case, state=CaseState.REPORTING))
        unit.add_submission(submission)
    return submission


def _now(site: Site) -> Submission:
    with site.cases.reading() as unit:
        found = unit.submission("s1")
    assert found is not None
    return found


def test_the_page_asks_what_the_receiver_says(site: Site, unknown: Submission) -> None:
    page = site.signed_in(Role.REPORTER).get(f"/reports/{unknown.id}")
    assert page.status_code == 200
    assert 'name="outcome" value="finished"' in page.text
    assert "4711" in page.text
    reader = site.signed_in(Role.LEAD)
    assert 'name="outcome"' not in reader.get(f"/reports/{unknown.id}").text
    assert "Finish unknown: needs a person" in reader.get("/reports").text
    told = reader.get(f"/api/v1/reports/{unknown.id}").json()
    assert told["finish_unknown"] is True
    assert told["problem"] == "finish unknown"


@pytest.mark.parametrize(
    ("outcome", "state"),
    [("finished", SubmissionState.FINISHED), ("not-finished", SubmissionState.CONFIRMED)],
)
def test_a_person_settles_it_by_typing_the_number(
    site: Site, unknown: Submission, outcome: str, state: SubmissionState
) -> None:
    visitor = site.signed_in(Role.REPORTER)
    form = {"csrf": visitor.csrf, "outcome": outcome, "number": "4711"}
    answer = visitor.post(f"/reports/{unknown.id}/settle", data=form)
    assert answer.status_code == 303
    assert _now(site).state is state


@pytest.mark.parametrize(
    "said", [{"number": "4712", "outcome": "not-finished"}, {"number": "4711"}, {}]
)
def test_another_number_or_no_answer_settles_nothing(
    site: Site, unknown: Submission, said: dict[str, str]
) -> None:
    visitor = site.signed_in(Role.REPORTER)
    answer = visitor.post(f"/reports/{unknown.id}/settle", data={"csrf": visitor.csrf, **said})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert _now(site) == unknown
