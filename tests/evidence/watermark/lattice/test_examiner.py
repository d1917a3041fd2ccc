"""The finding says that the mark is carried, and that anyone can have put it there."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from lightkeeper.evidence import Basis, Claim, Examiner, Tier, examine
from lightkeeper.evidence.watermark.lattice import (
    LatticeReading,
    OpenMarkExaminer,
    OpenMarkSearchExaminer,
    embed,
)
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


def _turned(rgb: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(rgb).rotate(20, Image.Resampling.BICUBIC))


def test_a_turned_copy_is_found_by_the_search_alone() -> None:
    media = _media(_turned(embed(photo_like(1), 0xABC)))
    assert OpenMarkExaminer().examine(media) == ()
    search = OpenMarkSearchExaminer()
    assert isinstance(search, Examiner)
    assert search.unavailable() is None
    (finding,) = search.examine(media)
    assert (finding.examiner, finding.basis) == ("open-mark-search", Basis.PUBLIC_MARK)
    assert finding.summary == "Carries the open mark with the payload 000000000abc."


def test_the_search_tells_what_the_quick_look_left_and_nothing_twice() -> None:
    both = _media(embed(_turned(embed(photo_like(1), 0xABC)), 0xDEF))
    (quick,) = OpenMarkExaminer().examine(both)
    (found,) = OpenMarkSearchExaminer().examine(both)
    assert "000000000def" in quick.summary
    assert found.summary == (
        "Carries the open mark with the payload 000000000abc, one of 2 open marks."
    )
    alone = OpenMarkSearchExaminer(beside=False).examine(both)
    assert [f.summary.split()[7].strip(",") for f in alone] == ["000000000def", "000000000abc"]


def test_a_row_of_the_tier_of_pixels_says_what_was_not_looked_for() -> None:
    seen = examine(
        _media(photo_like(1)), [OpenMarkExaminer(), OpenMarkSearchExaminer()], tier=Tier.PIXELS
    )
    (left,) = seen.not_examined
    assert left.examiner == "open-mark-search"
    assert left.reason == (
        "It looks for open marks in turned, resized or bent copies and in parts of a picture; it "
        "belongs to the tier model, and the scan stopped at pixels."
    )
