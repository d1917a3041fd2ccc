from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from lightkeeper.evidence.detectors.regions import _fills
from lightkeeper.testing import photo_like

pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def photograph():
    return photo_like(11, width=320, height=304)


def test_a_blurred_part_stands_out(photograph):
    small = Image.fromarray(photograph).resize((100, 95))
    blurred = np.asarray(small.resize((320, 304), Image.Resampling.BICUBIC))
    mask = np.zeros(photograph.shape[:2], bool)
    mask[96:208, 80:208] = True
    stated = _fills.filled_map(np.where(mask[..., None], blurred, photograph))
    inside = mask[4::8, 4::8]
    assert stated.shape == inside.shape
    assert stated[inside].mean() > 0.6
    assert stated[~inside].mean() < 0.3


@pytest.mark.parametrize("shape", [(16, 24), (130, 70), (515, 40), (64, 1000)])
def test_every_block_has_finite_stated_that_are_not_negative(shape):
    rgb = np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)
    stated = _fills.filled_map(rgb)
    assert stated.shape == (shape[0] // 8, shape[1] // 8)
    assert np.isfinite(stated).all()
    assert stated.min() >= 0


def test_parts_that_are_looked_at_by_themselves_agree_where_they_meet(photograph, monkeypatch):
    whole = _fills.filled_map(photograph)
    monkeypatch.setattr(_fills, "_SIDE", 192)
    parts = _fills.filled_map(photograph)
    assert np.abs(parts - whole).mean() < 0.05 * max(1.0, float(whole.max()))


def test_the_weights_are_as_small_as_promised():
    assert _fills._WEIGHTS.stat().st_size < 1_500_000
