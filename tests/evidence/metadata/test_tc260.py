from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.evidence import Claim, Hypothesis
from lightkeeper.evidence.metadata.tc260 import NAMESPACE, AigcLabel, label_findings
from lightkeeper.media import Embedded, TextBlock, open_media
from lightkeeper.testing._containers import (
    jpeg_bytes,
    jpeg_exif,
    jpeg_xmp,
    png_bytes,
    png_text,
    tiff_block,
    xmp_packet,
)

PICTURE = np.full((8, 8, 3), 90, np.uint8)
FIELDS = {
    "Label": "1",
    "ContentProducer": "Example Service",
    "ProduceID": "42",
    "ReservedCode1": "",
    "ContentPropagator": "Example Service",
    "PropagateID": "43",
    "ReservedCode2": "",
}
TEXT = json.dumps(FIELDS)


def places() -> dict[str, bytes]:
    packet = xmp_packet({"TC260:AIGC": TEXT}, namespaces={"TC260": NAMESPACE})
    comment = b"ASCII\0\0\0" + json.dumps({"AIGC": FIELDS}).encode()
    return {
        "xmp:AIGC": jpeg_bytes(PICTURE, jpeg_xmp(packet)),
        "png:tEXt:AIGC": png_bytes(PICTURE, png_text("AIGC", TEXT)),
        "exif:UserComment": jpeg_bytes(PICTURE, jpeg_exif(tiff_block(exif={0x9286: comment}))),
    }


@pytest.mark.parametrize("place", list(places()))
def test_a_label_is_read_from_each_of_its_places(place: str) -> None:
    (finding,) = label_findings(open_media(places()[place]).embedded())
    assert (finding.claim, finding.supports) == (Claim.GENERATED, Hypothesis.GENERATED)
    assert finding.source == place
    assert isinstance(finding.details, AigcLabel)
    assert finding.details.content_producer == "Example Service"
    assert finding.details.reserved_code_1 is None


@pytest.mark.parametrize("label", ["2", "3", 2, "9"])
def test_a_guess_supports_nothing(label: object) -> None:
    text = json.dumps({"AIGC": {**FIELDS, "Label": label}})
    (finding,) = label_findings(open_media(png_bytes(PICTURE, png_text("AIGC", text))).embedded())
    assert (finding.claim, finding.supports) == (Claim.PROVENANCE, None)


def test_a_number_stands_for_its_digits() -> None:
    text = json.dumps({**FIELDS, "Label": 1})
    (finding,) = label_findings(open_media(png_bytes(PICTURE, png_text("AIGC", text))).embedded())
    assert finding.supports is Hypothesis.GENERATED


@given(st.text(max_size=60) | st.just("[" * 3000) | st.just('{"Label":'))
def test_no_text_under_the_keyword_is_ignored_or_raises(text: str) -> None:
    embedded = Embedded(texts=(TextBlock("png:tEXt", "AIGC", text, "latin-1"),))
    (finding,) = label_findings(embedded)
    assert finding.supports is None
    assert "cannot be read" in finding.summary
