"""The DC reader gives what libjpeg gives at 1/8, or nothing."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lightkeeper.media._jpeg_dc import read_dc_luma
from lightkeeper.testing import photo_like, synthetic_like

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def _jpeg(pixels: NDArray[np.uint8], **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", **options)
    return stream.getvalue()


def _libjpeg(content: bytes) -> NDArray[np.uint8]:
    height, width = simplejpeg.decode_jpeg_header(content)[:2]
    least = {"min_height": -(-height // 8), "min_width": -(-width // 8)}
    return simplejpeg.decode_jpeg(content, "GRAY", strict=False, **least)[..., 0]


def _segment(content: bytes, marker: int) -> int:
    return content.index(bytes([0xFF, marker]))


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("quality", [10, 75, 100])
@pytest.mark.parametrize(("width", "height"), [(8, 8), (5, 9), (64, 48), (321, 199)])
def test_block_means_are_those_of_libjpeg(
    width: int, height: int, quality: int, subsampling: int
) -> None:
    for draw in (photo_like, synthetic_like):
        pixels = draw(1, width=width, height=height)
        content = _jpeg(pixels, quality=quality, subsampling=subsampling)
        assert np.array_equal(read_dc_luma(content), _libjpeg(content))


@pytest.mark.parametrize(
    "options",
    [
        {"optimize": True},
        {"restart_marker_blocks": 1},
        {"restart_marker_blocks": 7},
        {"restart_marker_rows": 1},
    ],
)
def test_own_tables_and_restart_intervals_are_read(options: dict[str, Any]) -> None:
    content = _jpeg(photo_like(2, width=203, height=150), quality=85, **options)
    assert np.array_equal(read_dc_luma(content), _libjpeg(content))


def test_a_grey_picture_is_read() -> None:
    content = _jpeg(photo_like(3, width=77, height=50)[..., 0], quality=80)
    assert np.array_equal(read_dc_luma(content), _libjpeg(content))


def test_black_and_white_extremes_are_clipped_as_libjpeg_clips() -> None:
    rng = np.random.default_rng(5)
    pixels = rng.choice(np.uint8([0, 255]), (96, 96, 3))
    pixels[:48], pixels[48:, :48] = 255, 0
    content = _jpeg(pixels, quality=3)
    assert np.array_equal(read_dc_luma(content), _libjpeg(content))


@pytest.mark.parametrize(
    ("mode", "options"),
    [("RGB", {"progressive": True}), ("CMYK", {}), ("RGB", {"keep_rgb": True})],
)
def test_what_is_not_sequential_ycbcr_is_left_to_libjpeg(mode: str, options: dict) -> None:
    stream = io.BytesIO()
    Image.fromarray(photo_like(4, width=64, height=64)).convert(mode).save(
        stream, "JPEG", **options
    )
    assert read_dc_luma(stream.getvalue()) is None


@pytest.mark.parametrize("kept", [0.2, 0.6, 0.99])
def test_a_truncated_file_is_left_to_libjpeg(kept: float) -> None:
    content = _jpeg(photo_like(5, width=160, height=120), quality=90)
    start = _segment(content, 0xDA)
    assert read_dc_luma(content[: start + int((len(content) - start) * kept)]) is None


def test_data_beyond_the_last_block_is_left_to_libjpeg() -> None:
    content = _jpeg(photo_like(6, width=64, height=64), quality=90)
    assert read_dc_luma(content[:-2] + b"\x12\x34\x56" + content[-2:]) is None


def test_a_size_that_the_data_cannot_fill_takes_no_memory() -> None:
    content = bytearray(_jpeg(photo_like(7, width=64, height=64)))
    frame = _segment(content, 0xC0)
    content[frame + 5 : frame + 9] = b"\xff\xff\xff\xff"
    assert read_dc_luma(bytes(content)) is None


@pytest.mark.parametrize("content", [b"", b"\xff\xd8", b"\xff\xd8\xff\xda\x00\x02", b"\xff" * 99])
def test_fragments_are_left_to_libjpeg(content: bytes) -> None:
    assert read_dc_luma(content) is None


BASE = _jpeg(photo_like(8, width=72, height=56), quality=85, restart_marker_blocks=5)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(2, len(BASE) - 1), st.integers(0, 255)), min_size=1, max_size=12
    ),
    st.integers(0, 200),
)
def test_a_damaged_file_is_read_as_libjpeg_reads_it_or_left_to_it(
    changes: list[tuple[int, int]], cut: int
) -> None:
    damaged = bytearray(BASE)
    for place, value in changes:
        damaged[place] = value
    content = bytes(damaged[: len(damaged) - cut])
    found = read_dc_luma(content)
    if found is not None:
        try:
            expected = _libjpeg(content)
        except ValueError:
            return  # libjpeg reads no header that says more than its pixels need
        assert np.array_equal(found, expected)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_any_entropy_coded_data_ends_in_a_picture_or_nothing(data: bytes) -> None:
    start = _segment(BASE, 0xDA) + 14
    found = read_dc_luma(BASE[:start] + data)
    assert found is None or found.shape == (7, 9)


@pytest.mark.shared
def test_files_of_many_programs_are_read_as_libjpeg_reads_them(shared: Path) -> None:
    read = 0
    for path in sorted(shared.rglob("*.jpg")):
        content = path.read_bytes()
        found = read_dc_luma(content)
        if found is not None:
            read += 1
            assert np.array_equal(found, _libjpeg(content)), path
    assert read > 200
