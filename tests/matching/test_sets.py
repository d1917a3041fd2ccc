from __future__ import annotations

from dataclasses import replace

import pytest

from lightkeeper.errors import MatchError
from lightkeeper.matching import HashSet, SetOrigin, SetState, Tlp
from lightkeeper.matching._guards import check_set

BUOYS = HashSet(name="buoys", owner="Harbour Office", purpose="floating")


def test_a_set_of_which_nothing_is_said_is_handled_with_care() -> None:
    check_set(BUOYS)
    assert BUOYS.handling is Tlp.AMBER_STRICT
    assert BUOYS.origin is SetOrigin.UNKNOWN
    assert BUOYS.state is SetState.ACTIVE
    assert (BUOYS.radius_bits, BUOYS.minimum_quality, BUOYS.negative) == (31, 50, False)


@pytest.mark.parametrize("name", ["buoys", "b", "red-buoys-2026", "b" * 64])
def test_a_name_can_be_written_in_a_policy(name: str) -> None:
    check_set(replace(BUOYS, name=name))


@pytest.mark.parametrize(
    "name",
    ["", "Buoys", "red buoys", "a,b", "b" * 65, "-b", "2026", "b\n", "bojé", "../b", "a\x1b[2J"],
)
def test_a_name_that_policies_could_not_hold_is_refused(name: str) -> None:
    with pytest.raises(MatchError, match="a set's name has") as caught:
        check_set(replace(BUOYS, name=name))
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("name", ["all", "any", "none"])
def test_a_name_that_a_filter_would_take_for_another_word_is_refused(name: str) -> None:
    with pytest.raises(MatchError, match=f"no set may be named '{name}'"):
        check_set(replace(BUOYS, name=name))
    check_set(replace(BUOYS, name=f"{name}-buoys"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("radius_bits", -1),
        ("radius_bits", 128),
        ("minimum_quality", 101),
        ("minimum_quality", -1),
        ("expires_after_days", 0),
        ("expires_after_days", 10**9),
        ("quota_per_source", -1),
    ],
)
def test_a_number_out_of_its_range_is_refused_by_name(field: str, value: int) -> None:
    with pytest.raises(MatchError, match=f"the set buoys: {field} is {value}, not"):
        check_set(replace(BUOYS, **{field: value}))  # type: ignore[arg-type]


@pytest.mark.parametrize(("field", "value"), [("radius_bits", 0), ("minimum_quality", 0)])
def test_the_ends_of_a_range_are_within_it(field: str, value: int) -> None:
    check_set(replace(BUOYS, **{field: value}))  # type: ignore[arg-type]
