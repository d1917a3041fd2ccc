from __future__ import annotations

from lightkeeper.assessment import Classification
from lightkeeper.cases.decision import guidance
from lightkeeper.evidence import Basis


def references(labels: Classification) -> set[str]:
    return {one.reference for one in guidance(labels)}


def said(**values: bool | str) -> Classification:
    labels = Classification()
    for name, value in values.items():
        labels = labels.decide(name, value, person="ada")
    return labels


def test_without_an_industry_class_there_is_nothing_to_read() -> None:
    assert guidance(said(computer_generated=True)) == ()


def test_what_a_machine_proposes_leads_to_no_provision_of_its_own() -> None:
    proposed = said(industry_class="B2").propose(
        "computer_generated", True, basis=Basis.SIGNED, findings=(0,)
    )
    assert references(proposed) == references(said(industry_class="B2"))


def test_each_answer_points_to_its_provision() -> None:
    assert "18 USC 2256(8)(A)" in references(said(industry_class="A1", computer_generated=False))
    generated = references(
        said(
            industry_class="A1",
            computer_generated=True,
            indistinguishable_from_photographs=True,
            modelled_after_person=True,
        )
    )
    assert {"18 USC 2256(8)(B)", "18 USC 2256(8)(C)", "18 USC 1466A"} <= generated
    assert "18 USC 2256(8)(A)" not in generated


def test_where_nobody_can_tell_every_provision_may_apply() -> None:
    unsure = said(industry_class="A1", computer_generated="cannot-tell")
    assert "18 USC 2256(8)(A)" in references(unsure)
    assert "18 USC 1466A" in references(unsure)


def test_it_never_says_that_something_is_so() -> None:
    for one in guidance(said(industry_class="A1")):
        assert one.source
        assert "is illegal" not in one.why
