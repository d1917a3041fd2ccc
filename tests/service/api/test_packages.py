"""Evidence packages over the API."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from lightkeeper.cases.people import Role
from lightkeeper.reporting.package import verify_package
from lightkeeper.testing.cases import new_case, new_picture, person

from ..conftest import Site

PROGRAM = person("program", Role.INTAKE)


@pytest.fixture
def case(site: Site) -> str:
    """A case with a picture, which nobody has decided about."""
    found = site.services.desk.open_case(PROGRAM, new_case())
    site.services.desk.add_item(PROGRAM, found.id, new_picture())
    return found.id


def test_a_reporter_takes_a_case_out_and_the_audit_knows(site: Site, case: str) -> None:
    answer = site.signed_in(Role.REPORTER).post(f"/api/v1/cases/{case}/package")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["cache-control"] == "no-store"
    assert f"case-{case}-" in answer.headers["content-disposition"]
    public = site.services.keys.signing_key().public_key().public_bytes_raw()
    report = verify_package(io.BytesIO(answer.content), key=public)
    assert report.intact
    assert report.manifest_sha256 == answer.headers["lightkeeper-manifest-sha256"]
    event = site.audit()[-1]
    assert (event.action, event.actor) == ("exported", "id-reporter")
    assert event.details["manifest-sha256"] == report.manifest_sha256


def test_files_come_with_it_only_where_a_person_asks(site: Site, case: str) -> None:
    asked = {"with_media": True}
    lead = site.signed_in(Role.LEAD).post(f"/api/v1/cases/{case}/package", json=asked)
    assert "media/001.bin" in zipfile.ZipFile(io.BytesIO(lead.content)).namelist()
    key = site.program(Role.REPORTER).post(f"/api/v1/cases/{case}/package", json=asked)
    assert key.status_code == 403
    assert site.audit()[-1].actor == "id-lead"


def test_a_case_of_another_queue_is_not_there(site: Site, case: str) -> None:
    stranger = site.signed_in(Role.REPORTER, queues=frozenset({"elsewhere"}))
    assert stranger.post(f"/api/v1/cases/{case}/package").status_code == 404
    assert stranger.post("/api/v1/cases/no-such-case/package").status_code == 404


def test_a_pending_blind_opinion_is_a_conflict(site: Site, case: str) -> None:
    from dataclasses import replace

    from lightkeeper.cases.record import CaseState

    with site.cases.writing() as writer:
        found = writer.lock_case(case)
        assert found is not None
        writer.save_case(replace(found, state=CaseState.SECOND_OPINION))
    answer = site.signed_in(Role.LEAD).post(f"/api/v1/cases/{case}/package")
    assert answer.status_code == 409
    assert "blind second opinion" in json.loads(answer.content)["error"]["message"]


def test_the_page_of_a_case_offers_it_to_whoever_may(site: Site, case: str) -> None:
    lead = site.signed_in(Role.LEAD)
    assert f'action="/cases/{case}/package"' in lead.get(f"/cases/{case}").text
    reviewer = site.signed_in(Role.REVIEWER)
    assert "/package" not in reviewer.get(f"/cases/{case}").text
    form = {"media": "yes"}
    answer = lead.post(f"/cases/{case}/package", data=form)
    assert answer.status_code == 200
    assert "media/001.bin" in zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    assert reviewer.post(f"/cases/{case}/package", data=form).status_code == 403
