from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.evidence.detectors.reconstruction import (
    FULL,
    QUICK,
    Abstention,
    PhaseReading,
    read_scales,
)
from lightkeeper.evidence.detectors.reconstruction import _contrast as contrast
from lightkeeper.evidence.detectors.reconstruction._contrast import Phase, Reader
from lightkeeper.evidence.detectors.reconstruction._patches import Patch, choose
from lightkeeper.evidence.detectors.reconstruction._ranks import rank_product_p


@pytest.mark.parametrize(("y", "x"), [(0, 0), (3, 5), (7, 2)])
def test_a_decoders_grid_is_found_wherever_the_picture_was_cropped(
    autoencoder, make_textured, through, y, x
):
    reading = read_scales(autoencoder, through(autoencoder, make_textured(1))[y:, x:], QUICK)
    assert isinstance(reading, PhaseReading)
    assert reading.phase == Phase(-y % autoencoder.grid, -x % autoencoder.grid)
    assert reading.p_value < 1e-3
    assert reading.agreeing == reading.confirming


def test_pictures_without_a_grid_fire_about_as_rarely_as_declared(make_textured, autoencoder):
    readings = [read_scales(autoencoder, make_textured(k), QUICK) for k in range(100, 110)]
    values = [r.p_value for r in readings if isinstance(r, PhaseReading)]
    assert len(values) == 10
    assert min(values) > 1e-4
    assert sum(value <= 0.1 for value in values) <= 4
    assert max(r.contrast for r in readings if isinstance(r, PhaseReading)) < 0.15


def test_patches_begin_on_different_remainders(make_textured):
    # Otherwise what the way of measuring prefers would pass for agreement.
    patches = choose(make_textured(0), side=71, apart=56, count=7, least=6)
    assert not isinstance(patches, Abstention)
    assert len({patch.y % 8 for patch in patches}) > 3
    assert len({patch.x % 8 for patch in patches}) > 3


def test_another_decoders_grid_is_not_this_ones(make_textured, through, autoencoder):
    other = replace(autoencoder, function=lambda batch: batch * np.float32(0.999))
    reading = read_scales(other, through(autoencoder, make_textured(3)), FULL)
    assert isinstance(reading, PhaseReading)
    assert reading.p_value > 1e-3


def test_one_batch_says_what_single_crops_say(autoencoder, make_textured, monkeypatch):
    grid = autoencoder.grid
    reader = Reader(autoencoder, make_textured(4), 64)
    phases = [Phase(y, x) for y in range(0, grid, 2) for x in range(grid)]
    whole = reader.errors(Patch(8, 11), phases)
    single = np.concatenate([reader.errors(Patch(8, 11), [phase]) for phase in phases])
    assert np.array_equal(whole, single)
    monkeypatch.setattr(contrast, "_BATCH", 3)
    assert np.array_equal(whole, reader.errors(Patch(8, 11), phases))


def test_every_scale_counts_as_a_test(autoencoder, make_textured, through):
    picture = through(autoencoder, make_textured(5))
    one = read_scales(autoencoder, picture, QUICK)
    three = read_scales(autoencoder, picture, QUICK, scales=(1.0, 1.25, 1.5))
    assert isinstance(one, PhaseReading)
    assert isinstance(three, PhaseReading)
    assert three.scale == 1
    assert three.tests == 3
    assert three.p_value == pytest.approx(3 * one.p_value)


def test_small_flat_and_blurred_pictures_get_no_reading(autoencoder, make_textured):
    assert read_scales(autoencoder, make_textured(6)[:120, :120]) is Abstention.TOO_SMALL
    flat = np.full((400, 400, 3), 128, np.uint8)
    assert read_scales(autoencoder, flat) is Abstention.TOO_FLAT
    ramp = np.repeat(np.linspace(0, 255, 400).astype(np.uint8)[None, :, None], 400, 0)
    assert read_scales(autoencoder, np.repeat(ramp, 3, 2)) is Abstention.TOO_COMPRESSED


def test_patches_do_not_touch_and_saturated_ones_are_left_out(make_textured):
    picture = make_textured(7)
    picture[:200] = np.where(picture[:200] > 127, 255, 0)
    patches = choose(picture, side=71, apart=64, count=8, least=2)
    assert not isinstance(patches, Abstention)
    assert all(patch.y > 180 for patch in patches)
    for k, first in enumerate(patches):
        assert all(
            abs(first.y - other.y) >= 64 or abs(first.x - other.x) >= 64
            for other in patches[k + 1 :]
        )


@given(st.lists(st.integers(1, 8), min_size=1, max_size=8))
def test_the_chance_of_ranks_is_a_probability_and_falls_with_each_better_rank(ranks):
    p_value = rank_product_p(ranks, 8)
    assert 0 < p_value <= 1
    better = [max(1, ranks[0] - 1), *ranks[1:]]
    assert rank_product_p(better, 8) <= p_value


def test_the_chance_of_ranks_is_exact():
    assert rank_product_p([1, 1, 1], 8) == 8**-3
    assert rank_product_p([1, 2], 4) == pytest.approx(3 / 16)
    assert rank_product_p([8, 8], 8) == 1
