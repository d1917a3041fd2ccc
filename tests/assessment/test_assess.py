from __future__ import annotations

import dataclasses
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightkeeper.assessment import Origin, Strength, assess, explain
from lightkeeper.evidence import Basis, Claim, Finding, Hypothesis, NotExamined
from lightkeeper.evidence.known import KnownMatch
from lightkeeper.matching import EntryLabels, SetOrigin, Tlp


def finding(
    claim: Claim = Claim.PARAMETERS,
    basis: Basis = Basis.ASSERTED,
    supports: Hypothesis | None = Hypothesis.GENERATED,
    source: str = "png:tEXt:parameters",
    log10_lr: float | None = None,
) -> Finding:
    return Finding(
        claim=claim,
        basis=basis,
        summary="something was observed",
        examiner="test",
        version="1",
        source=source,
        supports=supports,
        log10_lr=log10_lr,
        calibration="card-1" if log10_lr is not None else None,
    )


CAMERA = finding(Claim.CAPTURED, supports=Hypothesis.CAPTURED, source="exif")
MARK = finding(Claim.CARRIES_MARK, Basis.PUBLIC_MARK, source="pixels:u-plane")
SIGNED = finding(Claim.GENERATED, Basis.SIGNED, source="c2pa")

GRID = finding(Claim.DETECTOR_SCORE, Basis.MEASURED, source="pixels:decoder-grid", log10_lr=1.4)

findings_lists = st.lists(
    st.builds(
        finding,
        st.sampled_from(Claim),
        st.sampled_from(Basis),
        st.sampled_from([None, *Hypothesis]),
        st.sampled_from(["exif", "xmp", "c2pa", "pixels", "png:tEXt:parameters"]),
        st.one_of(st.none(), st.floats(-6, 8)),
    ),
    max_size=8,
)
forgeable = st.sampled_from([Basis.ASSERTED, Basis.PUBLIC_MARK])


def test_no_findings_is_undetermined_and_still_needs_a_person() -> None:
    result = assess([])
    assert result.origin is Origin.UNDETERMINED
    assert result.strength is Strength.NONE
    assert result.log10_lr is None
    assert result.routing.needs == ("person-decides",)


def test_a_trusted_manifest_outweighs_copied_camera_fields_and_the_conflict_is_shown() -> None:
    result = assess([CAMERA, SIGNED])
    assert result.origin is Origin.GENERATED
    assert result.strength.rank >= Strength.STRONG.rank
    assert [c.code for c in result.conflicts] == ["camera-beside-generation"]
    assert result.carried_by == (1,)


def test_one_source_is_counted_once() -> None:
    once = assess([finding()])
    twice = assess([finding(), finding(Claim.GENERATED)])
    assert twice.log10_lr == once.log10_lr
    assert [w.counted for w in twice.weights] == [True, False]


@pytest.mark.parametrize(
    "other",
    [
        finding(source="exif:UserComment"),
        finding(Claim.GENERATED, source="xmp:DigitalSourceType"),
        finding(Claim.GENERATED, source="c2pa"),
        finding(source="pixels:alpha-plane"),
    ],
)
def test_what_one_hand_could_have_written_is_one_witness(other: Finding) -> None:
    alone = assess([finding()])
    for both in ([finding(), other], [other, finding()]):
        result = assess(both)
        assert result.log10_lr == alone.log10_lr
        assert sum(w.counted for w in result.weights) == 1


def test_a_signature_and_unsigned_text_are_two_witnesses_and_two_manifests_are_one() -> None:
    alone = assess([SIGNED]).log10_lr
    beside = assess([SIGNED, finding()]).log10_lr
    assert alone is not None
    assert beside is not None
    assert beside > alone
    unsigned = finding(Claim.GENERATED, source="c2pa")
    assert assess([SIGNED, unsigned]).log10_lr == alone
    assert assess([SIGNED, SIGNED]).log10_lr == alone
    assert assess([SIGNED, unsigned, finding()]).log10_lr == beside


@settings(deadline=None)
@given(findings_lists, st.data())
def test_saying_it_once_more_in_another_place_changes_nothing(
    findings: list[Finding], data: st.DataObject
) -> None:
    told = [f for f in findings if f.basis is Basis.ASSERTED and f.calibration is None]
    if told:
        copied = dataclasses.replace(data.draw(st.sampled_from(told)), source="jpeg:COM")
        assert assess([*findings, copied]).log10_lr == assess(findings).log10_lr


def test_a_public_mark_alone_is_a_conflict() -> None:
    assert [c.code for c in assess([MARK]).conflicts] == ["mark-without-other-trace"]
    assert assess([MARK, finding()]).conflicts == ()


def test_a_camera_beside_a_mark_is_a_conflict_and_lowers_nothing() -> None:
    result = assess([CAMERA, MARK])
    assert "camera-beside-mark" in [c.code for c in result.conflicts]
    assert result.routing.priority >= assess([CAMERA]).routing.priority
    assert "resolve-conflicts" in result.routing.needs


def test_a_public_mark_does_not_prevail_over_traces_of_a_camera() -> None:
    result = assess([CAMERA, MARK, finding()])
    assert result.origin is Origin.UNDETERMINED
    assert assess([MARK, finding()]).origin is Origin.GENERATED


def test_balanced_evidence_is_undetermined() -> None:
    measured = [
        finding(basis=Basis.MEASURED, source="a", log10_lr=2.0),
        finding(basis=Basis.MEASURED, source="b", log10_lr=2.0, supports=Hypothesis.CAPTURED),
    ]
    assert assess(measured).origin is Origin.UNDETERMINED


def test_a_measured_score_without_calibration_has_no_weight() -> None:
    result = assess([finding(basis=Basis.MEASURED)])
    assert result.weights == ()
    assert result.origin is Origin.UNDETERMINED


def test_the_machine_proposes_computer_generated_and_nothing_else() -> None:
    labels = assess([SIGNED]).labels
    assert labels.computer_generated.value is True
    assert labels.computer_generated.set_by == "machine"
    for name in ("industry_class", "age_group", "modelled_after_person"):
        assert getattr(labels, name).value is None


def known(
    supports: Hypothesis | None,
    source: str = "hash:sha256",
    claim: Claim = Claim.KNOWN_MATERIAL,
    basis: Basis = Basis.KNOWN,
) -> Finding:
    return finding(claim, basis, supports, source)


KNOWN_GENERATED = known(Hypothesis.GENERATED)
KNOWN_PHOTOGRAPHED = known(Hypothesis.CAPTURED)


@pytest.mark.parametrize(
    ("supports", "origin"),
    [
        (Hypothesis.GENERATED, Origin.GENERATED),
        (Hypothesis.CAPTURED, Origin.CAPTURED),
        (Hypothesis.AI_EDITED, Origin.AI_EDITED),
    ],
)
def test_a_set_that_holds_the_very_file_says_more_than_one_that_holds_a_near_copy(
    supports: Hypothesis, origin: Origin
) -> None:
    exact, near = assess([known(supports)]), assess([known(supports, "pixels:pdq")])
    assert exact.origin is near.origin is origin
    assert exact.strength.rank > near.strength.rank >= Strength.MODERATE.rank


def test_a_match_with_a_set_of_unknown_origin_supports_none() -> None:
    result = assess([known(None)])
    assert result.origin is Origin.UNDETERMINED
    assert result.routing.priority > assess([]).routing.priority


def test_all_hash_sets_together_are_one_source() -> None:
    once = assess([KNOWN_GENERATED])
    copied = assess([KNOWN_GENERATED, known(Hypothesis.GENERATED, "pixels:pdq")])
    assert copied.log10_lr == once.log10_lr


def test_sets_that_disagree_are_a_conflict_and_the_origin_stays_open() -> None:
    result = assess([KNOWN_PHOTOGRAPHED, KNOWN_GENERATED])
    assert [c.code for c in result.conflicts] == ["known-sets-disagree"]
    assert result.origin is Origin.UNDETERMINED
    assert result.labels.computer_generated.value is None
    assert result.routing.priority == 100


def test_a_mark_on_known_photographed_material_is_a_conflict_that_names_the_set() -> None:
    (conflict,) = [c for c in assess([KNOWN_PHOTOGRAPHED, MARK]).conflicts if "beside" in c.code]
    assert conflict.code == "camera-beside-mark"
    assert conflict.summary.startswith("A match with known photographed material")


def test_every_match_with_known_material_raises_the_priority() -> None:
    base = assess([]).routing.priority
    for supports in (None, *Hypothesis):
        assert assess([known(supports)]).routing.priority > base
    assert "traces of a camera" not in " ".join(assess([KNOWN_PHOTOGRAPHED]).routing.reasons)


def test_a_lead_has_no_weight_and_raises_nothing() -> None:
    result = assess([known(None, basis=Basis.ASSERTED)])
    assert result.weights == ()
    assert result.routing.priority == assess([]).routing.priority


def test_a_benign_match_is_told_and_lowers_nothing() -> None:
    benign = known(None, claim=Claim.KNOWN_BENIGN)
    result = assess([benign])
    assert result.routing.priority == assess([]).routing.priority
    assert any("benign" in reason for reason in result.routing.reasons)
    assert [c.code for c in assess([benign, KNOWN_GENERATED]).conflicts] == ["known-beside-benign"]


def test_the_machine_labels_from_a_set_what_the_set_says_and_no_class() -> None:
    def held(modelled: bool | None) -> Finding:
        details = KnownMatch(
            set_name="umbrellas",
            owner="an owner",
            origin=SetOrigin.GENERATED,
            handling=Tlp.AMBER,
            entry_number=1,
            kind="sha256",
            value="a" * 64,
            labels=EntryLabels(industry_class="B2", modelled_after_person=modelled),
        )
        return replace(KNOWN_GENERATED, details=details)

    labels = assess([held(True)]).labels
    assert labels.modelled_after_person.value is True
    assert labels.modelled_after_person.basis is Basis.KNOWN
    assert labels.modelled_after_person.findings == (0,)
    assert labels.computer_generated.value is True
    assert labels.computer_generated.basis is Basis.KNOWN
    assert labels.industry_class.value is None
    for quiet in (held(None), held(False), replace(held(True), basis=Basis.ASSERTED)):
        assert assess([quiet]).labels.modelled_after_person.value is None


@given(findings_lists, st.lists(st.sampled_from([None, *Hypothesis]), max_size=4), st.booleans())
def test_no_match_of_any_set_lowers_a_priority(
    before: list[Finding], matches: list[Hypothesis | None], benign: bool
) -> None:
    added = [known(supports) for supports in matches]
    added += [known(None, claim=Claim.KNOWN_BENIGN)] * benign
    assert assess(before + added).routing.priority >= assess(before).routing.priority


@given(findings_lists, findings_lists)
def test_evidence_of_generation_never_lowers_a_priority(
    before: list[Finding], more: list[Finding]
) -> None:
    added = [f for f in more if f.supports in (Hypothesis.GENERATED, Hypothesis.AI_EDITED)]
    assert assess(before + added).routing.priority >= assess(before).routing.priority


@given(
    st.lists(
        st.tuples(
            st.sampled_from(Claim), forgeable, st.sampled_from(Hypothesis), st.text(max_size=3)
        ),
        max_size=12,
    )
)
def test_what_anyone_can_forge_never_gives_more_than_moderate_support(
    parts: list[tuple[Claim, Basis, Hypothesis, str]],
) -> None:
    result = assess([finding(c, b, s, source) for c, b, s, source in parts])
    assert result.strength.rank <= Strength.MODERATE.rank


@given(st.floats(-6, 8), forgeable)
def test_a_claimed_likelihood_ratio_does_not_lift_forgeable_evidence(
    lr: float, basis: Basis
) -> None:
    result = assess([finding(basis=basis, log10_lr=lr)])
    assert result.strength.rank <= Strength.MODERATE.rank


@given(findings_lists)
def test_every_index_points_at_a_finding_and_every_text_is_told(findings: list[Finding]) -> None:
    result = assess(findings, not_examined=[NotExamined("deep", "above the tier")])
    indices = [*result.carried_by, *(w.finding for w in result.weights)]
    indices += [i for c in result.conflicts for i in c.findings]
    assert all(0 <= i < len(findings) for i in indices)
    text = explain(result, findings)
    assert text.count("something was observed") >= len(findings)
    assert "above the tier" in text
    assert (result.log10_lr is None) == (result.origin is Origin.UNDETERMINED)


@pytest.mark.parametrize(
    ("log10_lr", "strength"),
    [
        (0.0, Strength.NONE),
        (0.31, Strength.WEAK),
        (1, Strength.MODERATE),
        (2, Strength.MODERATELY_STRONG),
        (3, Strength.STRONG),
        (4, Strength.VERY_STRONG),
        (6, Strength.EXTREMELY_STRONG),
        (-3, Strength.NONE),
    ],
)
def test_the_verbal_scale_is_that_of_the_guideline(log10_lr: float, strength: Strength) -> None:
    assert Strength.of(log10_lr) is strength


def test_a_decoders_grid_speaks_for_generation_where_nothing_speaks_for_a_camera() -> None:
    result = assess([GRID])
    assert (result.origin, result.log10_lr) == (Origin.GENERATED, 1.4)
    assert result.strength is Strength.MODERATE
    # A photograph may have come through a decoder too: no label follows from the grid alone.
    assert result.labels.computer_generated.value is None
    assert assess([GRID, SIGNED]).labels.computer_generated.value is True
    assert assess([replace(GRID, supports=None, log10_lr=None)]).origin is Origin.UNDETERMINED


@pytest.mark.parametrize("basis", [Basis.ASSERTED, Basis.SIGNED])
def test_beside_traces_of_a_camera_it_is_a_photograph_that_was_put_through(basis: Basis) -> None:
    camera = replace(CAMERA, basis=basis)
    result = assess([camera, GRID])
    (weight,) = [w for w in result.weights if w.finding == 1]
    assert weight.supports is Hypothesis.AI_EDITED
    assert result.origin in (Origin.AI_EDITED, Origin.CAPTURED)
    assert (result.origin is Origin.AI_EDITED) == (basis is Basis.ASSERTED)
    assert result.conflicts == ()
    assert result.routing.priority >= assess([camera]).routing.priority


@given(findings_lists)
def test_a_decoders_grid_never_lowers_a_priority(findings: list[Finding]) -> None:
    assert assess([*findings, GRID]).routing.priority >= assess(findings).routing.priority
