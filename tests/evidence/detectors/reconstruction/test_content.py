from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from lightkeeper.evidence.detectors.reconstruction import Abstention
from lightkeeper.evidence.detectors.reconstruction._content import Stratum, own_pattern, stratum
from lightkeeper.evidence.detectors.treatment import draw_non_photo


def jpeg(rgb, quality):
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def pixel_art(factor):
    rng = np.random.default_rng(factor)
    art = rng.integers(0, 256, (6, 3), np.uint8)[rng.integers(0, 6, (480 // factor, 480 // factor))]
    return np.ascontiguousarray(np.kron(art, np.ones((factor, factor, 1), np.uint8))[3:, 5:])


def tiled(period):
    rng = np.random.default_rng(period)
    tile = rng.integers(0, 256, (period // 2, period // 2, 3), np.uint8)
    tile = np.asarray(Image.fromarray(tile).resize((period, period), Image.Resampling.BICUBIC))
    return np.ascontiguousarray(np.tile(tile, (480 // period, 480 // period, 1))[3:, 5:])


@pytest.mark.parametrize("factor", [2, 5, 8, 16])
def test_pixel_art_is_told_also_after_jpeg(factor):
    assert own_pattern(pixel_art(factor)) is Abstention.REPLICATED
    if factor > 4:
        assert own_pattern(jpeg(pixel_art(factor), 85)) is Abstention.REPLICATED


@pytest.mark.parametrize("period", [8, 12, 24, 48])
def test_content_that_repeats_is_told_also_after_jpeg(period):
    assert own_pattern(tiled(period)) is Abstention.PERIODIC
    assert own_pattern(jpeg(tiled(period), 75)) is Abstention.PERIODIC


def test_texture_and_what_came_through_a_decoder_have_no_pattern_of_their_own(
    make_textured, through, autoencoder
):
    picture = make_textured(3)
    assert own_pattern(picture) is None
    assert own_pattern(through(autoencoder, picture)) is None
    assert own_pattern(jpeg(picture, 60)) is None


def test_pictures_too_small_for_a_pattern_have_none():
    assert own_pattern(np.zeros((1, 1, 3), np.uint8)) is None
    assert own_pattern(np.full((5, 300, 3), 7, np.uint8)) is None


def test_drawings_and_photographs_are_compared_with_their_own_kind(make_textured):
    assert stratum(make_textured(1)) is Stratum.CONTINUOUS
    assert stratum(draw_non_photo("plot", 1)) is Stratum.FLAT
    assert stratum(draw_non_photo("screenshot", 2)) is Stratum.FLAT
