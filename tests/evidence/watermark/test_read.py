"""What is read from pictures that carry marks, and from those that do not."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lightkeeper.errors import EvidenceError
from lightkeeper.evidence.watermark import (
    PUBLIC_MARKS,
    Mark,
    MarkReading,
    Method,
    Variant,
    embed,
    read_marks,
)
from lightkeeper.media import Media, open_media
from lightkeeper.testing import photo_like, synthetic_like

_MARKS = {mark.id: mark for mark in PUBLIC_MARKS}


def _media(rgb: NDArray[np.uint8], form: str = "PNG", **options: Any) -> Media:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, form, **options)
    return open_media(buffer.getvalue())


def _present(readings: tuple[MarkReading, ...]) -> dict[str, str]:
    return {reading.mark: reading.variant for reading in readings if reading.present}


@pytest.mark.parametrize("variant", list(Variant))
@pytest.mark.parametrize("mark", PUBLIC_MARKS, ids=lambda mark: mark.id)
def test_every_mark_is_read_as_it_was_written_and_no_other_is(mark: Mark, variant: Variant) -> None:
    marked = embed(photo_like(2, width=640, height=448), mark, variant=variant)
    readings = read_marks(_media(marked))
    assert _present(readings) == {mark.id: variant.value}
    assert [reading.mark for reading in readings] == list(_MARKS)
    assert {reading.tests for reading in readings} == {40}


@pytest.mark.parametrize("mark", PUBLIC_MARKS, ids=lambda mark: mark.id)
@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("JPEG", {"quality": 97, "subsampling": 2}),
        ("JPEG", {"quality": 97, "subsampling": 1}),
        ("JPEG", {"quality": 95, "subsampling": 0}),
        ("WEBP", {"quality": 95}),
        ("WEBP", {"lossless": True}),
        ("AVIF", {"quality": 95}),
    ],
)
def test_marks_survive_careful_compression(form: str, options: dict[str, Any], mark: Mark) -> None:
    marked = embed(photo_like(5, width=768, height=512), mark, variant=Variant.FLOAT32_BGR)
    assert mark.id in _present(read_marks(_media(marked, form, **options)))


@pytest.mark.parametrize("seed", range(12))
def test_unmarked_pictures_carry_nothing(seed: int) -> None:
    draw = photo_like if seed % 2 else synthetic_like
    rgb = draw(seed, width=512 + 8 * seed, height=384)
    assert not _present(read_marks(_media(rgb), rescaled=seed < 4))
    assert not _present(read_marks(_media(rgb, "JPEG", quality=90)))


def test_a_picture_that_repeats_carries_nothing() -> None:
    for seed in range(8):
        tile = photo_like(seed, width=64, height=64)
        assert not _present(read_marks(_media(np.tile(tile, (8, 12, 1)))))


def test_flat_pictures_carry_nothing() -> None:
    for level in (0, 100, 255):
        assert not _present(read_marks(_media(np.full((300, 300, 3), level, np.uint8))))


@pytest.mark.parametrize(
    "size", [(16, 16), (1, 1), (7, 60000), (255, 256), (3, 40000), (120, 120), (200, 300)]
)
def test_a_small_picture_is_passed_over_quietly(size: tuple[int, int]) -> None:
    media = _media(np.zeros((*size, 3), np.uint8))
    assert read_marks(media) == ()
    assert not _present(read_marks(media, rescaled=True))


@pytest.mark.parametrize("size", [(257, 259), (263, 391), (256, 256), (9, 8000), (515, 514)])
def test_odd_sizes_keep_the_grid_of_the_reference(size: tuple[int, int]) -> None:
    rgb = photo_like(4, height=size[0], width=size[1])
    marked = embed(rgb, _MARKS["sdxl"], variant=Variant.UINT8_BGR_SVD)
    assert _present(read_marks(_media(marked))) == {"sdxl": "uint8-bgr-svd"}


def test_a_crop_loses_the_grid() -> None:
    marked = embed(photo_like(6), _MARKS["sdxl"], variant=Variant.UINT8_BGR)
    assert not _present(read_marks(_media(marked[3:, 5:])))


def test_a_resized_copy_is_read_only_in_depth_and_at_the_price_of_more_tests() -> None:
    rgb = photo_like(7, width=768, height=512)
    marked = embed(rgb, _MARKS["sdxl"], variant=Variant.UINT8_BGR_SVD)
    copy = Image.fromarray(marked).resize((600, 400), Image.Resampling.LANCZOS)
    media = _media(np.asarray(copy))
    assert not _present(read_marks(media))
    found = [reading for reading in read_marks(media, rescaled=True) if reading.present]
    assert [(reading.mark, reading.scale) for reading in found] == [("sdxl", "768x512")]
    assert found[0].tests > 40


def test_a_jpeg_that_was_saved_again_without_loss_is_read_in_depth() -> None:
    marked = embed(photo_like(8, width=768, height=512), _MARKS["sd-v2"], variant=Variant.UINT8_BGR)
    buffer = io.BytesIO()
    Image.fromarray(marked).save(buffer, "JPEG", quality=97, subsampling=2)
    again = _media(np.asarray(Image.open(buffer)))
    found = next(r for r in read_marks(again, rescaled=True) if r.mark == "sd-v2")
    assert (found.present, found.scale) == (True, "chroma-restored")


def test_an_operators_marks_are_tested_in_their_own_method_only() -> None:
    own = Mark(
        id="own",
        bits=tuple(int(b) for b in f"{0x5A3C_77E1_90:040b}"),
        method=Method.DWT_DCT_SVD,
        description="a drawing school's mark",
    )
    riva = Mark(id="riva", bits=(0, 1) * 16, method=Method.RIVA_GAN, description="another's")
    marked = embed(photo_like(9), own, variant=Variant.FLOAT32_RGB_SVD)
    readings = read_marks(_media(marked), marks=(*PUBLIC_MARKS, own, riva))
    assert _present(readings) == {"own": "float32-rgb-svd"}
    assert {reading.tests for reading in readings} == {44}


def test_a_text_mark_of_somebody_else_is_not_taken_for_a_published_one() -> None:
    """Texts share the places of their bits in a byte; 32, 64 and 136 share the factor 8."""
    for number, text in enumerate((b"Lighthouse", b"LanternWorks2026", b"tree", b"bicycle!")):
        bits = tuple(int(b) for b in "".join(f"{byte:08b}" for byte in text))
        other = Mark(id="other", bits=bits, description="text")
        for variant in (Variant.UINT8_BGR, Variant.FLOAT32_BGR_SVD):
            marked = embed(photo_like(20 + number, width=768), other, variant=variant)
            assert not _present(read_marks(_media(marked)))


def test_a_stricter_alpha_takes_a_weak_mark_away() -> None:
    marked = embed(photo_like(10), _MARKS["sdxl"], variant=Variant.UINT8_BGR)
    media = _media(marked)
    assert _present(read_marks(media, alpha=1e-6))
    assert not _present(read_marks(media, alpha=0.0))


def test_embedding_changes_little_and_refuses_what_it_cannot_do() -> None:
    rgb = photo_like(11)
    for variant in Variant:
        change = embed(rgb, _MARKS["sdxl"], variant=variant).astype(int) - rgb
        assert 1 < np.sqrt((change**2).mean()) < 8
    with pytest.raises(EvidenceError, match="too small"):
        embed(rgb[:200, :200], _MARKS["sdxl"], variant=Variant.UINT8_BGR)
    own = Mark(id="own", bits=(0, 1) * 20, method=Method.DWT_DCT, description="")
    with pytest.raises(EvidenceError, match="for dwtDct, not dwtDctSvd"):
        embed(rgb, own, variant=Variant.UINT8_BGR_SVD)
