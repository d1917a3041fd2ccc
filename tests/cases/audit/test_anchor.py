"""Anchors are single lines that come back as they were."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.cases.audit import Anchor
from lightkeeper.errors import InvalidConfiguration

WHEN = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


@given(st.integers(1, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_an_anchor_comes_back_from_its_line(sequence: int, digest: bytes) -> None:
    anchor = Anchor(sequence, digest, WHEN)
    assert "\n" not in anchor.line()
    assert Anchor.parse(anchor.line()) == anchor


@given(st.text(max_size=200))
def test_any_other_line_is_refused(line: str) -> None:
    with pytest.raises(InvalidConfiguration):
        Anchor.parse(line)


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "lightkeeper.audit-anchor/2"},
        {"sequence": 0},
        {"sequence": True},
        {"sequence": "1"},
        {"digest": "00"},
        {"digest": 7},
        {"at": "2026-05-04T09:30:00"},
        {"at": "yesterday"},
        {"more": 1},
    ],
)
def test_a_wrong_field_is_refused(change: dict[str, object]) -> None:
    fields = json.loads(Anchor(1, bytes(32), WHEN).line())
    with pytest.raises(InvalidConfiguration):
        Anchor.parse(json.dumps({**fields, **change}))
