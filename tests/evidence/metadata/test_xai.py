from __future__ import annotations

import numpy as np
import pytest

from lightkeeper.evidence import Claim, Hypothesis
from lightkeeper.evidence.metadata.xai import XaiSignature, signature_findings
from lightkeeper.media import open_media
from lightkeeper.testing._containers import jpeg_bytes, jpeg_exif, tiff_block

PICTURE = np.full((8, 8, 3), 90, np.uint8)
UUID = "5bb8a5d4-0001-4c2e-9f3a-0123456789ab"
SIGNATURE = "Signature: " + "QUJDREVGR0g" * 4 + "=="


def findings(**fields: str) -> list[object]:
    tags = {"description": 0x010E, "artist": 0x013B}
    tiff = tiff_block(ifd0={tags[name]: value for name, value in fields.items()})
    return list(signature_findings(open_media(jpeg_bytes(PICTURE, jpeg_exif(tiff))).embedded()))


def test_both_halves_together_are_reported_without_trusting_them() -> None:
    tiff = tiff_block(ifd0={0x010E: SIGNATURE, 0x013B: UUID})
    content = jpeg_bytes(PICTURE, jpeg_exif(tiff))
    (finding,) = signature_findings(open_media(content).embedded())
    assert (finding.claim, finding.supports) == (Claim.GENERATED, Hypothesis.GENERATED)
    assert finding.source == "exif:ImageDescription"
    assert isinstance(finding.details, XaiSignature)
    assert finding.details.artist == UUID


@pytest.mark.parametrize(
    "fields",
    [
        {"description": SIGNATURE},
        {"artist": UUID},
        {"description": SIGNATURE, "artist": "ai"},
        {"description": "Signature: on the hull of the boat", "artist": UUID},
    ],
)
def test_one_half_alone_says_nothing(fields: dict[str, str]) -> None:
    assert findings(**fields) == []
