"""What a package says, in all three forms, and what it never says."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from lightkeeper.cases.audit import Event
from lightkeeper.cases.audit._chain import digest_of
from lightkeeper.cases.desk import NewItem
from lightkeeper.cases.item import ItemKind, ViewMode
from lightkeeper.cases.record import Signal
from lightkeeper.reporting.package import SCHEMA
from lightkeeper.reporting.package._organisation import Organisation
from lightkeeper.testing.cases import new_case, new_picture

from .conftest import Handing, entries_of, said_in

SECRETS = ("kept-by-its-owner", "partner-17", "the-owner", "cd" * 16, "entry 41")


def known(handling: object, **more: Any) -> dict[str, Any]:
    details = {
        "set_name": "kept-by-its-owner",
        "owner": "the-owner",
        "source": "partner-17",
        "source_id": "partner-17/9",
        "entry_number": 41,
        "kind": "md5",
        "value": "cd" * 16,
        "query_value": "cd" * 16,
        "origin": "photographed",
        "distance_bits": 0,
        "transform": "identity",
        "handling": handling,
        **more,
    }
    return {
        "claim": "known-material",
        "basis": "known",
        "examiner": "known-digests",
        "version": "1",
        "source": "hash:md5",
        "summary": "Matches the hash set 'kept-by-its-owner': entry 41 (partner-17).",
        "details": details,
    }


def everything(content: bytes) -> str:
    """All of a package as text; the PDF is not compressed, and its lines are joined."""
    entries = entries_of(content)
    pdf = pdf_text(entries.pop("case.pdf"))
    return "\n".join([pdf, *(entry.decode("latin-1") for entry in entries.values())])


def pdf_text(pdf: bytes) -> str:
    shown = re.findall(rb"\((?:[^()\\]|\\.)*\) Tj", pdf)
    lines = [re.sub(rb"\\(.)", rb"\1", each[1:-4]) for each in shown]
    return b" ".join(lines).decode("latin-1")


@pytest.mark.parametrize("claim", ["known-material", "known-benign"])
@pytest.mark.parametrize("suppressed", [False, True])
@pytest.mark.parametrize("handling", ["TLP:AMBER", "TLP:RED", None, []])
def test_nothing_of_a_restricted_set_leaves_the_house_in_any_form(
    office: Handing, claim: str, suppressed: bool, handling: object
) -> None:
    finding = {**known(handling), "claim": claim}
    if suppressed:
        shared = {"set_name": "open", "kind": "md5", "handling": "TLP:CLEAR"}
        finding["details"] = {**shared, "suppressed": [finding["details"]]}
    content = office.packages.hand_over(office.lea, office.case_with(finding)).content()
    for secret in SECRETS:
        assert secret not in everything(content)
    assert "photographed" in everything(content)


def test_a_set_that_may_be_shared_is_told_in_full(office: Handing) -> None:
    case = office.case_with(known("TLP:GREEN"))
    content = office.packages.hand_over(office.lea, case).content()
    for told in ("kept-by-its-owner", "cd" * 16):
        assert told in everything(content)


def test_the_first_page_tells_the_whole_story(office: Handing) -> None:
    conflict = {"code": "camera-beside-mark", "summary": "Camera and generator disagree."}
    assessment = {
        "origin": "generated",
        "strength": "moderate support",
        "log10_lr": None,
        "conflicts": [conflict],
        "not_examined": [{"examiner": "detectors", "reason": "tier-not-allowed"}],
    }
    case = office.case_with(known("TLP:RED"), assessment=assessment)
    office.desk.signal(office.lea, case, frozenset({Signal.IMMINENT_HARM}), because="a call")
    pdf = entries_of(office.packages.hand_over(office.lea, case).content())["case.pdf"]
    first = pdf_text(pdf).split("page 1")[0]
    for told in (
        "URGENT",
        "Imminent harm",
        "1 file, 1 prompt",
        "Refer to somebody else, high confidence",
        "yes: 2",
        "generated (moderate support): 1",
        "1 contradiction in the evidence",
        "1 item with matches in hash sets of origin: photographed",
        "0 of 1 file",
        "only hashes",
        "What this package does not prove",
    ):
        assert told in first, told


def test_the_first_page_names_the_sender_and_whom_to_ask(office: Handing) -> None:
    case = office.case_with()
    hotline = Organisation(name="Example Hotline <b>", contact="evidence@example.org")
    entries = entries_of(office.packages_of(hotline).hand_over(office.lea, case).content())
    first = pdf_text(entries["case.pdf"]).split("page 1")[0]
    assert "Example Hotline" in first
    assert "evidence@example.org" in first
    assert "<b>" not in entries["case.html"].decode()
    said = json.loads(entries["case.json"])["sender"]
    assert said == {"name": "Example Hotline <b>", "contact": "evidence@example.org"}


def test_a_sender_that_is_not_set_is_said_to_be_unknown(office: Handing) -> None:
    entries = entries_of(office.packages.hand_over(office.lea, office.case_with()).content())
    assert json.loads(entries["case.json"])["sender"] is None
    assert "not named in this package" in entries["case.html"].decode()


@pytest.mark.parametrize("form", ["case.html", "case.pdf"])
def test_the_readable_forms_hold_what_a_receiver_needs(office: Handing, form: str) -> None:
    case = office.case_with(known("TLP:CLEAR"))
    media = office.picture(case).media
    assert media is not None
    office.desk.show(office.lea, office.picture(case).id, ViewMode.CLEAR)
    entry = entries_of(office.packages.hand_over(office.lea, case).content())[form]
    text = pdf_text(entry) if form == "case.pdf" else entry.decode()
    for told in (
        media.sha256,
        media.sha1,
        media.md5,
        "Computer generated",
        "Trace of generation: shadows",
        "nobody has said",
        "a match with known material",
        "no calibrated likelihood ratio",
        "Not examined",
        "Chain of custody",
        "Seen clearly, item 1",
        "package verify",
        "lightkeeper 0",
    ):
        assert told in text, told


def test_the_json_has_every_field_of_the_c_axis_with_its_basis(office: Handing) -> None:
    said = said_in(office.packages.hand_over(office.lea, office.case_with()).content())
    assert said["schema"] == SCHEMA
    fields = said["items"][0]["labels"]["classification"]
    assert fields["computer_generated"] == {"value": True, "basis": "human", "set_by": "ida"}
    assert fields["modelled_after_person"] == {"value": None, "basis": None, "set_by": None}
    assert len(fields) == 6
    assert said["items"][0]["labels"]["artefacts"]["shadows"] == "yes"


def test_an_event_can_be_checked_unless_somebodys_reason_was_left_out(office: Handing) -> None:
    case = office.case_with()
    office.desk.hold(office.lea, case, because="the police of elsewhere asked")
    content = office.packages.hand_over(office.lea, case).content()
    assert "the police of elsewhere" not in everything(content)
    events = said_in(content)["audit"]["events"]
    assert [event["details_withheld"] for event in events][-1] == ["because"]
    for event in events[:-1]:
        assert digest_of(as_event(event)).hex() == event["digest"]


def as_event(row: dict[str, Any]) -> Event:
    from datetime import datetime

    return Event(
        sequence=row["sequence"],
        at=datetime.fromisoformat(row["at"]),
        actor=row["actor"],
        action=row["action"],
        object=row["object"],
        case=row["case"],
        details=row["details"],
        previous=bytes.fromhex(row["previous"]),
        digest=bytes.fromhex(row["digest"]),
    )


def test_a_case_that_nobody_decided_about_says_so(office: Handing) -> None:
    case = office.opened(new_picture()).id
    page = entries_of(office.packages.hand_over(office.lea, case).content())["case.html"].decode()
    assert "no decision stands" in page
    assert "Nobody has decided yet." in page


def test_what_nobody_looked_up_is_not_said_to_be_unknown_material(office: Handing) -> None:
    case = office.desk.open_case(office.program, new_case()).id
    office.desk.add_item(office.program, case, new_picture())
    page = entries_of(office.packages.hand_over(office.lea, case).content())["case.html"].decode()
    assert "no file was looked up" in page
    assert "no match" not in page
    assert "it has not been examined yet" in page


def test_a_destroyed_case_tells_what_remains_and_nothing_else(office: Handing) -> None:
    case = office.case_with(known("TLP:CLEAR"))
    office.desk.destroy(office.lea, case, request="a letter", by_law_enforcement=True)
    content = office.packages.hand_over(office.lea, case, with_media=True).content()
    assert "a red umbrella on a rainy street" not in everything(content)
    assert "a letter" not in everything(content)
    assert said_in(content)["items"][0]["file"]["in_vault"] == "missing"
    page = entries_of(content)["case.html"].decode()
    assert "what was observed is not kept" in page
    assert ">none<" not in page.split("Observed by the program")[1].split("Not examined")[0]


HOSTILE = "<script>alert(1)</script>\x1b[2J\u202egpj.exe 漢 \ud800 (a) \\) Tj"


def test_text_of_a_stranger_cannot_act_and_cannot_hide(office: Handing) -> None:
    prompt = NewItem(kind=ItemKind.PROMPT, text=HOSTILE, facts={"location": HOSTILE})
    case = office.opened(new_picture(file_name=HOSTILE), prompt).id
    entries = entries_of(office.packages.hand_over(office.lea, case).content())
    page = entries["case.html"].decode()
    assert "<script" not in page
    assert "\u202e" not in page
    assert "[U+202E]" in page
    assert "漢" in page
    pdf = pdf_text(entries["case.pdf"])
    assert "[U+6F22]" in pdf
    assert "[U+202E]" in pdf


def test_the_page_is_forbidden_to_do_anything(office: Handing) -> None:
    content = office.packages.hand_over(office.lea, office.case_with()).content()
    page = entries_of(content)["case.html"].decode()
    assert "default-src 'none'" in page
    assert "unsafe-inline" not in page
    assert not re.search(r"<(script|img|iframe|form|link|a) ", page)
    assert "http://" not in page
    assert "https://" not in page


def test_reports_that_were_sent_are_told_with_their_numbers(office: Handing) -> None:
    from lightkeeper.cases.audit import Action, EventDraft

    case = office.case_with()
    sent = EventDraft(
        at=office.clock(),
        actor="service",
        action=Action.REPORT_SENT,
        object="report:r1",
        case=case,
        details={"report": "4711"},
    )
    with office.store.writing() as writer:
        writer.append([sent])
    content = office.packages.hand_over(office.lea, case).content()
    assert "number 4711" in everything(content)
