from __future__ import annotations

import pytest

from lightkeeper.reporting.cybertipline._files import _matches


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
