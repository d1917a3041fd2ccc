"""Drawn pictures are reproducible and have the statistics that their names promise."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from lightkeeper.testing import photo_like, synthetic_like


@pytest.mark.parametrize("draw", [photo_like, synthetic_like])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (5, 9), (64, 48), (301, 200)])
def test_a_picture_has_the_size_asked_for_and_is_the_same_each_time(
    draw, width: int, height: int
) -> None:
    first = draw(3, width=width, height=height)
    assert first.shape == (height, width, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, draw(3, width=width, height=height))


@pytest.mark.parametrize("draw", [photo_like, synthetic_like])
def test_each_seed_draws_another_picture(draw) -> None:
    assert np.abs(draw(1).astype(int) - draw(2)).mean() > 10


def test_a_photograph_has_noise_everywhere_and_a_synthetic_picture_has_none() -> None:
    def smallest_block_deviation(picture: np.ndarray) -> float:
        blocks = picture[..., 1].reshape(32, 16, 32, 16).swapaxes(1, 2)
        return float(np.median(blocks.std(axis=(2, 3))))

    assert smallest_block_deviation(photo_like(4)) > 3
    assert smallest_block_deviation(synthetic_like(4)) < 3


def test_the_power_of_a_photograph_falls_with_frequency_as_in_nature() -> None:
    slopes = []
    for seed in range(4):
        luma = photo_like(seed).mean(axis=2)
        power = np.abs(np.fft.rfft2(luma - luma.mean())) ** 2
        radius = np.hypot(np.fft.fftfreq(512)[:, None], np.fft.rfftfreq(512)[None, :])
        edges = np.geomspace(0.01, 0.25, 9)
        rings = [(radius >= low) & (radius < high) for low, high in pairwise(edges)]
        means = [power[ring].mean() for ring in rings]
        slopes.append(np.polyfit(np.log(np.sqrt(edges[1:] * edges[:-1])), np.log(means), 1)[0])
    assert -3 < np.mean(slopes) < -1.5
