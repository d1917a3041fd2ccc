from __future__ import annotations

import datetime
import json
import os
from dataclasses import dataclass, field
from enum import StrEnum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightkeeper.plain import name_bytes, name_from_bytes, to_plain, utc_time


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


@settings(deadline=None)
@given(st.binary(max_size=40))
def test_the_bytes_of_a_name_come_back_where_text_does_not_hold_them(raw: bytes) -> None:
    name = os.fsdecode(raw)
    kept = name_bytes(name)
    try:
        raw.decode()
    except UnicodeDecodeError:
        assert kept is not None
        assert os.fsencode(name_from_bytes(kept)) == raw
    else:
        assert kept is None


def test_half_a_pair_that_no_path_gives_has_no_bytes() -> None:
    assert name_bytes("a\ud800") is None
    with pytest.raises(ValueError, match=r"."):
        name_from_bytes("umbrella!")


def test_a_time_is_read_as_people_write_it() -> None:
    noon = datetime.datetime(2026, 4, 15, 12, tzinfo=datetime.UTC)
    assert utc_time("2026-04-15T12:00:00Z") == noon
    assert utc_time(" 2026-04-15T14:00:00+02:00 ") == noon
    assert utc_time(datetime.date(2026, 4, 15)) == noon.replace(hour=0)
    assert utc_time(noon.replace(tzinfo=None)) == noon
    for wrong in ("umbrella", "", "0001-01-01T00:00:00+23:00"):
        with pytest.raises(ValueError, match="is no time"):
            utc_time(wrong)
