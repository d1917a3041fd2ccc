"""Files that are within the limits of size and still tried to cost time or memory."""

from __future__ import annotations

import re
import struct
import time
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lightkeeper.errors import CorruptMedia
from lightkeeper.evidence.metadata import read_parameters
from lightkeeper.media import open_media
from lightkeeper.media._jpeg_dc import read_dc_luma
from lightkeeper.testing._containers import (
    encoded_bytes,
    jpeg_segment,
    png_bytes,
    png_chunk,
    png_text,
    tiff_block,
    webp_bytes,
    with_jpeg_segments,
    xmp_packet,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_PIXELS = np.zeros((16, 16, 3), np.uint8)
_MIB = 1 << 20
_SECONDS = 3.0
"""Far above what each takes, far below what each took."""


def _xmp(body: str, namespace: str = "http://purl.org/dc/elements/1.1/") -> bytes:
    return webp_bytes(_PIXELS, xmp=xmp_packet({}, namespaces={"q": namespace}, body=body))


def _long_namespace_of_elements() -> bytes:
    return _xmp("<q:a>x</q:a>" * 5_000, "u" * 2 * _MIB)


def _long_namespace_of_attributes() -> bytes:
    return _xmp("<q:a " + " ".join(f'q:p{i}="x"' for i in range(5_000)) + "/>", "u" * 2 * _MIB)


def _long_name() -> bytes:
    name = "a" * 2 * _MIB
    return _xmp(f"<q:{name}>" + "<q:b>x</q:b>" * 5_000 + f"</q:{name}>")


def _deep_long_names() -> bytes:
    return _xmp("".join(f"<q:{'a' * 900}{i}>" for i in range(58)) + "<q:b>x</q:b>" * 5_000)


def _numbers_upon_numbers() -> bytes:
    entries = 5_000
    shared = 10 + 12 * entries + 4
    table = b"".join(struct.pack("<HHII", 256 + i, 3, 4_096, shared) for i in range(entries))
    exif = b"II*\0\x08\0\0\0" + struct.pack("<H", entries) + table + b"\0" * 4 + b"\7\3" * 4_096
    return webp_bytes(_PIXELS, exif=exif)


def _texts_in_many_blocks() -> bytes:
    block = tiff_block(ifd0={0x010E: "é" * 2 * _MIB, 0x013B: "é" * 2 * _MIB})
    return png_bytes(_PIXELS, *[png_chunk("eXIf", block)] * 8)


def _extents_without_length() -> bytes:
    def box(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I4s", 8 + len(body), kind) + body

    extents = 9_000
    infe = box(b"infe", b"\2\0\0\0\0\1\0\0Exif\0")
    places = struct.pack(">II", 1, 0) * extents
    meta = b"".join(
        (
            box(b"pitm", b"\0\0\0\0\0\1"),
            box(b"iinf", b"\0\0\0\0\0\1" + infe),
            box(b"iloc", b"\0\0\0\0\x44\0\0\1" + struct.pack(">HHH", 1, 0, extents) + places),
            box(
                b"iprp",
                box(b"ipco", box(b"ispe", b"\0\0\0\0" + struct.pack(">II", 16, 16)))
                + box(b"ipma", b"\0\0\0\0\0\0\0\1\0\1\1\1"),
            ),
        )
    )
    head = box(b"ftyp", b"avif\0\0\0\0avifmif1") + box(b"meta", b"\0\0\0\0" + meta)
    return head + box(b"mdat", bytes(8 * _MIB))


def _resources_upon_resources() -> bytes:
    resource = b"8BIM\0\1\0\0\0\0\0\0" * 5_000
    segment = jpeg_segment(0xED, b"Photoshop 3.0\0" + resource)
    return with_jpeg_segments(encoded_bytes(_PIXELS, "JPEG"), *[segment] * 600)


def _palettes_upon_palettes() -> bytes:
    return png_bytes(_PIXELS, *[png_chunk("PLTE", bytes(3))] * 800_000)


@pytest.mark.parametrize(
    ("make", "most"),
    [
        (_long_namespace_of_elements, 40 * _MIB),
        (_long_namespace_of_attributes, 40 * _MIB),
        (_long_name, 40 * _MIB),
        (_deep_long_names, 40 * _MIB),
        (_numbers_upon_numbers, 60 * _MIB),
        (_texts_in_many_blocks, 190 * _MIB),
        (_extents_without_length, 120 * _MIB),
    ],
)
def test_memory_for_metadata_stays_bounded_whatever_repeats(
    make: Callable[[], bytes], most: int
) -> None:
    content = make()
    tracemalloc.start()
    try:
        media = open_media(content)
        media.embedded()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < most
    assert media.problems


@pytest.mark.parametrize(
    "make",
    [
        _long_namespace_of_elements,
        _long_namespace_of_attributes,
        _extents_without_length,
        _resources_upon_resources,
        _palettes_upon_palettes,
    ],
)
def test_time_for_metadata_stays_bounded_whatever_repeats(make: Callable[[], bytes]) -> None:
    content = make()
    started = time.process_time()
    open_media(content).embedded()
    assert time.process_time() - started < _SECONDS


def test_a_picture_in_too_many_chunks_is_called_truncated() -> None:
    codes = {problem.code for problem in open_media(_palettes_upon_palettes()).problems}
    assert "truncated" in codes


def test_thousands_of_huffman_tables_are_left_to_libjpeg() -> None:
    tables = jpeg_segment(0xC4, bytes(17) * 3_800)
    content = with_jpeg_segments(encoded_bytes(_PIXELS, "JPEG"), *[tables] * 300)
    started = time.process_time()
    assert read_dc_luma(content) is None
    assert time.process_time() - started < 0.5
    assert read_dc_luma(encoded_bytes(_PIXELS, "JPEG")) is not None


def test_a_frame_behind_a_marker_without_a_segment_is_not_taken_for_the_frame() -> None:
    honest = encoded_bytes(_PIXELS, "JPEG")
    # libjpeg knows that a restart marker has no length, and reads on behind it.
    assert read_dc_luma(honest[:2] + jpeg_segment(0xD0, b"\0" * 8) + honest[2:]) is None


def test_a_picture_without_all_its_quantisation_tables_is_left_to_libjpeg() -> None:
    honest = encoded_bytes(_PIXELS, "JPEG")
    frame = honest.index(b"\xff\xc0")
    chroma = frame + 4 + 6 + 3 + 2
    assert read_dc_luma(honest[:chroma] + b"\3" + honest[chroma + 1 :]) is None


@pytest.mark.parametrize("value", [struct.pack(">II", 0, 0), struct.pack(">II", 1, 0)])
def test_a_tiff_whose_width_is_no_number_is_refused(value: bytes) -> None:
    content = tiff_block(ifd0={0x0100: (5, value), 0x0101: 4})
    with pytest.raises(CorruptMedia):
        open_media(content)


@pytest.mark.parametrize("filler", ["<", "<lora:", "<a", "<lora:a:1>", "<lora:a>b", ">"])
def test_prompts_of_tags_alone_are_read_in_linear_time(filler: str) -> None:
    prompt = filler * (2 * _MIB // len(filler))
    text = f"{prompt}\nSteps: 20, Sampler: Euler, Seed: 1, Size: 16x16"
    media = open_media(png_bytes(_PIXELS, png_text("parameters", text, kind="zTXt")))
    started = time.process_time()
    (record,) = read_parameters(media)
    assert time.process_time() - started < 1.5
    assert {lora.name for lora in record.loras} <= {"a"}
    assert bool(record.loras) == bool(re.search(r"<lora:a(:1)?>", prompt))
