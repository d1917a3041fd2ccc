"""The exact kernel against the reference implementation."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageOps

from lightkeeper.errors import UnsupportedMedia
from lightkeeper.hashing import PdqVariant, pdq, pdq_of_rgb
from lightkeeper.media import open_media
from lightkeeper.testing import photo_like, synthetic_like

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SIZES = [
    *((side, side) for side in (5, 6, 7, 8, 9, 16, 31, 32, 33, 63, 64, 65)),
    *((5, 64), (64, 5), (12, 40), (40, 12), (64, 128), (128, 64), (5, 700), (700, 5)),
    *((127, 127), (128, 128), (129, 129), (191, 193), (255, 256), (256, 255), (257, 257)),
    *((320, 240), (240, 320), (384, 383), (385, 200), (500, 333), (512, 512), (513, 511)),
    *((640, 480), (97, 1021), (1021, 97), (768, 1024)),
]
"""Width and height; window widths 1-9, odd and even, and rows that do not fill eight lanes."""


def _reference(rgb: NDArray[np.uint8]) -> tuple[str, int]:
    pdqhash = pytest.importorskip("pdqhash")
    vector, quality = pdqhash.compute(rgb)
    return np.packbits(vector.astype(np.uint8)).tobytes().hex(), quality


def _ours(rgb: NDArray[np.uint8]) -> tuple[str, int]:
    value = pdq_of_rgb(rgb)
    return value.hex, value.quality


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("draw", [photo_like, synthetic_like])
def test_hash_and_quality_are_those_of_the_reference(draw, width: int, height: int) -> None:
    for seed in range(3):
        rgb = draw(seed, width=width, height=height)
        assert _ours(rgb) == _reference(rgb)


def test_a_picture_of_twelve_megapixels_hashes_as_in_the_reference() -> None:
    tile = photo_like(7, width=1008, height=756)
    rgb = np.ascontiguousarray(np.kron(tile, np.ones((4, 4, 1), np.uint8)))
    rgb[::3, ::5] //= 2
    assert rgb.shape == (3024, 4032, 3)
    assert _ours(rgb) == _reference(rgb)


@pytest.mark.parametrize("value", [0, 1, 127, 255])
def test_a_flat_picture_hashes_as_in_the_reference_and_has_no_quality(value: int) -> None:
    rgb = np.full((70, 90, 3), value, np.uint8)
    assert _ours(rgb) == _reference(rgb)
    assert pdq_of_rgb(rgb).quality == 0


def test_noise_and_checkerboards_hash_as_in_the_reference() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (211, 307, 3), dtype=np.uint8)
    board = ((np.indices((200, 300)).sum(axis=0) // 8 % 2) * 255).astype(np.uint8)
    for rgb in (noise, np.repeat(board[..., None], 3, axis=2)):
        assert _ours(rgb) == _reference(rgb)


def test_every_luminance_rounds_as_double_arithmetic_does() -> None:
    from lightkeeper.hashing import _kernels

    values = np.arange(256, dtype=np.uint8)
    green, blue = (plane.ravel() for plane in np.meshgrid(values, values))
    for red in values:
        row = np.stack([np.full_like(green, red), green, blue], axis=1)
        luma = np.empty(len(row), np.float32)
        _kernels._luma(row, luma)
        expected = row[:, 0] * 0.299 + row[:, 1] * 0.587 + row[:, 2] * 0.114
        assert np.array_equal(luma, expected.astype(np.float32))


def test_memory_layout_and_writability_do_not_change_the_hash() -> None:
    rgb = photo_like(2, width=150, height=110)
    expected = pdq_of_rgb(rgb)
    frozen = rgb.copy()
    frozen.flags.writeable = False
    fortran = np.asfortranarray(rgb)
    padded = np.zeros((110, 300, 3), np.uint8)
    padded[:, ::2] = rgb
    assert pdq_of_rgb(frozen) == pdq_of_rgb(fortran) == pdq_of_rgb(padded[:, ::2]) == expected


@pytest.mark.parametrize(("width", "height"), [(4, 100), (100, 4), (1, 1)])
def test_a_side_under_five_pixels_is_refused_with_its_size(width: int, height: int) -> None:
    with pytest.raises(UnsupportedMedia, match=f"{width} x {height}"):
        pdq_of_rgb(np.zeros((height, width, 3), np.uint8))


def test_a_media_is_hashed_once_for_each_variant() -> None:
    stream = io.BytesIO()
    Image.fromarray(photo_like(4, width=90, height=70)).save(stream, "PNG")
    media = open_media(stream.getvalue())
    exact = pdq(media, variant=PdqVariant.EXACT)
    assert pdq(media, variant=PdqVariant.EXACT) is exact
    assert exact == pdq_of_rgb(media.rgb())
    assert exact.variant == "full-resolution/exact"
    assert pdq(media) is pdq(media) is not exact


@pytest.mark.shared
def test_published_hashes_of_the_bridge_series_are_reproduced(shared: Path) -> None:
    folder = shared / "pdq" / "bridge-mods"
    expected = json.loads((folder / "expected.json").read_text())
    found = {
        name: pdq(open_media(folder / name), variant=PdqVariant.EXACT).hex for name in expected
    }
    assert len(found) == 12
    assert found == {name: entry["pdq"] for name, entry in expected.items()}


@pytest.mark.shared
def test_a_rotated_photograph_hashes_as_it_is_displayed(shared: Path) -> None:
    path = shared / "pdq" / "exif-rotn" / "exif-rotn-3.jpg"
    with Image.open(path) as stored:
        displayed = np.asarray(ImageOps.exif_transpose(stored).convert("RGB"))
    assert pdq(open_media(path), variant=PdqVariant.EXACT).hex == _reference(displayed)[0]
