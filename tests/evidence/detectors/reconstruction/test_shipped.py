"""The four tiny autoencoders of tests/data, through ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lightkeeper.evidence.detectors.reconstruction import (
    QUICK,
    PhaseReading,
    read_autoencoder,
    read_grid,
)

pytest.importorskip("onnxruntime")

DATA = Path(__file__).parents[3] / "data" / "autoencoders"


@pytest.fixture(scope="module", params=["nearest8", "transposed8", "bilinear8", "shuffle8"])
def shipped(request):
    return read_autoencoder(DATA / request.param).autoencoder


def test_one_batch_is_what_single_crops_are(shipped):
    batch = np.random.default_rng(0).random((9, 3, 64, 64), np.float32)
    single = np.concatenate([shipped.reconstruct(each[None]) for each in batch])
    assert np.array_equal(shipped.reconstruct(batch), single)


def test_a_picture_that_came_through_it_bears_its_grid(shipped, make_textured, through):
    reading = read_grid(shipped, through(shipped, make_textured(1))[3:, 5:], QUICK)
    assert isinstance(reading, PhaseReading)
    assert reading.contrast > 1


def test_the_full_form_finds_where_the_grid_begins(shipped, make_textured, through):
    reading = read_grid(shipped, through(shipped, make_textured(2))[3:, 5:])
    assert isinstance(reading, PhaseReading)
    assert reading.p_value <= 2e-3
    # What blends rows and columns smoothly knows its own place less well.
    assert (reading.phase.y, reading.phase.x) == (5, 3) or shipped.name == "bilinear8"


def test_the_same_picture_without_the_decoder_does_not(shipped, make_textured):
    reading = read_grid(shipped, make_textured(1)[3:, 5:], QUICK)
    assert isinstance(reading, PhaseReading)
    assert reading.p_value > 1e-3
    assert reading.contrast < 0.2
