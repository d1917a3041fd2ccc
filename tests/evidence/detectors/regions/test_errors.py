from __future__ import annotations

import numpy as np
import pytest
from tests.evidence.detectors.reconstruction.conftest import projection, textured

from lightkeeper.evidence.detectors.regions import reconstruction_map
from lightkeeper.evidence.detectors.regions._errors import LOST, Box, Errors, around

AUTOENCODER = projection(8)
HIGH, WIDE = 25, 30


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
    all_of_it = Errors(AUTOENCODER, rgb).at(phase, whole)
    some = Errors(AUTOENCODER, rgb).at(phase, part)
    assert all_of_it.shape == (2, 25, 25)
    np.testing.assert_allclose(some[:, 5:14, 8:17], all_of_it[:, 5:14, 8:17], atol=1e-4)
    some[:, 5:14, 8:17] = 0
    assert not some.any()


def test_what_was_read_is_not_read_again():
    errors = Errors(AUTOENCODER, textured(3, 200))
    part = Box(5, 8, 14, 17)
    errors.at((1, 2), part)
    once = errors.pixels
    errors.at((1, 2), part)
    assert errors.pixels == once
    errors.at((1, 3), part)
    assert errors.pixels > once


def test_a_picture_costs_no_more_than_19_of_its_size_and_less_with_a_flat_border():
    rgb = textured(5)
    assert 17 < reconstruction_map(AUTOENCODER, rgb).reconstructions <= 19
    framed = np.full((400, 560, 3), 128, np.uint8)
    framed[:, :400] = rgb
    assert reconstruction_map(AUTOENCODER, framed).reconstructions < 15
