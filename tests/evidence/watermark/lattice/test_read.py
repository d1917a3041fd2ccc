"""Pictures that were changed are still read; pictures without the mark never are."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from lightkeeper.evidence.watermark.lattice import PAYLOAD_BITS, LatticeReading, embed, read
from lightkeeper.testing import photo_like, synthetic_like

_PAYLOAD = 0x5A17C0DE1E55
Picture = NDArray[np.uint8]


@pytest.fixture(scope="module")
def marked() -> Picture:
    return embed(photo_like(1), _PAYLOAD)


def _jpeg(rgb: Picture, quality: int) -> Picture:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality, subsampling=2)
    return np.asarray(Image.open(buffer))


def _resized(rgb: Picture, across: float, down: float) -> Picture:
    size = round(rgb.shape[1] * across), round(rgb.shape[0] * down)
    return np.array(Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC))


def _turned(rgb: Picture, degrees: float) -> Picture:
    return np.asarray(Image.fromarray(rgb).rotate(degrees, Image.Resampling.BICUBIC))


def _read(rgb: Picture) -> LatticeReading:
    reading = read(rgb)
    assert reading is not None
    assert reading.payload == _PAYLOAD
    assert reading.p_value < 1e-6
    return reading


def test_an_untouched_picture_is_read_without_a_search(marked: Picture) -> None:
    reading = _read(marked)
    assert reading.tests == 8 * 61 * 61
    assert reading.transform.scale == pytest.approx(1)
    assert not reading.transform.flipped
    assert reading.transform.rotation == pytest.approx(0, abs=1e-6)
    assert 0 <= reading.corrected < reading.slots == 722


def test_a_screenshot_crop_or_codec_does_not_remove_it(marked: Picture) -> None:
    _read(marked[61:223, 77:239])
    _read(_jpeg(marked, 50))
    _read(_jpeg(_resized(marked, 0.7, 0.7)[9:309, 5:305], 80))
    _read(np.clip(marked * 2.0, 0, 255).astype(np.uint8))
    _read(_resized(marked, 0.3, 0.3))


def test_half_of_the_picture_may_be_another(marked: Picture) -> None:
    _read(np.concatenate([marked[:, :256], photo_like(9)[:, 256:]], axis=1))


@pytest.mark.parametrize(
    ("rotation", "flipped"), [(0, True), (90, False), (180, False), (-90, True)]
)
def test_the_orientation_is_told(marked: Picture, rotation: int, flipped: bool) -> None:
    seen = marked[:, ::-1] if flipped else marked
    transform = _read(np.rot90(seen, rotation // 90)).transform
    assert transform.flipped is flipped
    turn = (transform.rotation - rotation + 180) % 360 - 180
    assert turn == pytest.approx(0, abs=0.01)


def test_an_affine_change_is_told(marked: Picture) -> None:
    transform = _read(_turned(_resized(marked, 0.9, 0.75), 20)).transform
    assert transform.rotation == pytest.approx(20, abs=0.2)
    assert transform.aspect == pytest.approx(1.2, abs=0.02)
    assert transform.scale == pytest.approx(math.sqrt(0.9 * 0.75), abs=0.01)
    assert transform.skew == pytest.approx(0, abs=0.01)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    payload=st.integers(0, 2**PAYLOAD_BITS - 1),
    degrees=st.floats(-180, 180),
    scale=st.floats(0.6, 1.5),
    aspect=st.floats(0.8, 1.25),
    quality=st.integers(60, 95),
    flipped=st.booleans(),
)
def test_the_payload_survives_geometry_and_codec(
    payload: int, degrees: float, scale: float, aspect: float, quality: int, flipped: bool
) -> None:
    seen = embed(photo_like(2), payload)
    seen = seen[:, ::-1] if flipped else seen
    root = math.sqrt(aspect)
    seen = _turned(_resized(seen, scale * root, scale / root), degrees)
    reading = read(_jpeg(seen, quality))
    assert reading is not None
    assert reading.payload == payload
    assert reading.transform.flipped is flipped


def test_a_large_picture_is_read_in_a_window_that_still_carries_it() -> None:
    rgb = photo_like(3, width=1536, height=1024)
    seen = _resized(embed(rgb, _PAYLOAD), 0.9, 0.9)
    plain = _resized(rgb, 0.9, 0.9)
    middle = slice(200, 722), slice(400, 982)
    seen[middle] = plain[middle]
    reading = _read(seen)
    assert reading.tests > 8 * 64 * 64
    assert reading.transform.scale == pytest.approx(0.9, abs=0.01)


def test_pictures_without_the_mark_are_not_read() -> None:
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:256, :256]
    tile = rng.integers(0, 256, (61, 61, 3), dtype=np.uint8)
    halftone = np.where(np.cos(x / 3) + np.cos(y / 3) > 0, 255, 0)[..., None] + np.zeros(3)
    for rgb in (
        photo_like(4, width=256, height=256),
        synthetic_like(4, width=256, height=256),
        np.tile(tile, (5, 5, 1))[:256, :256],
        halftone.astype(np.uint8),
        rng.integers(0, 256, (256, 256, 3), dtype=np.uint8),
        _jpeg(photo_like(5, width=256, height=256), 10),
    ):
        assert read(np.ascontiguousarray(rgb)) is None


@pytest.mark.parametrize(
    "shape",
    [(1, 1), (63, 900), (64, 64), (65, 2000), (2000, 65), (128, 128), (131, 257)],
)
@pytest.mark.parametrize("level", [0, 128, 255])
def test_flat_pictures_of_any_shape_are_read_without_error(
    shape: tuple[int, int], level: int
) -> None:
    assert read(np.full((*shape, 3), level, np.uint8)) is None


def test_read_only_and_strided_arrays_are_taken(marked: Picture) -> None:
    view = marked[::1, ::-1][:, ::-1]
    view.setflags(write=False)
    _read(view)
