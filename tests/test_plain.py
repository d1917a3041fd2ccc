from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.plain import to_plain


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Thing:
    colour: Colour
    parts: tuple[int, ...]
    hidden: str = field(default="x", metadata={"plain": False})


def test_dataclasses_enums_bytes_and_sets_become_plain() -> None:
    assert to_plain(Thing(Colour.RED, (1, 2))) == {"colour": "red", "parts": [1, 2]}
    assert to_plain({Colour.RED: b"\x00\xff", "s": {2, 1}}) == {"red": "00ff", "s": [1, 2]}


def test_what_has_no_plain_form_is_refused() -> None:
    with pytest.raises(TypeError, match="no plain form"):
        to_plain(object())


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(values)
def test_every_plain_value_survives_strict_json(value: object) -> None:
    plain = to_plain(value)
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
