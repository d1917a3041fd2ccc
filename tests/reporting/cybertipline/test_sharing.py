from __future__ import annotations

from dataclasses import replace

import pytest

from lightkeeper.cases.decision import ItemDecision
from lightkeeper.reporting.cybertipline import ReporterProfile, prepare
from lightkeeper.reporting.cybertipline._files import _matches
from lightkeeper.reporting.cybertipline.elements.contact import Person
from lightkeeper.reporting.cybertipline.elements.report import Reporter

from .stand_ins import case, decision, labels, media


def row(handling: object) -> dict[str, object]:
    details = {"kind": "md5", "value": "ab" * 16, "origin": "photographed", "handling": handling}
    return {"findings": [{"claim": "known-material", "basis": "known", "details": details}]}


def told(handling: object) -> dict[str, str]:
    found = _matches(row(handling))
    assert found is not None
    return {pair.name: pair.value for pair in found.name_value_pair}


@pytest.mark.parametrize("handling", ["TLP:CLEAR", "TLP:GREEN"])
def test_a_hash_leaves_the_house_where_its_set_allows_it(handling: str) -> None:
    assert told(handling)["known/value"] == "ab" * 16


@pytest.mark.parametrize("handling", ["TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED", None, [], {}])
def test_otherwise_only_that_a_set_was_matched_is_told(handling: object) -> None:
    assert "known/value" not in told(handling)
    assert told(handling)["known/origin"] == "photographed"


@pytest.mark.parametrize("claim", ["known-material", "known-benign"])
@pytest.mark.parametrize("suppressed", [False, True])
def test_nothing_of_a_restricted_set_leaves_the_house_by_any_way(
    claim: str, suppressed: bool
) -> None:
    kept = {
        "set_name": "kept-by-its-owner",
        "source_id": "partner-17",
        "kind": "md5",
        "value": "cd" * 16,
        "origin": "photographed",
        "handling": "TLP:RED",
    }
    open_set = {"set_name": "open", "kind": "md5", "handling": "TLP:CLEAR", "suppressed": [kept]}
    finding = {
        "claim": claim,
        "basis": "known",
        "summary": "Matches the hash set 'kept-by-its-owner': entry 1 (partner: partner-17).",
        "details": open_set if suppressed else kept,
    }
    profile = ReporterProfile(reporter=Reporter(reporting_person=Person(last_name="Desk")))
    item = replace(media(), examination={"findings": [finding]})
    part = ItemDecision(item="i1", labels=labels(industry_class="A1"))
    prepared = prepare(case(), [item], [decision(part)], [], profile=profile)
    sent = prepared.report_xml + b"".join(file.details_xml for file in prepared.files)
    for secret in (b"kept-by-its-owner", b"partner-17", b"cd" * 16):
        assert secret not in sent
