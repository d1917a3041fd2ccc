"""The bound on chance holds for the published pattern, and for keys drawn anew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.evidence.watermark.lattice._chance import chance


@given(st.floats(0, 30), st.floats(0, 30), st.integers(1, 10**9))
def test_it_is_a_probability_and_falls_with_either_score(
    z: float, payload_z: float, looks: int
) -> None:
    p = chance(z, payload_z, looks)
    assert 0 < p <= 1
    assert chance(z + 1, payload_z, looks) <= p
    assert chance(z, payload_z + 1, looks) <= p
    assert chance(z, payload_z, 2 * looks) >= p


def test_scores_of_unmarked_pictures_say_nothing() -> None:
    assert chance(4.5, 7.5, 200_000) == 1.0
    assert chance(-3.0, -3.0, 1) == 1.0


def test_no_chance_below_the_smallest_is_claimed() -> None:
    assert chance(15, 26, 1) == 1e-12


@pytest.mark.parametrize("x", [3.0, 5.0, 7.0])
def test_the_tail_of_both_sums_together_lies_below_the_bound(x: float) -> None:
    # Few terms of unequal size are the hardest case; the real ones have 121 and 722.
    rng = np.random.default_rng(8)
    weights = np.r_[3.0, 2.0, np.ones(20)]
    turns = np.cos(2 * np.pi * rng.random((400_000, len(weights)), dtype=np.float32)) @ weights
    signs = (rng.random((400_000, len(weights)), dtype=np.float32) < 0.5) * 2.0 - 1
    z = turns / np.sqrt((weights**2).sum() / 2)
    payload_z = signs @ weights / np.linalg.norm(weights)
    half = (np.maximum(z, 0) ** 2 + np.maximum(payload_z, 0) ** 2) / 2
    assert float(np.mean(half >= x)) <= (1 + x) * np.exp(-x)
