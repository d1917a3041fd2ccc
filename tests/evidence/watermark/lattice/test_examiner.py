"""The finding says that the mark is carried, and that anyone can have put it there."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from lightkeeper.evidence import Basis, Claim, Examiner, Tier
from lightkeeper.evidence.watermark.lattice import LatticeReading, OpenMarkExaminer, embed
from lightkeeper.media import Media, open_media
from lightkeeper.plain import to_plain
from lightkeeper.testing import photo_like


def _media(rgb: np.ndarray, **options: object) -> Media:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=90, **options)
    return open_media(buffer.getvalue())


def test_it_keeps_the_protocol() -> None:
    examiner = OpenMarkExaminer()
    assert isinstance(examiner, Examiner)
    assert (examiner.name, examiner.tier) == ("open-mark", Tier.PIXELS)
    assert examiner.unavailable() is None


def test_a_payload_is_one_public_finding_that_can_be_written_down() -> None:
    (finding,) = OpenMarkExaminer().examine(_media(embed(photo_like(1), 0xABC)))
    assert (finding.claim, finding.basis) == (Claim.CARRIES_MARK, Basis.PUBLIC_MARK)
    assert finding.summary == "Carries the open mark with the payload 000000000abc."
    assert finding.limits == ("key-is-public", "one-picture-copies-it")
    assert finding.log10_lr is None
    assert finding.p_value is not None
    assert finding.p_value < 1e-6
    assert isinstance(finding.details, LatticeReading)
    assert to_plain(finding.details)["payload"] == 0xABC


def test_the_upright_picture_is_read() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = np.rot90(embed(photo_like(1), 5))
    (finding,) = OpenMarkExaminer().examine(_media(np.ascontiguousarray(turned), exif=exif))
    assert isinstance(finding.details, LatticeReading)
    assert abs(finding.details.transform.rotation) < 0.1


def test_no_mark_is_no_finding() -> None:
    assert OpenMarkExaminer().examine(_media(photo_like(1))) == ()


def test_each_of_several_payloads_is_a_finding() -> None:
    both = embed(embed(photo_like(1), 0xABC), 0xDEF)
    findings = OpenMarkExaminer().examine(_media(both))
    assert sorted(finding.summary for finding in findings) == [
        "Carries the open mark with the payload 000000000abc, one of 2 open marks.",
        "Carries the open mark with the payload 000000000def, one of 2 open marks.",
    ]
