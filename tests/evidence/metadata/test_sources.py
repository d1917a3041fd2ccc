from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from lightkeeper.evidence import Basis, Claim, Hypothesis
from lightkeeper.evidence.metadata import SourceExaminer, read_parameters
from lightkeeper.evidence.metadata._iptc_source import SourceType
from lightkeeper.evidence.metadata.sources import DERIVED_FROM, DerivedFrom, ManifestReference
from lightkeeper.media import open_media
from lightkeeper.testing._containers import (
    encoded_bytes,
    jpeg_bytes,
    jpeg_iptc,
    jpeg_xmp,
    png_bytes,
    png_text,
    xmp_packet,
)

if TYPE_CHECKING:
    from pathlib import Path

    from lightkeeper.evidence import Finding

PICTURE = np.full((8, 8, 3), 90, np.uint8)
IPTC = {"Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"}
CV = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def examine(content: bytes) -> list[Finding]:
    return SourceExaminer().examine(open_media(content))


def with_xmp(namespaces: dict[str, str], **properties: str) -> bytes:
    names = {key.replace("__", ":"): value for key, value in properties.items()}
    return jpeg_bytes(PICTURE, jpeg_xmp(xmp_packet(names, namespaces=namespaces)))


def source_type(value: str) -> Finding:
    (finding,) = examine(with_xmp(IPTC, Iptc4xmpExt__DigitalSourceType=value))
    return finding


@pytest.mark.parametrize(
    ("code", "claim", "supports"),
    [
        ("trainedAlgorithmicMedia", Claim.GENERATED, Hypothesis.GENERATED),
        ("compositeWithTrainedAlgorithmicMedia", Claim.AI_EDITED, Hypothesis.AI_EDITED),
        ("compositeSynthetic", Claim.AI_EDITED, Hypothesis.AI_EDITED),
        ("digitalCapture", Claim.CAPTURED, Hypothesis.CAPTURED),
        ("computationalCapture", Claim.CAPTURED, Hypothesis.CAPTURED),
        ("negativeFilm", Claim.CAPTURED, Hypothesis.CAPTURED),
        ("composite", Claim.EDITED, None),
        ("humanEdits", Claim.EDITED, None),
        ("virtualRecording", Claim.PROVENANCE, None),
        ("digitalArt", Claim.PROVENANCE, None),
    ],
)
def test_a_declared_source_type_means_what_the_iptc_list_says(
    code: str, claim: Claim, supports: Hypothesis | None
) -> None:
    finding = source_type(CV + code)
    assert (finding.claim, finding.supports, finding.basis) == (claim, supports, Basis.ASSERTED)
    assert finding.source == "xmp:DigitalSourceType"
    assert isinstance(finding.details, SourceType)
    assert finding.details.code == code


@pytest.mark.parametrize("form", ["{}", "TRAINEDALGORITHMICMEDIA", "digsrctype:{}", "http://x#{}"])
def test_a_source_type_is_known_as_a_uri_and_as_a_bare_code(form: str) -> None:
    assert source_type(form.format("trainedAlgorithmicMedia")).supports is Hypothesis.GENERATED


def test_a_source_type_of_no_list_is_reported_and_supports_nothing() -> None:
    finding = source_type(CV + "paintedByAnOctopus")
    assert (finding.claim, finding.supports) == (Claim.PROVENANCE, None)


def test_a_property_of_another_namespace_is_no_source_type() -> None:
    content = with_xmp({"x": "http://example.org/"}, x__DigitalSourceType="trainedAlgorithmicMedia")
    assert examine(content) == []


def test_iptc_ai_properties_become_a_record() -> None:
    content = with_xmp(
        IPTC,
        Iptc4xmpExt__AIPromptInformation="a lighthouse at dusk",
        Iptc4xmpExt__AISystemUsed="Some Model",
        Iptc4xmpExt__AISystemVersionUsed="2.1",
        Iptc4xmpExt__AIPromptWriterName="A. Keeper",
    )
    (record,) = read_parameters(open_media(content))
    assert record.carrier == "xmp:AIPromptInformation"
    assert (record.tool, record.tool_version) == ("some-model", "2.1")
    assert record.positive_prompt == "a lighthouse at dusk"
    assert record.extra["AIPromptWriterName"] == "A. Keeper"


@pytest.mark.parametrize(
    ("credit", "claim"),
    [
        ("Made with Google AI", Claim.GENERATED),
        ("Edited with Google AI", Claim.AI_EDITED),
        ("AI-Generated with Google Photos", Claim.AI_EDITED),
    ],
)
def test_a_credit_line_is_read_from_xmp_and_from_iptc(credit: str, claim: Claim) -> None:
    photoshop = {"photoshop": "http://ns.adobe.com/photoshop/1.0/"}
    (in_xmp,) = examine(with_xmp(photoshop, photoshop__Credit=credit))
    (in_iptc,) = examine(jpeg_bytes(PICTURE, jpeg_iptc([(2, 110, credit.encode())])))
    assert in_xmp.claim is in_iptc.claim is claim
    assert (in_xmp.source, in_iptc.source) == ("xmp:Credit", "iptc:2:110")


def test_a_credit_that_only_contains_the_words_says_nothing() -> None:
    photoshop = {"photoshop": "http://ns.adobe.com/photoshop/1.0/"}
    assert examine(with_xmp(photoshop, photoshop__Credit="Not Made with Google AI")) == []


def test_a_remote_manifest_is_named_and_not_fetched() -> None:
    url = "https://manifests.example/1"
    (finding,) = examine(
        with_xmp({"dcterms": "http://purl.org/dc/terms/"}, dcterms__provenance=url)
    )
    assert finding.claim is Claim.PROVENANCE
    assert finding.details == ManifestReference(url)
    assert "not fetched" in finding.summary


def test_a_reference_to_a_manifest_that_is_gone_says_that_it_was_stripped() -> None:
    content = with_xmp(
        {"dcterms": "http://purl.org/dc/terms/"}, dcterms__provenance="self#jumbf=c2pa/urn:uuid:1"
    )
    (finding,) = examine(content)
    assert (finding.claim, finding.supports) == (Claim.STRIPPED, None)


def test_a_link_to_a_signed_source_is_told_and_not_believed() -> None:
    content = with_xmp({"lk": DERIVED_FROM}, lk__SourceSha256="ab" * 32, lk__SourceManifest="urn:x")
    (finding,) = examine(content)
    assert (finding.claim, finding.supports) == (Claim.PROVENANCE, None)
    assert finding.details == DerivedFrom(sha256="ab" * 32, manifest="urn:x")
    assert "not signed" in finding.summary


def test_a_file_without_any_metadata_is_said_to_be_so_and_no_more() -> None:
    for content in (png_bytes(PICTURE), jpeg_bytes(PICTURE)):
        (finding,) = examine(content)
        assert (finding.claim, finding.supports) == (Claim.STRIPPED, None)
    assert examine(encoded_bytes(PICTURE, "BMP")) == []


def test_one_text_is_enough_not_to_call_a_file_stripped() -> None:
    assert examine(png_bytes(PICTURE, png_text("Title", "umbrella"))) == []


@pytest.mark.shared
def test_no_camera_or_editor_sample_is_said_to_be_made_by_a_model(shared: Path) -> None:
    ai = {Hypothesis.GENERATED, Hypothesis.AI_EDITED}
    checked = 0
    for folder in ("exiftool+exiftool", "mattiasw+ExifReader"):
        for path in sorted((shared / "metadata" / folder).iterdir()):
            if path.suffix == ".jpg" and "truncated" not in path.name:
                checked += 1
                found = SourceExaminer().examine(open_media(path))
                assert not [f for f in found if f.supports in ai], path.name
    assert checked >= 20
