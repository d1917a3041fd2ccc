"""The fast kernel against the exact one."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
import simplejpeg
from PIL import Image

from lightkeeper.errors import UnsupportedMedia
from lightkeeper.hashing import PdqVariant, distance_bits, pdq, pdq_of_luma, pdq_of_rgb
from lightkeeper.hashing._pdq import _weights
from lightkeeper.media import Luma, open_media
from lightkeeper.testing import photo_like

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def _jpeg(rgb: NDArray[np.uint8], *, orientation: int | None = None) -> bytes:
    stream, exif = io.BytesIO(), Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    Image.fromarray(rgb).save(stream, "JPEG", quality=92, exif=exif)
    return stream.getvalue()


def _scaled_luma(content: bytes, scale: int) -> Luma:
    height, width = simplejpeg.decode_jpeg_header(content)[:2]
    least = {"min_height": -(-height // scale), "min_width": -(-width // scale)}
    pixels = simplejpeg.decode_jpeg(content, "GRAY", **(least if scale > 1 else {}))[..., 0]
    assert pixels.shape == (-(-height // scale), -(-width // scale))
    return Luma(pixels, height, width, scale)


@pytest.mark.parametrize(
    ("width", "height"), [(5, 5), (64, 64), (129, 300), (512, 512), (801, 600)]
)
def test_full_size_luma_is_within_two_bits_of_the_exact_hash(width: int, height: int) -> None:
    rgb = np.repeat(photo_like(1, width=width, height=height)[..., 1:2], 3, axis=2)
    fast = pdq_of_luma(Luma(np.ascontiguousarray(rgb[..., 0]), height, width))
    exact = pdq_of_rgb(rgb)
    assert distance_bits(fast, exact) <= 2
    assert abs(fast.quality - exact.quality) <= 1
    assert fast.variant == "full-resolution/fast-luma-1:1"


@pytest.mark.parametrize(
    ("width", "height", "scale"), [(1001, 997, 2), (2003, 1501, 4), (3001, 2599, 8)]
)
def test_folded_weights_on_a_scaled_decode_stay_within_two_bits(
    width: int, height: int, scale: int
) -> None:
    content = _jpeg(photo_like(5, width=width, height=height))
    exact = pdq_of_rgb(simplejpeg.decode_jpeg(content))
    folded = pdq_of_luma(_scaled_luma(content, scale))
    assert distance_bits(folded, exact) <= 2
    assert folded.variant == f"full-resolution/fast-luma-1:{scale}"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_incomplete_blocks_are_found_on_the_side_to_which_orientation_moved_them(
    orientation: int,
) -> None:
    # 8 s + 1 pixels: the last block of each axis stands for one pixel.
    rgb = photo_like(9, width=1033, height=777)
    content = _jpeg(rgb, orientation=orientation)
    stored = _scaled_luma(content, 8)
    pixels = _oriented(stored.pixels, orientation)
    full = _oriented(simplejpeg.decode_jpeg(content), orientation)
    luma = Luma(pixels, full.shape[0], full.shape[1], 8)
    exact = pdq_of_rgb(full)
    told = distance_bits(pdq_of_luma(luma, orientation=orientation), exact)
    upright = distance_bits(pdq_of_luma(stored), pdq_of_rgb(simplejpeg.decode_jpeg(content)))
    assert told <= upright + 4


def test_ignoring_the_orientation_of_a_scaled_decode_costs_bits() -> None:
    content = _jpeg(photo_like(9, width=1033, height=777))
    pixels = _oriented(_scaled_luma(content, 8).pixels, 3)
    full = _oriented(simplejpeg.decode_jpeg(content), 3)
    luma, exact = Luma(pixels, 777, 1033, 8), pdq_of_rgb(full)
    told = distance_bits(pdq_of_luma(luma, orientation=3), exact)
    assert told < distance_bits(pdq_of_luma(luma), exact)


def _oriented(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    turned = pixels.swapaxes(0, 1) if orientation > 4 else pixels
    across = orientation in (2, 3, 6, 7)
    down = orientation in (3, 4, 7, 8)
    return np.ascontiguousarray(turned[:: -1 if down else 1, :: -1 if across else 1])


@pytest.mark.parametrize(("width", "height"), [(400, 300), (1100, 900), (2040, 1530)])
def test_a_jpeg_hashes_fast_within_two_bits_of_exact(width: int, height: int) -> None:
    media = open_media(_jpeg(photo_like(3, width=width, height=height)))
    fast, exact = pdq(media), pdq(media, variant=PdqVariant.EXACT)
    assert distance_bits(fast, exact) <= 2
    assert fast.variant.startswith("full-resolution/fast-luma-1:")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_both_variants_see_the_same_orientation(orientation: int) -> None:
    content = _jpeg(photo_like(6, width=1300, height=1001), orientation=orientation)
    media = open_media(content)
    assert distance_bits(pdq(media), pdq(media, variant=PdqVariant.EXACT)) <= 6


def test_a_scaled_decode_of_a_picture_under_five_pixels_is_refused() -> None:
    with pytest.raises(UnsupportedMedia, match="4 x 900"):
        pdq_of_luma(Luma(np.zeros((900, 4), np.uint8), 900, 4))


@pytest.mark.parametrize("scale", [1, 2, 4, 8])
@pytest.mark.parametrize("size", [5, 63, 64, 65, 127, 129, 500, 1000, 4033])
@pytest.mark.parametrize("from_end", [False, True])
def test_weights_of_every_sample_sum_to_one_inside_the_decode(
    size: int, scale: int, from_end: bool
) -> None:
    first, weights = _weights(size, scale, from_end)
    assert np.allclose(weights.sum(axis=1), 1, atol=1e-5)
    assert weights.min() >= 0
    assert first.min() >= 0
    assert (first + weights.shape[1]).max() <= -(-size // scale)


@pytest.mark.shared
def test_photographs_from_cameras_hash_fast_within_two_bits_of_exact(shared: Path) -> None:
    media = open_media(shared / "pdq" / "exif-rotn" / "exif-rotn-3.jpg")
    assert distance_bits(pdq(media), pdq(media, variant=PdqVariant.EXACT)) <= 2
