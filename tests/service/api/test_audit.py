"""Verifying the audit over the API."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lightkeeper.cases.people import Role
from lightkeeper.testing.cases import new_case, person

from ..conftest import Site, Visitor

PATH = "/api/v1/audit/verify"


@pytest.fixture
def auditor(site: Site) -> Visitor:
    """Over an audit of two events."""
    for identifier in ("one", "two"):
        actor = person(identifier, Role.INTAKE)
        site.services.desk.open_case(actor, new_case(source_id=identifier))
    return site.signed_in(Role.AUDITOR)


def test_an_audit_that_is_whole_gives_an_anchor_that_holds_later(
    site: Site, auditor: Visitor
) -> None:
    found = auditor.post(PATH).json()
    assert (found["intact"], found["breaks"]) == (True, [])
    assert found["events"] == len(site.audit())
    site.services.desk.open_case(person("three", Role.INTAKE), new_case(source_id="three"))
    assert auditor.post(PATH, json={"anchors": [found["anchor"]]}).json()["intact"]


def test_an_anchor_of_another_history_shows(auditor: Visitor) -> None:
    anchor = json.loads(auditor.post(PATH).json()["anchor"]) | {"digest": "00" * 32}
    found = auditor.post(PATH, json={"anchors": [json.dumps(anchor)]}).json()
    assert not found["intact"]
    assert found["anchor"] is None
    assert {each["flaw"] for each in found["breaks"]} == {"anchor-differs"}


@pytest.mark.parametrize("line", ["", "5", "[[", "{}"])
def test_what_is_no_anchor_is_refused(auditor: Visitor, line: str) -> None:
    answer = auditor.post(PATH, json={"anchors": [line]})
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "no-anchor"


def test_an_emptied_audit_shows(site: Site, auditor: Visitor) -> None:
    site.cases._state.events.clear()
    found = auditor.post(PATH).json()
    assert not found["intact"]
    assert found["anchor"] is None
    assert "emptied" in {each["flaw"] for each in found["breaks"]}


def test_an_altered_event_shows(site: Site, auditor: Visitor) -> None:
    events = site.cases._state.events
    events[1] = replace(events[1], actor="somebody else")
    found = auditor.post(PATH).json()
    assert not found["intact"]
    assert found["breaks"][0] == {"flaw": "changed", "sequence": 1}
