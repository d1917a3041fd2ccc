from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from tests.evidence.detectors.reconstruction.conftest import textured

from lightkeeper.evidence.detectors.regions._readable import flattened, readable


@pytest.fixture(scope="module")
def photograph():
    return textured(5)


def jpeg(rgb, quality):
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


@pytest.mark.parametrize(("low", "high"), [(0, 2), (253, 255)])
def test_blocks_near_an_end_of_the_scale_are_not_read(photograph, low, high):
    burnt = photograph.clip(10, 245)
    noise = np.random.default_rng(1).integers(low, high + 1, (400, 160), np.uint8)
    burnt[:, :160, 1] = noise
    told = readable(burnt, lost=13)
    assert not told[:, :20].any()
    assert told[2:-2, 21:-2].mean() > 0.9


def test_the_border_that_a_phase_may_lose_is_not_read(photograph):
    told = readable(photograph, lost=13)
    assert not told[:2].any()
    assert not told[:, -2:].any()
    assert told[2:-2, 2:-2].mean() > 0.9


def test_flat_blocks_are_not_read(photograph):
    flat = photograph.copy()
    flat[160:240, 160:240] = 120
    assert not readable(flat, lost=13)[21:29, 21:29].any()


def test_what_strong_jpeg_left_is_flattened_on_its_own_grid_only(photograph):
    strong = jpeg((photograph * 0.2 + 100).astype(np.uint8), 40)
    own = flattened(strong, (0, 0))
    assert own.mean() > 0.5
    assert flattened(strong, (3, 5)).mean() < own.mean() / 2
    np.testing.assert_array_equal(flattened(strong, (8, 16)), own)


def test_a_crop_moves_the_grid_on_which_blocks_are_flat(photograph):
    strong = jpeg((photograph * 0.2 + 100).astype(np.uint8), 40)
    own, moved = flattened(strong, (0, 0)), flattened(strong[5:, 6:], (3, 2))
    # The crop's first whole block of JPEG is the picture's second.
    np.testing.assert_array_equal(moved[:48, :48], own[1:49, 1:49])


def test_a_textured_picture_is_flat_on_no_grid(photograph):
    assert flattened(photograph, (0, 0)).mean() < 0.01
    assert flattened(photograph, (6, 2)).shape == (50, 50)
