"""What pages hold, who may see them, and that a stranger's text stays text."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import escape, unescape

import pytest

from lightkeeper.cases.audit import Anchor
from lightkeeper.cases.custody import verify_certificate
from lightkeeper.cases.item import ViewMode
from lightkeeper.cases.people import Actor, Role
from lightkeeper.cases.record import Signal, TriageReason
from lightkeeper.service.pages._reasons import few_words
from lightkeeper.testing.cases import new_case, new_picture, new_prompt, scan_row

HOSTILE = "<script>document.title='taken'</script>\"'\u202egnp.alerbmu"
PAGES = {
    "/": set(Role),
    "/settings": set(Role),
    "/exposure": {Role.LEAD, Role.REVIEWER},
    "/exposure/team": {Role.LEAD},
    "/statistics": {Role.LEAD, Role.AUDITOR, Role.ADMINISTRATOR},
    "/reports": {Role.LEAD, Role.REVIEWER, Role.REPORTER},
    "/audit": {Role.AUDITOR},
}
PROGRAM = Actor(id="program", name="program", roles=frozenset({Role.INTAKE}), is_person=False)
PICTURE = b"\xff\xd8\xff stand-in"


def opened(site, *items, **known):
    desk = site.services.desk
    case = desk.open_case(PROGRAM, new_case(**known))
    for item in items or (new_picture(),):
        desk.add_item(PROGRAM, case.id, item)
    for item_id in desk.items_waiting():
        content = desk.content_to_examine(item_id)
        if content is not None:
            desk.record_examination(item_id, scan_row(content), preview=PICTURE, view=PICTURE)
    return case


def items_of(site, case):
    with site.cases.reading() as reader:
        return reader.items(case.id)


def state_of(site, case):
    with site.cases.reading() as reader:
        return reader.case(case.id)


@pytest.mark.parametrize("role", list(Role))
def test_each_page_is_for_those_with_its_right(site, role):
    visitor = site.signed_in(role)
    for path, roles in PAGES.items():
        assert visitor.get(path).status_code == (200 if role in roles else 403), path


def test_the_queue_shows_why_a_case_is_urgent(site):
    case = opened(site)
    visitor = site.signed_in(Role.REVIEWER)
    text = visitor.get("/").text
    assert f"/cases/{case.id}" in text
    assert re.search(r">\+120</span> new material</span>.*>\+40</span> uploaded</span>", text)
    sentence = "It was uploaded: somebody has it and spreads it."
    assert sentence not in text
    assert sentence in visitor.get(f"/cases/{case.id}").text


def test_every_reason_has_a_few_words(site):
    case = opened(site, new_picture(1), new_picture(2), signals=frozenset(Signal))
    triaged = state_of(site, case)
    words = [few_words(reason, triaged) for reason in triaged.triage.reasons]
    assert "2 items" in words
    assert max(map(len, words)) <= 24
    severe = TriageReason("severity", 100, "It matches material labelled A1.")
    assert few_words(severe, triaged) == "labelled A1"
    assert few_words(TriageReason("other", 1, "An umbrella."), triaged) == "An umbrella"


def test_a_filter_that_is_not_understood_is_refused_in_words(site):
    answer = site.signed_in(Role.REVIEWER).get("/?changed=1&arising=umbrella")
    assert answer.status_code == 422
    assert "is not understood" in answer.text


def test_taking_the_next_case_claims_it(site):
    case = opened(site)
    visitor = site.signed_in(Role.REVIEWER)
    answer = visitor.post("/next", data={"tab": "review"})
    assert answer.headers["location"] == f"/cases/{case.id}"
    assert state_of(site, case).claim.person == "id-reviewer"
    again = visitor.post("/next", data={"tab": "review"})
    assert again.status_code == 303


def test_a_stranger_s_text_stays_text(site):
    case = opened(site, new_prompt(HOSTILE), new_picture(2, file_name=HOSTILE), note=HOSTILE)
    text = site.signed_in(Role.REVIEWER).get(f"/cases/{case.id}").text
    assert "<script>document" not in text
    assert text.count(str(escape("<script>document", quote=False))) >= 3


def test_a_case_of_another_queue_is_not_there(site):
    case = opened(site, queue="elsewhere")
    visitor = site.signed_in(Role.REVIEWER, queues=frozenset({"default"}))
    assert visitor.get(f"/cases/{case.id}").status_code == 404
    item = items_of(site, case)[0].id
    assert visitor.post(f"/items/{item}/pixels", data={"mode": "clear"}).status_code == 404


def test_pixels_come_with_a_view_that_is_ended_by_the_page(site):
    case = opened(site)
    item = items_of(site, case)[0].id
    visitor = site.signed_in(Role.REVIEWER)
    answer = visitor.post(f"/items/{item}/pixels", data={"mode": "clear"})
    assert answer.content == PICTURE
    assert answer.headers["cache-control"] == "no-store"
    site.clock.forward(seconds=9)
    view_id = answer.headers["lightkeeper-view"]
    ended = visitor.post(f"/views/{view_id}", data={"seconds": "4", "entire": "yes"})
    assert ended.status_code == 204
    with site.cases.reading() as reader:
        view = reader.view(view_id)
    assert (view.mode, view.seconds, view.entire) == (ViewMode.CLEAR, 4.0, True)


def test_a_decision_that_lacks_something_says_what_and_keeps_the_rest(site):
    case = opened(site)
    visitor = site.signed_in(Role.REVIEWER)
    form = {"version": state_of(site, case).version, "outcome": "close", "comment": "a bicycle"}
    answer = visitor.post(f"/cases/{case.id}/decision", data=form)
    assert answer.status_code == 422
    assert "Say how sure you are." in answer.text
    assert "a bicycle" in answer.text


def test_a_case_is_decided_and_undone(site):
    case = opened(site)
    visitor = site.signed_in(Role.REVIEWER)
    form = {
        "version": state_of(site, case).version,
        "outcome": "close",
        "confidence": "high",
        "g1.industry_class": "none",
        "g1.computer_generated": "yes",
        "g1.computer_generated.basis": "reviewer",
        "g1.artefact.shadows": "no",
    }
    answer = visitor.post(f"/cases/{case.id}/decision", data=form)
    assert answer.headers["location"].endswith("said=decided")
    with site.cases.reading() as reader:
        (decision,) = reader.decisions(case.id)
    assert decision.items[0].labels.computer_generated.value is True
    visitor.post(f"/decisions/{decision.id}/undo", data={"because": "too fast"})
    assert state_of(site, case).state.value == "open"


def test_guidance_follows_from_what_the_person_chooses(site):
    case = opened(site)
    visitor = site.signed_in(Role.REVIEWER)
    form = {"g1.industry_class": "A1", "g1.computer_generated": "yes"}
    answer = visitor.post(f"/cases/{case.id}/guidance", data=form)
    assert "18 USC 1466A" in answer.text


def test_asking_for_guidance_is_no_further_reading_and_needs_the_right_to_read(site):
    case = opened(site)
    with site.cases.reading() as reader:
        before = len(list(reader.events(case=case.id, limit=200)))
    form = {"g1.industry_class": "A1"}
    visitor = site.signed_in(Role.REVIEWER)
    assert visitor.post(f"/cases/{case.id}/guidance", data=form).status_code == 200
    with site.cases.reading() as reader:
        assert len(list(reader.events(case=case.id, limit=200))) == before
    assert visitor.post("/cases/none/guidance", data=form).status_code == 404
    refused = site.signed_in(Role.INTAKE).post(f"/cases/{case.id}/guidance", data=form)
    assert refused.status_code == 403


def test_a_report_is_confirmed_by_typing_the_case(site):
    # Nobody is drawn for a second opinion.
    site.services.desk._rules = replace(site.services.desk._rules, second_opinion_share=0.0)
    case = opened(site)
    visitor = site.signed_in(Role.REVIEWER, Role.REPORTER)
    visitor.post(
        f"/cases/{case.id}/decision",
        data={
            "version": state_of(site, case).version,
            "outcome": "report",
            "confidence": "high",
            "g1.industry_class": "B2",
        },
    )
    page = visitor.post(f"/cases/{case.id}/report").headers["location"].partition("?")[0]
    assert visitor.post(f"{page}/confirm", data={"typed": "umbrella"}).status_code == 422
    assert visitor.get(page).status_code == 200
    assert visitor.post(f"{page}/confirm", data={"typed": case.id[:6]}).status_code == 303
    assert state_of(site, case).state.value == "reporting"


def test_keys_that_clash_are_not_kept(site):
    visitor = site.signed_in(Role.REVIEWER)
    answer = visitor.post("/settings", data={"key.next": "x", "key.texts": "x"})
    assert answer.status_code == 422
    assert "is already the key of" in answer.text


def test_the_audit_is_listed_and_verified(site):
    opened(site)
    visitor = site.signed_in(Role.AUDITOR)
    assert "Opened" in visitor.get("/audit").text
    verified = visitor.post("/audit/verify").text
    assert "The audit is intact" in verified
    assert "sealed by this service’s key" in verified


def test_an_anchor_that_was_kept_elsewhere_is_compared(site):
    opened(site)
    visitor = site.signed_in(Role.AUDITOR)
    page = visitor.post("/audit/verify").text
    line = unescape(re.search(r"spellcheck=\"false\">(\{.*?\})</textarea>", page)[1])
    again = visitor.post("/audit/verify", data={"anchors": f"{line}\n"}).text
    assert "the chain runs through 1 of 1" in again
    digest = Anchor.parse(line).digest.hex()
    other = line.replace(digest, "0" * len(digest))
    assert "The audit was altered" in visitor.post("/audit/verify", data={"anchors": other}).text
    assert visitor.post("/audit/verify", data={"anchors": "umbrella"}).status_code == 422


def test_a_seal_of_another_key_is_seen(site):
    opened(site)
    visitor = site.signed_in(Role.AUDITOR)
    site.services.keys.audit_key = lambda: b"another key"
    answer = visitor.post("/audit/verify").text
    assert "The audit was altered" in answer
    assert "the seal is not of this service’s key" in answer
    assert "The seal at the end is not of this key file" in answer


def test_the_strongest_reason_comes_first(site):
    case = opened(site, signals=frozenset({Signal.LIVE}), times_reported=900)
    for path in ("/", f"/cases/{case.id}"):
        text = site.signed_in(Role.REVIEWER, name=path).get(path).text
        found = [int(points) for points in re.findall(r"\+(\d+)</span>", text)]
        assert found == sorted(found, reverse=True)
        assert found[0] == 300


def test_a_case_that_is_due_soon_is_told_from_the_others(site):
    opened(site, source_id="calm")
    opened(site, source_id="urgent", signals=frozenset({Signal.LIVE}))
    visitor = site.signed_in(Role.REVIEWER)
    page = visitor.get("/").text
    assert page.count('<li class="case soon">') == 1
    assert page.count('<li class="case">') == 1
    site.clock.forward(seconds=2 * 3600)
    later = site.signed_in(Role.REVIEWER, name="later").get("/").text
    assert later.count('<li class="case late">') == 1


def test_a_look_of_less_than_a_second_is_no_view_of_everything(site):
    case = opened(site)
    item = items_of(site, case)[0].id
    visitor = site.signed_in(Role.REVIEWER)
    answer = visitor.post(f"/items/{item}/pixels", data={"mode": "clear"})
    site.clock.forward(seconds=9)
    view = answer.headers["lightkeeper-view"]
    visitor.post(f"/views/{view}", data={"seconds": "0.99", "entire": "yes"})
    with site.cases.reading() as reader:
        assert not reader.view(view).entire
    visitor.post(f"/views/{view}", data={"seconds": "1", "entire": "yes"})
    with site.cases.reading() as reader:
        assert reader.view(view).entire


def test_a_case_is_destroyed_by_typing_it_and_the_certificate_is_shown(site):
    case = opened(site)
    visitor = site.signed_in(Role.LEAD)
    path, reason = f"/cases/{case.id}/destroy", {"because": "a court's letter, number 7"}
    assert visitor.post(path, data=reason | {"typed": "umbrella"}).status_code == 422
    assert state_of(site, case).state.value == "open"
    typed = reason | {"typed": case.id[:6], "law_enforcement": "yes"}
    answer = visitor.post(path, data=typed)
    assert answer.status_code == 200
    shown = re.search(r'id="certificate"[^>]*>(.*?)</textarea>', answer.text, re.DOTALL)[1]
    certificate = json.loads(unescape(shown))
    verify_certificate(certificate, site.services.keys.signing_key().public_key())
    assert state_of(site, case).state.value == "destroyed"
    page = visitor.get(f"/cases/{case.id}").text
    assert "findings are gone" in page
    assert "No findings" not in page
    assert "Origin undetermined" not in page
    again = visitor.post(path, data=typed)
    assert again.status_code == 409
    assert "This cannot be done now" in again.text


def test_nothing_is_destroyed_under_a_hold_and_the_page_says_so(site):
    case = opened(site)
    visitor = site.signed_in(Role.LEAD)
    visitor.post(f"/cases/{case.id}/hold", data={"because": "a court asks"})
    assert "End it first" in visitor.get(f"/cases/{case.id}").text
    data = {"because": "a letter", "typed": case.id[:6], "law_enforcement": "yes"}
    assert visitor.post(f"/cases/{case.id}/destroy", data=data).status_code == 409
