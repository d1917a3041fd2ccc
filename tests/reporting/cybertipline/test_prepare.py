"""A report says what people decided and what the view log holds, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.cases.decision import FileAnnotation, ItemDecision, Outcome
from lightkeeper.cases.item import ViewMode
from lightkeeper.cases.record import Arising
from lightkeeper.errors import InvalidReport
from lightkeeper.reporting.ai_evidence import ai_evidence, gather, read_ai_evidence
from lightkeeper.reporting.cybertipline import ReporterAnswers, ReporterProfile, prepare, with_ids
from lightkeeper.reporting.cybertipline.elements.contact import Person
from lightkeeper.reporting.cybertipline.elements.report import Reporter

from .stand_ins import NOW, case, decision, labels, media, prompt, view

PROFILE = ReporterProfile(reporter=Reporter(reporting_person=Person(last_name="Desk")))
A1 = ItemDecision(item="i1", labels=labels(industry_class="A1"))
GENERATED = ItemDecision(item="i1", labels=labels(industry_class="A1", computer_generated=True))


def _file(*, profile=PROFILE, views=(), decisions=(), answers=None, item=None):  # type: ignore[no-untyped-def]
    prepared = prepare(
        case(),
        [item or media()],
        decisions or [decision(A1)],
        views,
        profile=profile,
        answers=answers,
    )
    return fromstring(prepared.files[0].details_xml)


@given(st.lists(st.builds(view, mode=st.sampled_from(ViewMode), entire=st.booleans(),
                          item=st.sampled_from(["i1", "i2"]),
                          person=st.sampled_from(["person-1", "service", "machine"]))))  # fmt: skip
def test_viewed_is_true_exactly_where_a_person_saw_all_of_this_file(views) -> None:  # type: ignore[no-untyped-def]
    seen = any(
        v.item == "i1" and v.mode is ViewMode.CLEAR and v.entire and v.person == "person-1"
        for v in views
    )
    assert _file(views=views).findtext("fileViewedByEsp") == str(seen).lower()


def test_metadata_cannot_have_been_read_of_a_file_that_nobody_viewed() -> None:
    answers = ReporterAnswers(exif_read=frozenset({"i1"}))
    with pytest.raises(InvalidReport, match="exifViewedByEsp"):
        _file(answers=answers)
    assert _file(answers=answers, views=[view()]).findtext("exifViewedByEsp") == "true"


def test_an_undone_decision_leaves_no_trace() -> None:
    undone = decision(GENERATED, id="d0", undone=NOW, undone_by="person-2")
    assert _file(decisions=[undone, decision(A1)]).find(".//generativeAi") is None
    with pytest.raises(InvalidReport, match="nothing of this case stands decided"):
        _file(decisions=[undone])


def test_a_blind_second_opinion_and_other_cases_decide_nothing() -> None:
    for changes in ({"second": True}, {"case": "c2"}, {"outcome": Outcome.CLOSE}):
        with pytest.raises(InvalidReport, match="nothing of this case"):
            _file(decisions=[decision(A1, **changes)])


def test_only_a_person_makes_the_mark_of_ai() -> None:
    row = {"assessment": {"origin": "generated", "strength": "strong support", "labels": {}}}
    assert _file(item=media(examination=row)).find(".//generativeAi") is None
    assert _file(decisions=[decision(GENERATED)]).findtext(".//generativeAi") == "true"
    annotated = replace(A1, annotations=frozenset({FileAnnotation.GENERATIVE_AI}))
    assert _file(decisions=[decision(annotated)]).findtext(".//generativeAi") == "true"


def test_an_item_decided_as_none_is_context_only_if_chosen() -> None:
    items = [media("i1"), media("i2")]
    none = ItemDecision(item="i2", labels=labels(industry_class=None))
    made = (case(), items, [decision(A1, none)], [])
    assert [f.item for f in prepare(*made, profile=PROFILE).files] == ["i1"]
    chosen = prepare(*made, profile=PROFILE, answers=ReporterAnswers(context=frozenset({"i2"})))
    second = fromstring(chosen.files[1].details_xml)
    assert second.findtext("fileRelevance") == "Supplemental Reported"


def test_the_classification_is_sent_only_by_members_of_the_agreement() -> None:
    assert _file().find("industryClassification") is None
    member = replace(PROFILE, shares_hashes=True)
    assert _file(profile=member).findtext("industryClassification") == "A1"


def test_a_viral_batch_that_would_drop_the_mark_of_ai_is_refused() -> None:
    batch = ReporterAnswers(viral_batch=True)
    assert _file(answers=batch).find("originalFileHash") is None
    with pytest.raises(InvalidReport, match="drop the mark of AI"):
        _file(answers=batch, decisions=[decision(GENERATED)])


def test_a_case_of_text_alone_is_a_report_without_files() -> None:
    told = ItemDecision(item="p1", labels=labels(computer_generated="cannot-tell"))
    forged = ai_evidence(prompt(), arising=Arising.UPLOADED)
    hostile = f"a red umbrella ]]> \x00 \u202e\r{forged}\n{forged}"
    prepared = prepare(case(), [prompt(text=hostile)], [decision(told)], [], profile=PROFILE)
    assert prepared.files == ()
    said = fromstring(prepared.report_xml).findtext("additionalInfo") or ""
    assert "> a red umbrella ]]> \ufffd" in said
    assert len(read_ai_evidence(said)) == 1


def test_a_prompt_of_a_megabyte_is_cut_and_says_so() -> None:
    told = ItemDecision(item="p1", labels=labels(computer_generated=True))
    prepared = prepare(
        case(), [prompt(text="umbrella " * 120_000)], [decision(told)], [], profile=PROFILE
    )
    assert len(prepared.report_xml) < 60_000
    assert b"[cut here: the text has 1,080,000 characters]" in prepared.report_xml


def test_the_block_comes_back_as_it_was_and_keeps_its_bound() -> None:
    record = {"tool": "a1111", "carrier": "exif", "positive_prompt": "é" * 1_000_000}
    found = [{"claim": "parameters", "basis": "asserted", "details": record}] * 50
    item = media(examination={"findings": found})
    line = ai_evidence(item, decision(GENERATED), arising=Arising.UPLOADED)
    (back,) = read_ai_evidence(f"before\n{line}\nafter")
    assert len(line) <= 32_000
    assert back.parameters[0].prompt is not None
    assert back.parameters[0].prompt.length == 1_000_000
    assert back.left_out["tools"] == 50 - len(back.tools)
    small = gather(media(), decision(GENERATED), arising=Arising.UPLOADED)
    assert read_ai_evidence(
        ai_evidence(media(), decision(GENERATED), arising=Arising.UPLOADED)
    ) == (small,)
    assert "person-1" not in line


def test_a_finding_of_any_form_is_no_reason_not_to_report() -> None:
    odd = [{"claim": "known-material", "details": {"handling": [], "set_name": {}}}, {}]
    line = ai_evidence(media(examination={"findings": odd}), arising=Arising.UPLOADED)
    assert read_ai_evidence(line)[0].matches[0].set is None


@pytest.mark.parametrize(("report_id", "file_id"), [("", "f"), ("1 ", "f"), ("1", "<f>\n")])
def test_identifiers_that_cannot_be_the_receivers_are_refused(report_id: str, file_id: str) -> None:
    xml = prepare(case(), [media()], [decision(A1)], [], profile=PROFILE).files[0].details_xml
    with pytest.raises(InvalidReport):
        with_ids(xml, report_id=report_id, file_id=file_id)
