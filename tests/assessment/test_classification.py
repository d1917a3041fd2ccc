from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.assessment import Classification
from lightkeeper.errors import NotPermitted
from lightkeeper.evidence import Basis

NAMES = [f.name for f in fields(Classification)]


@given(st.sampled_from(NAMES), st.sampled_from(Basis), st.booleans())
def test_a_machine_sets_nothing_but_the_two_fields_it_may(
    name: str, basis: Basis, value: bool
) -> None:
    permitted = name == "computer_generated" or (
        name == "modelled_after_person" and basis is Basis.KNOWN
    )
    if permitted:
        labels = Classification().propose(name, value, basis=basis, findings=(0,))
        assert getattr(labels, name).set_by == "machine"
    else:
        with pytest.raises(NotPermitted, match="never set by a machine"):
            Classification().propose(name, value, basis=basis, findings=(0,))


def test_a_persons_decision_survives_a_later_proposal() -> None:
    decided = Classification().decide("computer_generated", False, person="reviewer-7")
    again = decided.propose("computer_generated", True, basis=Basis.SIGNED, findings=(0,))
    assert again.computer_generated.value is False
    assert again.computer_generated.set_by == "reviewer-7"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("industry_class", "A2"),
        ("age_group", "cannot-tell"),
        ("portrays_explicit_sexual_activity", "cannot-tell"),
        ("modelled_after_person", True),
    ],
)
def test_people_may_set_every_field(name: str, value: bool | str) -> None:
    label = getattr(Classification().decide(name, value, person="reviewer-7"), name)
    assert (label.value, label.basis, label.set_by) == (value, Basis.HUMAN, "reviewer-7")


@pytest.mark.parametrize(
    ("name", "value", "person"),
    [
        ("industry_class", "C9", "reviewer-7"),
        ("industry_class", "A1", ""),
        ("industry_class", "A1", "machine"),
        ("colour", True, "reviewer-7"),
        ("age_group", True, "reviewer-7"),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused(
    name: str, value: bool | str, person: str
) -> None:
    with pytest.raises(NotPermitted):
        Classification().decide(name, value, person=person)
