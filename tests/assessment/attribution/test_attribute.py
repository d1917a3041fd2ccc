from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lightkeeper.assessment import Origin, assess, explain
from lightkeeper.assessment.attribution import Attribution, Family, Standing, attribute
from lightkeeper.assessment.attribution._generators import model_named
from lightkeeper.evidence import Basis, Claim, Details, Finding, Hypothesis
from lightkeeper.evidence.detectors.plugins import DetectorScore
from lightkeeper.evidence.detectors.plugins._manifest import Role
from lightkeeper.evidence.detectors.reconstruction._finding import DecoderGrid, Rival
from lightkeeper.evidence.metadata._record import GenerationRecord
from lightkeeper.evidence.provenance import ManifestState
from lightkeeper.evidence.provenance._examiner import ProvenanceDetails
from lightkeeper.evidence.watermark import MarkReading


def finding(claim: Claim, basis: Basis, details: Details | None, **more: Any) -> Finding:
    defaults = {
        "summary": "",
        "examiner": "e",
        "version": "1",
        "source": f"{claim}-{basis}",
        "supports": Hypothesis.GENERATED,
    }
    return Finding(claim=claim, basis=basis, details=details, **{**defaults, **more})


def parameters(model: str | None, tool: str = "a1111", **more: Any) -> Finding:
    record = GenerationRecord(tool=tool, carrier="exif", model_name=model)
    return finding(Claim.PARAMETERS, Basis.ASSERTED, record, **more)


def mark(name: str, *, copied: bool = False) -> Finding:
    reading = MarkReading(
        mark=name, variant="v", method="dwtDct", z=9.0, p_value=1e-9, tests=4, present=True
    )
    more: dict[str, Any] = {"supports": None, "conflict": "copied-mark"} if copied else {}
    return finding(Claim.CARRIES_MARK, Basis.PUBLIC_MARK, reading, **more)


def signed(vendor: str) -> Finding:
    details = ProvenanceDetails(state=next(iter(ManifestState)), vendor=vendor)
    return finding(Claim.GENERATED, Basis.SIGNED, details)


def attributed(*findings: Finding) -> Attribution:
    return attribute(assess(findings), findings)


def test_nothing_said_is_an_unknown_generator() -> None:
    found = attributed()
    assert (found.origin, found.generator) == (Origin.UNDETERMINED, None)
    assert (found.family, found.standing) == (Family.UNKNOWN, Standing.UNKNOWN)


def test_generated_without_a_name_is_an_unknown_generator() -> None:
    found = attributed(parameters(None))
    assert found.origin is Origin.GENERATED
    assert (found.generator, found.reason) == (None, "Nothing names a generator.")


def test_what_anyone_can_write_is_a_claim() -> None:
    found = attributed(parameters("sd_xl_base_1.0"))
    assert (found.generator, found.family) == ("Stable Diffusion XL", Family.DIFFUSION)
    assert found.standing is Standing.CLAIMED
    assert "nobody vouches" in found.reason


def test_a_trusted_signature_outranks_a_claim_and_hides_none() -> None:
    found = attributed(parameters("flux1-dev"), signed("Vendor A"))
    assert (found.generator, found.standing) == ("Vendor A", Standing.VOUCHED)
    assert [c.generator for c in found.candidates] == ["Vendor A", "FLUX.1"]


def test_names_that_disagree_name_nothing_but_the_family_they_share() -> None:
    found = attributed(parameters("flux1-dev"), mark("sdxl"))
    assert (found.generator, found.family) == (None, Family.DIFFUSION)
    assert "Different generators" in found.reason
    assert len(found.candidates) == 2


XL, FLUX, OWN = "sd_xl_base_1.0", "flux1-dev", "My own merge"
VOUCHED, CLAIMED, UNKNOWN = Standing.VOUCHED, Standing.CLAIMED, Standing.UNKNOWN


@pytest.mark.parametrize(
    ("findings", "family", "generator", "standing"),
    [
        # One source.
        ([parameters(XL)], Family.DIFFUSION, "Stable Diffusion XL", CLAIMED),
        ([parameters(OWN)], Family.UNKNOWN, OWN, CLAIMED),
        ([mark("flux1")], Family.DIFFUSION, "FLUX.1", CLAIMED),
        ([signed("A")], Family.UNKNOWN, "A", VOUCHED),
        # Two that agree, and two that do not.
        ([parameters(FLUX), mark("flux1")], Family.DIFFUSION, "FLUX.1", CLAIMED),
        ([parameters(FLUX), mark("sdxl")], Family.DIFFUSION, None, CLAIMED),
        ([parameters(OWN), mark("sdxl")], Family.UNKNOWN, None, CLAIMED),
        ([signed("A"), signed("B")], Family.UNKNOWN, None, VOUCHED),
        # What is hard to forge comes first, and a copied mark says nothing.
        ([signed("A"), mark("sdxl"), parameters(FLUX)], Family.UNKNOWN, "A", VOUCHED),
        ([parameters(FLUX), mark("sdxl", copied=True)], Family.DIFFUSION, "FLUX.1", CLAIMED),
        ([mark("sdxl", copied=True)], Family.UNKNOWN, None, UNKNOWN),
    ],
)
def test_what_names_a_generator_and_what_does_not(
    findings: list[Finding], family: Family, generator: str | None, standing: Standing
) -> None:
    found = attributed(*findings)
    assert (found.family, found.generator, found.standing) == (family, generator, standing)


def test_one_name_from_two_places_is_one_candidate() -> None:
    found = attributed(parameters("sd_xl_base_1.0"), mark("sdxl"))
    assert found.generator == "Stable Diffusion XL"
    assert found.candidates[0].findings == (0, 1)


def test_a_name_on_a_photograph_attributes_nothing() -> None:
    camera = finding(Claim.CAPTURED, Basis.SIGNED, None, supports=Hypothesis.CAPTURED)
    found = attributed(camera, mark("sdxl"))
    assert found.generator is None
    assert found.candidates[0].generator == "Stable Diffusion XL"


def test_a_program_that_runs_any_checkpoint_is_no_generator() -> None:
    assert attributed(mark("invokeai")).generator is None
    assert attributed(parameters(None, tool="midjourney")).generator == "Midjourney"


def test_no_score_of_a_detector_names_a_generator() -> None:
    details = DetectorScore("lamp", "1", "MIT", Role.DETECTOR, 99.0, "logit", "id")
    score = finding(Claim.DETECTOR_SCORE, Basis.MEASURED, details, log10_lr=4.0, calibration="id")
    found = attributed(score)
    assert (found.origin, found.generator) == (Origin.GENERATED, None)
    assert found.candidates == ()


@pytest.mark.parametrize(
    ("text", "name", "family"),
    [
        ("v1-5-pruned-emaonly", "Stable Diffusion 1", Family.DIFFUSION),
        ("stable-diffusion-v1-4", "Stable Diffusion 1", Family.DIFFUSION),
        ("v2-1_768-ema-pruned", "Stable Diffusion 2", Family.DIFFUSION),
        ("stabilityai/stable-diffusion-xl-base-1.0", "Stable Diffusion XL", Family.DIFFUSION),
        ("sd3_medium", "Stable Diffusion 3", Family.DIFFUSION),
        ("flux1-schnell", "FLUX.1", Family.DIFFUSION),
        ("  My own   merge ", "My own merge", Family.UNKNOWN),
        ("influx", "influx", Family.UNKNOWN),
        ("x" * 200, "x" * 80, Family.UNKNOWN),
    ],
)
def test_a_checkpoint_keeps_its_own_words_where_they_point_nowhere(
    text: str, name: str, family: Family
) -> None:
    assert model_named(text) == (name, family)


def grid(autoencoder: str, p_value: float) -> Finding:
    details = DecoderGrid(autoencoder, "0" * 64, "none stated", 8, (0, 0), 1.0, 0.3, p_value, 9, 9)
    more = {"supports": None, "p_value": p_value}
    return finding(Claim.DETECTOR_SCORE, Basis.MEASURED, details, **more)


def test_a_decoders_grid_is_listed_and_names_no_generator() -> None:
    found = attributed(grid("umbrella-vae", 1e-3), grid("bicycle-vae", 1e-6))
    assert [(d.autoencoder, d.findings) for d in found.decoders] == [
        ("bicycle-vae", (1,)),
        ("umbrella-vae", (0,)),
    ]
    assert (found.origin, found.generator) == (Origin.UNDETERMINED, None)
    assert (found.family, found.standing) == (Family.UNKNOWN, Standing.UNKNOWN)
    assert found.candidates == ()


def test_the_decoders_that_explain_a_picture_less_well_are_listed_as_rivals() -> None:
    told = grid("umbrella-vae", 1e-3)
    rivals = (Rival("bicycle-vae", 1.3), Rival("atlas-vae", 0.4))
    (decoder,) = attributed(replace(told, details=replace(told.details, rivals=rivals))).decoders
    assert decoder.autoencoder == "umbrella-vae"
    assert decoder.rivals == ("atlas-vae", "bicycle-vae")


def test_a_decoders_grid_changes_no_name_that_something_else_gives() -> None:
    without, beside = attributed(signed("Umbrella")), attributed(signed("Umbrella"), grid("b", 0.0))
    assert (beside.generator, beside.standing) == (without.generator, without.standing)
    assert without.decoders == ()


def test_one_decoder_seen_at_two_tiers_is_listed_once() -> None:
    (decoder,) = attributed(grid("a", 1e-2), grid("a", 1e-5)).decoders
    assert (decoder.p_value, decoder.findings) == (1e-5, (0, 1))


def test_the_words_tell_a_measured_decoder_from_a_named_generator() -> None:
    findings = (signed("Umbrella"), grid("bicycle-vae", 1e-6))
    assessment = assess(findings)
    text = explain(assessment, findings, attribute(assessment, findings))
    assert "Generator: Umbrella. Named by something that is hard to forge." in text
    assert "It came through the decoder bicycle-vae (measured) [2]." in text
    assert "No generator follows from that" in text


def test_an_unknown_generator_is_said_so_where_a_picture_was_generated() -> None:
    findings = (parameters(None),)
    assessment = assess(findings)
    text = explain(assessment, findings, attribute(assessment, findings))
    assert "Generator: unknown. Nothing names a generator." in text
