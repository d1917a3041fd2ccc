from __future__ import annotations

from collections.abc import Callable

import pytest

from lightkeeper.evidence import Basis, Claim, Examiner, Finding, Hypothesis, Tier
from lightkeeper.evidence.provenance import (
    ManifestState,
    ProvenanceDetails,
    ProvenanceExaminer,
    Trust,
)
from lightkeeper.labelling import SourceType
from lightkeeper.media import open_media
from lightkeeper.plain import to_plain


def examine(content: bytes, trust: Trust | None = None) -> tuple[Finding, ...]:
    findings = ProvenanceExaminer(trust=trust).examine(open_media(content))
    assert all(f.source == "c2pa" for f in findings)
    assert all(f.log10_lr is None for f in findings)
    assert len(to_plain(findings)) == len(findings)
    return findings


def test_it_is_an_examiner_of_the_bytes_tier() -> None:
    examiner = ProvenanceExaminer()
    assert isinstance(examiner, Examiner)
    assert (examiner.name, examiner.tier) == ("provenance", Tier.BYTES)
    assert examiner.unavailable() is None


def test_an_unsigned_picture_gives_no_finding(draw: Callable[..., bytes]) -> None:
    assert examine(draw()) == ()


@pytest.mark.parametrize(
    ("source_type", "claim", "hypothesis"),
    [
        (SourceType.GENERATED, Claim.GENERATED, Hypothesis.GENERATED),
        (SourceType.PARTLY, Claim.AI_EDITED, Hypothesis.AI_EDITED),
        (SourceType.SYNTHETIC_COMPOSITE, Claim.AI_EDITED, Hypothesis.AI_EDITED),
    ],
)
def test_a_trusted_signer_gives_signed_evidence(
    source_type: SourceType,
    claim: Claim,
    hypothesis: Hypothesis,
    draw: Callable[..., bytes],
    sign: Callable[..., bytes],
    trust: Trust,
) -> None:
    (finding,) = examine(sign(draw(), source_type=source_type), trust)
    assert (finding.claim, finding.basis, finding.supports) == (claim, Basis.SIGNED, hypothesis)
    assert finding.limits == ()
    assert isinstance(finding.details, ProvenanceDetails)
    assert finding.details.state is ManifestState.TRUSTED


def test_an_unknown_signer_gives_an_assertion_with_its_limit(signed: bytes) -> None:
    (finding,) = examine(signed)
    assert (finding.claim, finding.basis) == (Claim.GENERATED, Basis.ASSERTED)
    assert finding.limits == ("signer-not-trusted",)
    assert "calling itself" in finding.summary


def test_a_picture_edited_after_signing_supports_nothing(signed: bytes, trust: Trust) -> None:
    tampered = signed[:-40] + bytes([signed[-40] ^ 1]) + signed[-39:]
    (finding,) = examine(tampered, trust)
    assert finding.claim is Claim.DAMAGED
    assert finding.supports is None
    assert "assertion.dataHash.mismatch" in finding.summary
    assert isinstance(finding.details, ProvenanceDetails)
    assert finding.details.codes == ("assertion.dataHash.mismatch",)


def test_an_assertion_turned_into_a_capture_does_not_make_a_camera(
    signed: bytes, trust: Trust
) -> None:
    forged = signed.replace(b"trainedAlgorithmicMedia", b"digitalCapture         ")
    (finding,) = examine(forged, trust)
    assert finding.claim is Claim.DAMAGED
    assert finding.supports is None


def test_a_failed_ingredient_is_a_finding_beside_the_statement(
    signed: bytes, draw: Callable[..., bytes], sign: Callable[..., bytes], trust: Trust
) -> None:
    tampered = signed[:-40] + bytes([signed[-40] ^ 1]) + signed[-39:]
    content = sign(draw(seed=3), parent=tampered, source_type=SourceType.PARTLY)
    statement, failure = examine(content, trust)
    assert (statement.claim, statement.basis) == (Claim.AI_EDITED, Basis.SIGNED)
    assert failure.claim is Claim.CONTRADICTION
    assert failure.conflict == "ingredient-invalid"
    assert "assertion.dataHash.mismatch" in failure.summary


def test_what_an_untrusted_parent_says_stays_an_assertion_beside_what_is_signed(
    draw: Callable[..., bytes], sign: Callable[..., bytes], trust: Trust
) -> None:
    parent = sign(draw(seed=4), signer="B")
    mine, its = examine(sign(draw(seed=5), parent=parent), trust)
    assert (mine.claim, mine.basis) == (Claim.AI_EDITED, Basis.SIGNED)
    assert (its.claim, its.basis) == (Claim.GENERATED, Basis.ASSERTED)
    assert its.limits == ("signer-not-trusted", "said-by-ingredient", "edited-since")


def test_a_trusted_parent_that_was_generated_is_told_as_the_origin(
    draw: Callable[..., bytes], sign: Callable[..., bytes], signed: bytes, trust: Trust
) -> None:
    (finding,) = examine(sign(draw(seed=6), parent=signed), trust)
    assert (finding.claim, finding.basis) == (Claim.GENERATED, Basis.SIGNED)
    assert "said-by-ingredient" in finding.limits
    assert "edited a picture whose own manifest" in finding.summary


def test_a_trusted_device_gives_signed_evidence_of_capture(captured: bytes, trust: Trust) -> None:
    (finding,) = examine(captured, trust)
    assert (finding.claim, finding.basis) == (Claim.CAPTURED, Basis.SIGNED)
    assert finding.supports is Hypothesis.CAPTURED


def test_a_capture_that_a_model_changed_is_one_history_and_no_contradiction(
    captured: bytes, draw: Callable[..., bytes], sign: Callable[..., bytes], trust: Trust
) -> None:
    (finding,) = examine(sign(draw(seed=9), parent=captured, source_type=SourceType.PARTLY), trust)
    assert (finding.claim, finding.basis) == (Claim.AI_EDITED, Basis.SIGNED)


def test_a_manifest_elsewhere_is_named_with_its_host(naming: Callable[[str], bytes]) -> None:
    (finding,) = examine(naming("https://manifests.example.org/umbrella"))
    assert finding.claim is Claim.PROVENANCE
    assert "manifests.example.org, which was not fetched" in finding.summary
    assert finding.limits == ("not-fetched", "anyone-can-write")


def test_a_manifest_that_went_missing_is_a_sign_of_stripping(
    naming: Callable[[str], bytes],
) -> None:
    (finding,) = examine(naming("self#jumbf=/c2pa/urn:uuid:0/c2pa.claim"))
    assert (finding.claim, finding.basis) == (Claim.STRIPPED, Basis.ASSERTED)
    assert finding.supports is None


def test_a_manifest_that_cannot_be_read_says_why_and_supports_nothing(signed: bytes) -> None:
    damaged = signed.replace(b"c2pa.actions.v2", b"c2pa.umbrellas!", 1)
    (finding,) = examine(damaged)
    assert finding.claim is Claim.PROVENANCE
    assert finding.limits == ("manifest-unreadable",)
    assert "cannot be read (AssertionNotFound)" in finding.summary
    assert isinstance(finding.details, ProvenanceDetails)
    assert finding.details.codes == ("AssertionNotFound",)
    assert finding.supports is None
