"""Pages of reports: what stands still comes first, and nothing that was typed is lost."""

from __future__ import annotations

import json
from dataclasses import replace
from html import unescape
from xml.sax.saxutils import escape

import pytest
from tests.service.pages.test_pages import items_of, opened, state_of

from lightkeeper.cases.people import Role
from lightkeeper.cases.record import Arising
from lightkeeper.errors import InvalidReport
from lightkeeper.reporting.ai_evidence import ai_evidence
from lightkeeper.reporting.outbox import PreparedFile, PreparedReport, SubmissionState
from lightkeeper.service.pages._ai_block import blocks_of
from lightkeeper.service.pages._report_documents import documents_of
from lightkeeper.testing.cases import new_picture, scan_row

MARK = {
    "claim": "watermark",
    "basis": "public-mark",
    "summary": "An umbrella's mark was read.",
    "source": "pixels:mark",
    "supports": "generated",
    "limits": [],
    "details": {"mark": "umbrella-mark"},
}


def to_report(site):
    case = opened(site)
    visitor = site.signed_in(Role.REVIEWER, Role.REPORTER)
    form = {
        "version": state_of(site, case).version,
        "outcome": "report",
        "confidence": "high",
        "g1.industry_class": "B2",
    }
    visitor.post(f"/cases/{case.id}/decision", data=form)
    return case, visitor


def reported(site, **changes):
    case, visitor = to_report(site)
    page = visitor.post(f"/cases/{case.id}/report").headers["location"].partition("?")[0]
    with site.cases.writing() as unit:
        submission = unit.submission(page.rpartition("/")[2])
        unit.save_submission(replace(submission, **changes))
    return page, visitor


def refusing(site, message):
    def refuse(*_, **__):
        raise InvalidReport(message)

    site.services.reports._prepare = refuse


def test_a_refused_draft_says_why_on_its_form_and_keeps_what_was_typed(site):
    case, visitor = to_report(site)
    refusing(site, "the report cannot be sent: report/additionalInfo is too long")
    form = {"note": "a long note", "victim1.first_name": "Stand-in", "incident_mark": "spam"}
    answer = visitor.post(f"/cases/{case.id}/report", data=form)
    assert answer.status_code == 422
    assert "No draft can be made of this yet" in answer.text
    assert 'id="bad-note">Report/additionalInfo is too long.' in answer.text
    assert ">a long note</textarea>" in answer.text
    assert 'value="Stand-in"' in answer.text
    assert 'value="spam" checked' in answer.text


def test_an_age_that_is_none_is_told_beside_its_field(site):
    case, visitor = to_report(site)
    answer = visitor.post(f"/cases/{case.id}/report", data={"victim1.age": "ten"})
    assert answer.status_code == 422
    assert 'aria-describedby="bad-victim1.age"' in answer.text
    assert 'value="ten"' in answer.text


@pytest.mark.parametrize(
    "changes",
    [
        {"state": SubmissionState.DEAD, "problem": "refused"},
        {"state": SubmissionState.FINISHED, "problem": "another number of files"},
    ],
)
def test_what_needs_a_person_is_counted_and_comes_first(site, changes):
    page, visitor = reported(site, **changes)
    listed = visitor.get("/reports").text
    assert "Needs a person (1)" in listed
    assert page in listed
    assert page not in visitor.get("/reports?show=waiting").text


def test_a_finished_report_without_a_problem_needs_nobody(site):
    page, visitor = reported(site, state=SubmissionState.FINISHED)
    listed = visitor.get("/reports").text
    assert "Needs a person (0)" in listed
    assert page not in listed
    assert page in visitor.get("/reports?show=done").text


def test_the_page_names_the_receiver(site):
    page, visitor = reported(site)
    assert "no receiver is set up" in visitor.get(page).text
    site.app.state.services = replace(site.services, receiver="reports.example.org")
    assert "the CyberTipline at <strong>reports.example.org" in visitor.get(page).text


def test_a_block_is_a_table_and_its_json_is_folded(site):
    case = opened(site, new_picture(1))
    item = replace(items_of(site, case)[0], examination=scan_row(new_picture(1).content, MARK))
    block = ai_evidence(item, arising=Arising.UPLOADED)
    details = f"<fileDetails><additionalInfo>{escape('Words.' + chr(10) + block)}</additionalInfo>"
    file = PreparedFile(
        item="x",
        file_name="f",
        vault_key="k",
        md5="0",
        sha256="0",
        details_xml=f"{details}</fileDetails>".encode(),
    )
    report, told = documents_of(PreparedReport(report_xml=b"<report/>", files=(file,)))
    assert report.blocks == ()
    assert told.rows[1][2] == "Words.\n[Evidence of AI, below]"
    claims = [(row.claim, row.basis) for row in told.blocks[0].claims]
    assert any("An umbrella's mark was read." in claim for claim, _ in claims)
    assert any("others can put it on any picture" in basis for _, basis in claims)
    assert json.loads(told.blocks[0].text) == json.loads(block)
    assert block in unescape(told.xml)
    page, visitor = reported(site, problem="none of it")
    with site.cases.writing() as unit:
        submission = unit.submission(page.rpartition("/")[2])
        prepared = PreparedReport(report_xml=b"<report/>", files=(file,))
        unit.save_submission(replace(submission, prepared=prepared))
    answer = visitor.get(page)
    assert answer.status_code == 200
    assert "On which basis" in answer.text


def test_a_block_that_cannot_be_read_is_shown_as_it_is():
    text = '{"schema":"lightkeeper.ai-evidence/1","kind":'
    assert blocks_of(text) == (text, ())
