from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.evidence.detectors.reconstruction.conftest import projection, textured

from lightkeeper.evidence.detectors.regions import reconstruction_map
from lightkeeper.evidence.detectors.regions._errors import LOST, Errors
from lightkeeper.evidence.detectors.regions._tiles import Box, around, textured_tiles

AUTOENCODER = projection(8)
HIGH, WIDE = 25, 30


@given(st.integers(0, 2**32 - 1), st.integers(1, 14), st.floats(0.02, 1))
@settings(max_examples=40, deadline=None)
def test_tiles_hold_what_can_be_read_and_do_not_overlap(seed, side, share):
    told = (np.random.default_rng(seed).random((HIGH, WIDE)) < share).astype(np.float64)
    told[7, 9] = 1
    tiles = textured_tiles(told, side)
    times = np.zeros((HIGH, WIDE), int)
    for tile in tiles:
        assert 0 <= tile.top < tile.bottom <= HIGH
        assert 0 <= tile.left < tile.right <= WIDE
        assert max(tile.bottom - tile.top, tile.right - tile.left) <= side
        times[tile.top : tile.bottom, tile.left : tile.right] += 1
    assert times.max() == 1
    held = [told[t.top : t.bottom, t.left : t.right].sum() for t in tiles]
    assert held == sorted(held, reverse=True)


def test_the_box_around_what_can_be_read_is_the_smallest():
    told = np.zeros((HIGH, WIDE), bool)
    told[4, 11] = told[20, 6] = True
    assert around(told) == Box(4, 6, 21, 12)


@pytest.mark.parametrize("phase", [(0, 0), (3, 5), (7, 7), (6, 1)])
def test_a_part_has_the_errors_that_it_has_in_the_whole_picture(phase):
    rgb = textured(3, 203)
    first, last = -(-(LOST + 7) // 8), (203 - LOST - 7) // 8
    whole = Box(first, first, last, last)
    part = Box(5, 8, 14, 17)
    all_of_it = Errors(AUTOENCODER, rgb).at(phase, [whole])
    some = Errors(AUTOENCODER, rgb).at(phase, [part])
    assert all_of_it.shape == (2, 25, 25)
    np.testing.assert_allclose(some[:, 5:14, 8:17], all_of_it[:, 5:14, 8:17], atol=1e-4)
    some[:, 5:14, 8:17] = 0
    assert not some.any()


def test_what_was_read_is_not_read_again():
    errors = Errors(AUTOENCODER, textured(3, 200))
    part = Box(5, 8, 14, 17)
    errors.at((1, 2), [part])
    once = errors.pixels
    errors.at((1, 2), [part])
    assert errors.pixels == once
    errors.at((1, 3), [part])
    assert errors.pixels > once


def test_an_untouched_picture_costs_less_than_half_of_its_19_phases():
    found = reconstruction_map(AUTOENCODER, textured(5))
    assert found.surprise <= 0
    assert found.reconstructions < 19 / 2
    assert not found.readable.all()
