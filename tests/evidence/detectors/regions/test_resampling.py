from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from tests.evidence.detectors.reconstruction.conftest import textured

from lightkeeper.evidence.detectors.regions import model_free_maps
from lightkeeper.evidence.detectors.regions._band import band
from lightkeeper.evidence.detectors.regions._resampling import periodicity


@pytest.fixture(scope="module")
def photograph():
    return textured(5)


def enlarged(rgb, factor):
    high, wide = rgb.shape[:2]
    picture = Image.fromarray(rgb).resize((round(wide * factor), round(high * factor)))
    return np.asarray(picture)[:high, :wide]


@pytest.mark.parametrize("factor", [1.3, 1.45])
def test_an_enlarged_part_shows_its_period(photograph, factor):
    mixed = photograph.copy()
    mixed[:, 200:] = enlarged(photograph, factor)[:, 200:]
    found = periodicity(mixed.mean(2, dtype=np.float32))
    assert found.shape == (50, 50)
    assert found[:, 32:44].mean() > found[:, 4:18].mean() + 1
    assert model_free_maps(mixed)["resampling"][:, 32:44].mean() > 1


def test_a_period_of_eight_pixels_is_jpegs_and_not_looked_at(photograph):
    grey = photograph.mean(2, dtype=np.float32)
    blocks = grey + 6 * (np.arange(400) % 8 == 0)
    assert abs(periodicity(blocks).mean() - periodicity(grey).mean()) < 1.5


def test_a_turned_picture_has_a_turned_map(photograph):
    grey = photograph.mean(2, dtype=np.float32)
    np.testing.assert_allclose(periodicity(grey.T), periodicity(grey).T, rtol=1e-6)


def test_small_and_flat_pictures_show_nothing():
    assert not periodicity(np.zeros((40, 300), np.float32)).any()
    assert not model_free_maps(np.full((200, 300, 3), 90, np.uint8))["resampling"].any()


def test_the_band_takes_neither_the_coarse_nor_the_finest():
    y, x = np.mgrid[:64, :64]

    def passed(period):
        wave = np.sin(2 * np.pi * x / period).astype(np.float32)
        return band(np.stack([wave] * 3))[16:48, 16:48].std() / wave.std()

    assert passed(5) > 2 * passed(32)
    checks = ((x + y) % 2 * 2 - 1).astype(np.float32)
    assert passed(5) > 2 * band(np.stack([checks] * 3))[16:48, 16:48].std()
    assert np.abs(band(np.ones((3, 20, 20), np.float32))).max() < 1e-5
