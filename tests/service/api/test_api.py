from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from lightkeeper.cases.people import Role
from lightkeeper.testing.cases import new_picture, scan_row

from ..conftest import Site, Visitor

CASE: dict[str, Any] = {
    "arising": "uploaded",
    "subject": {"kind": "user", "identifier": "user-17"},
    "source_id": "ticket-1",
}


def opened(intake: Visitor, **changes: Any) -> dict[str, Any]:
    answer = intake.post("/api/v1/cases", json={**CASE, **changes})
    assert answer.status_code in (200, 201), answer.text
    found: dict[str, Any] = answer.json()
    return found


def with_picture(site: Site, intake: Visitor, **changes: Any) -> tuple[dict[str, Any], str]:
    """A case with one examined picture."""
    case = opened(intake, **changes)
    content = new_picture().content
    assert content is not None
    answer = intake.post(f"/api/v1/cases/{case['id']}/media", content=content)
    assert answer.status_code == 201, answer.text
    item = answer.json()["id"]
    site.services.desk.record_examination(item, scan_row(content), preview=b"p", view=b"v")
    return case, item


def test_opening_a_case_twice_is_one_case(site: Site) -> None:
    intake = site.program(Role.INTAKE)
    first = intake.post("/api/v1/cases", json=CASE)
    site.clock.forward(minutes=5)
    second = intake.post("/api/v1/cases", json={**CASE, "note": "again"})
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()


def test_a_file_is_taken_from_the_body_and_examined_soon(site: Site) -> None:
    intake = site.program(Role.INTAKE)
    case = opened(intake)
    answer = intake.post(
        f"/api/v1/cases/{case['id']}/media",
        content=b"a picture of an umbrella",
        headers={
            "Lightkeeper-File-Name": "umbrella%20%E2%98%82.png",
            "Lightkeeper-Facts": json.dumps({"ip": "192.0.2.1"}),
        },
    )
    found = answer.json()
    assert found["file_name"] == "umbrella ☂.png"
    assert found["facts"] == {"ip": "192.0.2.1"}
    assert found["state"] == "waiting"
    assert not any("key" in name for name in found["media"])
    assert site.examined == [found["id"]]


def test_a_prompt_needs_no_file(site: Site) -> None:
    intake = site.program(Role.INTAKE)
    case = opened(intake, arising="prompt-only")
    path = f"/api/v1/cases/{case['id']}/items"
    assert intake.post(path, json={"kind": "prompt", "text": "an umbrella"}).status_code == 201
    assert intake.post(path, json={"kind": "media"}).status_code == 422


def test_an_intake_reads_no_case_and_adds_to_its_own_only(site: Site) -> None:
    one, other = site.program(Role.INTAKE, name="one"), site.program(Role.INTAKE, name="other")
    case = opened(one)
    assert one.get(f"/api/v1/cases/{case['id']}").status_code == 403
    answer = other.post(f"/api/v1/cases/{case['id']}/media", content=b"x")
    assert answer.status_code == 404


def test_a_review_from_the_queue_to_the_decision_and_back(site: Site) -> None:
    case, item = with_picture(site, site.program(Role.INTAKE))
    ada = site.signed_in(Role.REVIEWER, name="ada")
    assert [one["id"] for one in ada.get("/api/v1/cases?unclaimed=true").json()["cases"]] == [
        case["id"]
    ]
    assert ada.get("/api/v1/cases/count?arising=uploaded").json() == {"count": 1}
    taken = ada.post("/api/v1/cases/next").json()
    assert taken["claim"]["person"] == "id-ada"
    file = ada.get(f"/api/v1/cases/{case['id']}").json()
    assert file["items"][0]["id"] == item
    decision = {
        "version": file["case"]["version"],
        "outcome": "close",
        "confidence": "high",
        "items": [{"item": item, "labels": {"industry_class": {"value": "none"}}}],
    }
    made = ada.post(f"/api/v1/cases/{case['id']}/decision", json=decision)
    assert made.status_code == 201, made.text
    again = ada.post(f"/api/v1/cases/{case['id']}/decision", json=decision)
    assert again.status_code == 409
    undone = ada.post(f"/api/v1/decisions/{made.json()['id']}/undo", json={"because": "a slip"})
    assert undone.json()["state"] == "open"


def test_nothing_free_is_no_error(site: Site) -> None:
    assert site.signed_in(Role.REVIEWER).post("/api/v1/cases/next").status_code == 204


def test_a_key_decides_nothing_whatever_its_roles(site: Site) -> None:
    case, item = with_picture(site, site.program(Role.INTAKE))
    program = site.program(*Role, name="everything")
    decision = {"version": 0, "outcome": "close", "confidence": "high", "items": [{"item": item}]}
    for path, body in (
        ("claim", None),
        ("decision", decision),
        ("destroy", {"request": "a request"}),
        ("hold", {"because": "a reason"}),
    ):
        answer = program.post(f"/api/v1/cases/{case['id']}/{path}", json=body)
        assert answer.status_code == 403, path


def test_a_case_of_another_queue_is_not_there(site: Site) -> None:
    case, _ = with_picture(site, site.program(Role.INTAKE), queue="urgent")
    lead = site.signed_in(Role.LEAD, Role.REPORTER, queues=frozenset({"default"}))
    unknown = lead.get("/api/v1/cases/AAAAAAAAAAAAAAAA")
    hidden = lead.get(f"/api/v1/cases/{case['id']}")
    assert hidden.status_code == unknown.status_code == 404
    assert hidden.json() == unknown.json()
    for path in ("claim", "release", "second-opinion"):
        assert lead.post(f"/api/v1/cases/{case['id']}/{path}").status_code == 404
    assert lead.get("/api/v1/cases").json()["cases"] == []


def test_a_hold_keeps_a_case_and_destruction_gives_a_certificate(site: Site) -> None:
    case, _ = with_picture(site, site.program(Role.INTAKE))
    keeper = site.signed_in(Role.REPORTER)
    path = f"/api/v1/cases/{case['id']}"
    assert keeper.post(f"{path}/hold", json={"because": "a court asks"}).status_code == 200
    assert keeper.post(f"{path}/destroy", json={"request": "policy"}).status_code == 409
    assert keeper.post(f"{path}/release-hold", json={"because": "it is over"}).status_code == 200
    body = {"request": "the police ask", "by_law_enforcement": True}
    certificate = keeper.post(f"{path}/destroy", json=body)
    assert certificate.status_code == 200
    assert len(certificate.json()["items"]) == 1


def test_signals_change_the_order(site: Site) -> None:
    intake = site.program(Role.INTAKE)
    opened(intake)
    case = opened(intake, source_id="ticket-2")
    ada = site.signed_in(Role.REVIEWER)
    body = {"signals": ["imminent-harm"], "because": "a call came in"}
    answer = ada.send(
        "PUT",
        f"/api/v1/cases/{case['id']}/signals",
        json=body,
        headers={"X-CSRF-Token": ada.csrf},
    )
    assert answer.json()["triage"]["score"] >= 400
    assert ada.get("/api/v1/cases").json()["cases"][0]["id"] == case["id"]


def test_pages_of_a_queue_follow_each_other(site: Site) -> None:
    intake = site.program(Role.INTAKE)
    ids = [opened(intake, source_id=f"t-{n}")["id"] for n in range(5)]
    ada = site.signed_in(Role.REVIEWER)
    seen: list[str] = []
    after = ""
    while True:
        page = ada.get(f"/api/v1/cases?limit=2&sort=oldest{after}").json()
        seen += [one["id"] for one in page["cases"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert sorted(seen) == sorted(ids)


def test_one_sees_ones_own_exposure(site: Site) -> None:
    found = site.signed_in(Role.REVIEWER).get("/api/v1/exposure").json()
    assert found["reveals"] == [0, 0, 0, 0]


def test_arrivals_are_never_added_up(site: Site) -> None:
    intake = site.program(Role.INTAKE)
    opened(intake)
    opened(intake, source_id="t-2", arising="training-data-find")
    found = site.signed_in(Role.AUDITOR).get("/api/v1/statistics/arrivals").json()
    assert found["by_arising"]["uploaded"] == 1
    assert found["by_arising"]["training-data-find"] == 1


def test_an_auditor_reads_the_chain(site: Site) -> None:
    intake = site.program(Role.INTAKE)
    opened(intake)
    opened(intake, source_id="ticket-2")
    events = site.signed_in(Role.AUDITOR).get("/api/v1/audit").json()
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert len(events) > 1
    for before, event in pairwise(events):
        assert event["previous"] == before["digest"]
    assert any(event["action"] == "opened" for event in events)


def test_webhooks_are_added_listed_and_dropped(site: Site) -> None:
    admin = site.signed_in(Role.ADMINISTRATOR)
    body = {"url": "https://receiver.example/", "actions": ["opened"]}
    added = admin.post("/api/v1/webhooks", json=body)
    assert added.status_code == 201
    assert admin.get("/api/v1/webhooks").json() == [added.json()]
    path = f"/api/v1/webhooks/{added.json()['id']}"
    headers = {"X-CSRF-Token": admin.csrf}
    assert admin.send("DELETE", path, headers=headers).status_code == 204
    assert admin.send("DELETE", path, headers=headers).status_code == 404
    plain = {**body, "url": "http://receiver.example/"}
    assert admin.post("/api/v1/webhooks", json=plain).status_code == 422


def test_hostile_headers_are_refused(site: Site) -> None:
    intake = site.program(Role.INTAKE)
    case = opened(intake)
    for facts in ("[]", "{", '{"a": 1}', json.dumps({str(n): "" for n in range(51)})):
        answer = intake.post(
            f"/api/v1/cases/{case['id']}/media",
            content=b"x",
            headers={"Lightkeeper-Facts": facts},
        )
        assert answer.status_code == 422
    assert intake.post(f"/api/v1/cases/{case['id']}/media", content=b"").status_code == 422
