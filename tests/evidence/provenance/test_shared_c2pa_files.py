"""Third-party files, and what their names promise.

Names of the public test files: A plain, C claim, I ingredient, X altered after signing, and E-
an error in the part named (sig, clm, uri); letters are layers, the outermost first.
"""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from lightkeeper.assessment import assess
from lightkeeper.evidence import Basis, Claim
from lightkeeper.evidence.provenance import ProvenanceExaminer, read_manifest
from lightkeeper.media import open_media

PUBLIC = "c2pa-org+public-testfiles/image_jpeg_adobe-20220124-"
RUST = "contentauth+c2pa-rs/sdk_tests_fixtures_"

# file, state, one failure that must be among those of the active manifest, failures of ingredients
EXPECTED = [
    (PUBLIC + "A.jpg", "none", None, ()),
    (PUBLIC + "C.jpg", "valid", None, ()),
    (PUBLIC + "CA.jpg", "valid", None, ()),
    (PUBLIC + "CACA.jpg", "valid", None, ()),
    (PUBLIC + "CAICA.jpg", "valid", None, ()),
    (PUBLIC + "CI.jpg", "valid", None, ()),
    (PUBLIC + "CII.jpg", "valid", None, ()),
    (
        PUBLIC + "CIE-sig-CA.jpg",
        "valid",
        None,
        ("timeStamp.mismatch", "claimSignature.mismatch"),
    ),
    (
        PUBLIC + "E-clm-CAICAI.jpg",
        "invalid",
        "assertion.hashedURI.mismatch",
        ("ingredient.manifest.missing",),
    ),
    (PUBLIC + "E-sig-CA.jpg", "invalid", "claimSignature.mismatch", ()),
    (PUBLIC + "XCI.jpg", "invalid", "assertion.dataHash.mismatch", ()),
    (RUST + "CACA.jpg", "valid", None, ()),
    (RUST + "CACAE-uri-CA.jpg", "valid", None, ("assertion.hashedURI.mismatch",)),
    (RUST + "CA_ct.jpg", "valid", None, ()),
    (RUST + "C_with_CAWG_data.jpg", "valid", None, ()),
    (RUST + "IMG_0003.jpg", "none", None, ()),
    (RUST + "XCA.jpg", "invalid", "assertion.dataHash.mismatch", ()),
    (
        RUST + "adobe-20220124-E-clm-CAICAI.jpg",
        "invalid",
        "assertion.hashedURI.mismatch",
        ("ingredient.manifest.missing",),
    ),
    (RUST + "boxhash.jpg", "valid", None, ()),
    (RUST + "cloud.jpg", "remote", None, ()),
    (RUST + "libpng-test.png", "none", None, ()),
    (RUST + "libpng-test_with_url.png", "remote", None, ()),
    (RUST + "mars.webp", "none", None, ()),
    (RUST + "no_manifest.jpg", "none", None, ()),
    (RUST + "ocsp.jpg", "valid", None, ()),
    (RUST + "prerelease.jpg", "unreadable", None, ()),
    (RUST + "sample1.avif", "none", None, ()),
    (RUST + "sample1.png", "none", None, ()),
    (RUST + "sample1.webp", "none", None, ()),
    (RUST + "test_lossless.webp", "none", None, ()),
]


@pytest.mark.shared
@pytest.mark.parametrize(("name", "state", "failure", "of_ingredients"), EXPECTED)
def test_each_file_is_what_its_name_says(
    name: str, state: str, failure: str | None, of_ingredients: tuple[str, ...], shared: Path
) -> None:
    summary = read_manifest(open_media(shared / "c2pa" / name))
    assert summary.state == state
    codes = [f.code for f in summary.failures if not f.is_unknown_signer]
    assert failure in codes if failure else codes == []
    assert tuple(dict.fromkeys(f.code for f in summary.ingredient_failures)) == of_ingredients


@pytest.mark.shared
def test_no_file_of_the_collection_is_left_out(shared: Path) -> None:
    there = {str(p.relative_to(shared / "c2pa")) for p in (shared / "c2pa").glob("*/*.*")}
    assert {name for name, *_ in EXPECTED} == there


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "claim", "vendor"),
    [
        ("civitai+civitai/designs_images_generated-1774549892734.png", "generated", "Google"),
        (
            "civitai+civitai/public_images_training-landing_benefit-economics.jpg",
            "generated",
            "Google",
        ),
        ("contentauth+example-assets/images_Firefly_tabby_cat.jpg", "generated", "Adobe Firefly"),
        ("gpeacock+asset-io/tests_fixtures_Designer.jpeg", "generated", "Microsoft Designer"),
        (
            "invoke-ai+InvokeAI/docs_src_content_docs_assets_splash-banner.png",
            "ai-edited",
            "Adobe Firefly",
        ),
        ("civitai+civitai/public_images_daily-challenge-hero.png", "damaged", "Adobe Firefly"),
    ],
)
def test_files_of_real_generators_say_who_made_them(
    name: str, claim: str, vendor: str, shared: Path
) -> None:
    (finding,) = ProvenanceExaminer().examine(open_media(shared / "metadata" / name))
    assert finding.claim == claim
    assert finding.basis is Basis.ASSERTED
    assert finding.details is not None
    assert getattr(finding.details, "vendor", None) == vendor


@pytest.mark.shared
def test_a_stripped_manifest_leaves_a_trace(shared: Path) -> None:
    media = open_media(shared / "c2pa" / (RUST + "no_manifest.jpg"))
    (finding,) = ProvenanceExaminer().examine(media)
    assert finding.claim is Claim.STRIPPED


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "vendor", "limits"),
    [
        ("gpt4o.png", "OpenAI", {"certificate-expired", "said-by-ingredient"}),
        ("bing.jpg", "Microsoft Designer", {"certificate-expired", "read-from-words"}),
    ],
)
def test_a_real_picture_whose_certificate_ran_out_is_still_generated(
    name: str, vendor: str, limits: set[str], shared: Path
) -> None:
    media = open_media(shared / "credentials" / name)
    told = []
    for year in (2019, 2024, 2025, 2026, 2040):
        at = datetime.datetime(year, 5, 1, tzinfo=datetime.UTC)
        (finding,) = ProvenanceExaminer(at=at).examine(media)
        assert (finding.claim, finding.basis) == (Claim.GENERATED, Basis.ASSERTED)
        assert getattr(finding.details, "vendor", None) == vendor
        result = assess([finding])
        told.append((result.origin, result.routing.priority, result.conflicts))
    assert len(set(told)) == 1
    assert told[0] == ("generated", 50, ())
    assert limits <= set(finding.limits)


@pytest.mark.shared
@pytest.mark.parametrize("name", [name for name, *_ in EXPECTED])
def test_no_file_has_another_state_or_origin_at_another_time(name: str, shared: Path) -> None:
    media = open_media(shared / "c2pa" / name)
    told = set()
    for year in (2001, 2022, 2026, 2060):
        at = datetime.datetime(year, 5, 1, tzinfo=datetime.UTC)
        findings = ProvenanceExaminer(at=at).examine(media)
        told.add(
            (
                read_manifest(media, at=at).state,
                assess(findings).origin,
                tuple((f.claim, f.supports, f.conflict) for f in findings),
            )
        )
    assert len(told) == 1
