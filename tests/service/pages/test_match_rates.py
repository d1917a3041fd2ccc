"""Match rates: by the store of the sets where there is one, and by what people decided."""

from __future__ import annotations

from dataclasses import replace

from tests.service.pages.test_pages import PICTURE, PROGRAM, state_of

from lightkeeper.cases.people import Role
from lightkeeper.matching import HashSet, SetOrigin
from lightkeeper.testing import MemoryStore
from lightkeeper.testing.cases import new_case, new_picture, scan_row


def matched(site):
    desk = site.services.desk
    case = desk.open_case(PROGRAM, new_case())
    desk.add_item(PROGRAM, case.id, new_picture(1))
    finding = {
        "claim": "known-material",
        "basis": "known",
        "summary": "It matches.",
        "source": "pixels:pdq",
        "limits": [],
        "details": {"set_name": "umbrellas", "origin": "generated", "labels": {}},
    }
    for item_id in desk.items_waiting():
        row = scan_row(desk.content_to_examine(item_id), finding)
        desk.record_examination(item_id, row, preview=PICTURE, view=PICTURE)
    return case


def decide(site, case, code):
    form = {
        "version": state_of(site, case).version,
        "outcome": "close",
        "confidence": "high",
        "g1.industry_class": code,
    }
    site.signed_in(Role.REVIEWER).post(f"/cases/{case.id}/decision", data=form)


def test_without_a_store_the_sets_of_the_cases_are_told(site):
    decide(site, matched(site), "B2")
    text = site.signed_in(Role.LEAD).get("/statistics").text
    assert "umbrellas" in text
    assert "not known here" in text
    assert "1 of 1 (100 %)" in text
    assert "Matches of look-ups" not in text


def test_with_a_store_owner_and_rate_are_told_of_each_set(site):
    decide(site, matched(site), "none")
    store = MemoryStore()
    for name in ("umbrellas", "bicycles"):
        store.create_set(
            HashSet(name=name, owner=f"Owner of {name}", purpose="p", origin=SetOrigin.GENERATED)
        )
    store.count_matches("umbrellas", 3, 400, now=site.clock())
    site.app.state.services = replace(site.services, sets=store)
    text = site.signed_in(Role.LEAD).get("/statistics").text
    assert "Owner of umbrellas" in text
    assert "3 of 400 (0.75 %)" in text
    assert "0 of 1 (0 %)" in text
    assert "Owner of bicycles" in text
    assert "none counted" in text
