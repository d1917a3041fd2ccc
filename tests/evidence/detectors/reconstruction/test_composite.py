from __future__ import annotations

import numpy as np
import pytest

from lightkeeper.evidence.detectors.reconstruction._composite import grid_parts
from lightkeeper.evidence.detectors.reconstruction._contrast import Phase


@pytest.fixture(scope="module")
def haar8():
    from tests.evidence.detectors.reconstruction.conftest import projection

    return projection(8)


def test_two_halves_whose_grids_begin_apart_are_told_with_their_places(
    haar8, make_textured, through
):
    picture = through(haar8, make_textured(1))
    # The right half is taken one row lower and three columns further: (5, 3) becomes (4, 0).
    halves = picture[3:-1, 5:205], picture[4:, 208:]
    parts = grid_parts(haar8, np.concatenate(halves, 1), Phase(5, 3))
    assert [part.phase for part in parts] == [(5, 3), (4, 0)]
    left, right = parts
    assert left.left + left.width <= 240
    assert right.left >= 160
    assert min(left.patches, right.patches) >= 4


@pytest.mark.parametrize("seed", [2, 3])
def test_a_picture_with_one_grid_has_no_parts(haar8, make_textured, through, seed):
    picture = through(haar8, make_textured(seed))[3:, 5:]
    assert grid_parts(haar8, picture, Phase(5, 3)) == ()


def test_a_picture_of_which_half_has_no_grid_has_no_second_one(haar8, make_textured, through):
    bare = make_textured(4)
    picture = np.concatenate([through(haar8, bare)[:, :200], bare[:, 200:]], 1)
    assert grid_parts(haar8, picture, Phase(0, 0)) == ()


def test_a_picture_too_small_for_patches_has_no_parts(haar8, make_textured):
    assert grid_parts(haar8, make_textured(5)[:120, :120], Phase(0, 0)) == ()
