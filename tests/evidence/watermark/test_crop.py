"""Public marks of pictures that lost their grid, and what must not be taken for one."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from lightkeeper.evidence import Basis, Claim, Tier
from lightkeeper.evidence.watermark import (
    PUBLIC_MARKS,
    Mark,
    Method,
    PublicMarkExaminer,
    Variant,
    embed,
    read_marks,
)
from lightkeeper.evidence.watermark._crop import read_cropped, score_places, search_crops
from lightkeeper.evidence.watermark._read import score
from lightkeeper.media import Media, open_media
from lightkeeper.testing import photo_like, synthetic_like

_MARKS = {mark.id: mark for mark in PUBLIC_MARKS}
_DCT = [0, 2, 4, 6]


def _media(rgb: NDArray[np.uint8], form: str = "PNG", **options: Any) -> Media:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(rgb)).save(buffer, form, **options)
    return open_media(buffer.getvalue())


def _marked(name: str, variant: Variant = Variant.FLOAT32_BGR, seed: int = 5) -> NDArray[np.uint8]:
    return embed(photo_like(seed, width=640, height=480), _MARKS[name], variant=variant)


def test_every_place_scores_blocks_as_the_aligned_reader_does() -> None:
    rgb = photo_like(1, width=203, height=121)
    for row, places in zip(_DCT, score_places(rgb, False), strict=True):
        for place in (0, 11, 37, 63):
            top, left = divmod(place, 8)
            own = places[place]
            cut = rgb[top : top + 8 * own.shape[0], left : left + 8 * own.shape[1]]
            theirs = score(np.ascontiguousarray(cut), restore_chroma=False)[row]
            # Fixed-point rounding of uint8 U differs in ties.
            assert np.mean(np.abs(own.ravel() - theirs) < 0.05) > 0.93


@pytest.mark.parametrize("name", list(_MARKS))
def test_a_crop_at_an_odd_place_is_read_and_its_grid_is_told(name: str) -> None:
    media = _media(_marked(name)[61:461, 35:632])
    assert not any(reading.present for reading in read_marks(media))
    reading = read_cropped(media)
    assert reading is not None
    assert (reading.mark, reading.variant, reading.method) == (name, "float32-bgr", "dwtDct")
    assert reading.scale == "grid at 3,5"


@settings(max_examples=8, deadline=None)
@given(
    top=st.integers(0, 90),
    left=st.integers(0, 90),
    turn=st.integers(0, 3),
    mirror=st.booleans(),
)
def test_any_crop_in_any_orientation_is_read(top: int, left: int, turn: int, mirror: bool) -> None:
    cut = _MARKED[top : top + 370, left : left + 530]
    cut = np.rot90(cut[:, ::-1] if mirror else cut, turn)
    media = _media(cut)
    found = {reading.mark for reading in read_marks(media) if reading.present}
    cropped = read_cropped(media)
    assert found == {"flux1"} or (cropped is not None and cropped.mark == "flux1")


_MARKED = _marked("flux1")


@pytest.mark.parametrize("sampling", [0, 2])
def test_a_crop_that_was_saved_as_jpeg_is_read(sampling: int) -> None:
    for top, left in ((30, 44), (31, 45)):
        cut = _marked("sdxl")[top : top + 416, left : left + 560]
        reading = read_cropped(_media(cut, "JPEG", quality=95, subsampling=sampling))
        assert reading is not None
        assert reading.mark == "sdxl"


def test_a_mark_on_the_stored_grid_is_left_to_the_other_examiner() -> None:
    media = _media(_marked("sdxl"))
    assert PublicMarkExaminer().examine(media)
    assert PublicMarkExaminer.cropped().examine(media) == ()
    readings = read_marks(media, cropped=True)
    assert [reading.mark for reading in readings if reading.present] == ["sdxl"]
    assert {reading.scale for reading in readings} == {"as-stored"}


@pytest.mark.parametrize("seed", range(6))
def test_unmarked_pictures_carry_nothing_anywhere(seed: int) -> None:
    draw = photo_like if seed % 2 else synthetic_like
    rgb = draw(seed, width=400 + 40 * seed, height=330)
    assert read_cropped(_media(rgb)) is None
    assert read_cropped(_media(rgb, "JPEG", quality=85)) is None


def test_pictures_that_repeat_carry_nothing() -> None:
    for side in (24, 32, 48, 64):
        tile = photo_like(side, width=side, height=side)
        assert read_cropped(_media(np.tile(tile, (448 // side, 640 // side, 1)))) is None


def test_another_message_is_not_taken_for_a_published_one() -> None:
    """It is far above the noise at its place; only the agreement of its bits tells them apart."""
    rng = np.random.default_rng(3)
    for length in (32, 46, 48, 64, 136):
        bits = tuple(int(b) for b in rng.integers(0, 2, length))
        other = Mark(id="other", bits=bits, description="another's")
        marked = embed(photo_like(8, width=640, height=480), other, variant=Variant.UINT8_BGR)
        media = _media(marked[21:450, 13:620])
        assert read_cropped(media) is None
        found = read_cropped(media, marks=(*PUBLIC_MARKS, other))
        assert found is not None
        assert found.mark == "other"


@pytest.mark.parametrize("text", ["Lighthouse", "LanternWorks2026", "tree", "bicycle!"])
def test_another_text_is_not_taken_for_a_published_one(text: str) -> None:
    bits = tuple(int(b) for byte in text.encode() for b in f"{byte:08b}")
    other = Mark(id="other", bits=bits, description="text")
    marked = embed(photo_like(9, width=640, height=480), other, variant=Variant.UINT8_BGR)
    assert read_cropped(_media(marked[5:470, 9:630])) is None


@pytest.mark.parametrize("size", [(1, 1), (7, 900), (63, 64), (64, 64), (65, 4000), (200, 90)])
def test_small_and_thin_pictures_are_passed_over_quietly(size: tuple[int, int]) -> None:
    for level in (0, 128, 255):
        assert read_cropped(_media(np.full((*size, 3), level, np.uint8))) is None


def test_all_tests_are_counted() -> None:
    readings = search_crops(photo_like(1), PUBLIC_MARKS, halved_chroma=False)
    lengths = [len(mark.bits) for mark in PUBLIC_MARKS]
    # Four directions, four variants, 64 places, strides and shifts.
    assert {r.tests for r in readings} == {4 * 4 * 64 * sum(n * n for n in lengths)}
    assert all(r.p_value > 1e-3 for r in readings)


def test_marks_of_other_methods_are_passed_over() -> None:
    svd = Mark(id="svd", bits=(0, 1, 1, 0) * 6 + (1,), method=Method.DWT_DCT_SVD, description="")
    assert search_crops(photo_like(1), (svd,), halved_chroma=False) == ()


def test_the_finding_says_where_the_grid_begins() -> None:
    media = _media(_marked("invokeai", Variant.UINT8_BGR)[9:470, 3:600][:, ::-1])
    examiner = PublicMarkExaminer.cropped()
    assert (examiner.name, examiner.tier) == ("cropped-marks", Tier.DEEP)
    (finding,) = examiner.examine(media)
    assert (finding.claim, finding.basis) == (Claim.CARRIES_MARK, Basis.PUBLIC_MARK)
    assert "invokeai" in finding.summary
    assert finding.summary.endswith("mirrored.")
    assert finding.calibration == "cropped-marks-null-1"
    assert finding.p_value is not None
    assert finding.p_value < 1e-6
    assert examiner.examine(_media(photo_like(3))) == ()


def test_the_number_type_is_left_open_where_it_cannot_be_told() -> None:
    """Where U is positive, uint8 and float32 write nearly the same."""
    rgb = photo_like(5, width=640, height=480)
    rgb[..., 2] = np.maximum(rgb[..., 2], rgb[..., 0])
    rgb[..., 0] = rgb[..., 0] // 2
    marked = embed(rgb, _MARKS["sdxl"], variant=Variant.UINT8_BGR)
    reading = next(r for r in read_marks(_media(marked)) if r.mark == "sdxl")
    assert reading.present
    assert "uint8-bgr" in (reading.variant, *reading.alternatives)
    assert "float32-bgr" in (reading.variant, *reading.alternatives)
