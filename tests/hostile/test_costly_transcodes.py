"""Metadata that would grow on its way into another container."""

from __future__ import annotations

import struct
import time

import numpy as np
import pytest

from lightkeeper.media import MediaFormat, open_media
from lightkeeper.preservation import transcode
from lightkeeper.testing._containers import webp_bytes

_PIXELS = np.zeros((16, 16, 3), np.uint8)


def _fields(count: int, size: int, *, overlapping: bool) -> bytes:
    start = 10 + 12 * count + 4
    step = 0 if overlapping else size
    table = b"".join(
        struct.pack("<HHII", 0x9300 + n, 7, size, start + n * step) for n in range(count)
    )
    values = b"A" * (size if overlapping else size * count)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", count) + table + b"\0" * 4 + values


@pytest.mark.parametrize("target", [MediaFormat.JPEG, MediaFormat.WEBP, MediaFormat.PNG])
def test_fields_that_share_their_bytes_do_not_multiply_them(target: MediaFormat) -> None:
    content = webp_bytes(_PIXELS, exif=_fields(200, 1 << 20, overlapping=True))
    started = time.process_time()
    done = transcode(open_media(content), target)
    assert time.process_time() - started < 2
    assert len(done.content) < 2 * len(content)
    assert "EXIF damaged" in {item.what for item in done.dropped}


def test_many_long_fields_are_fitted_into_a_segment_in_linear_time() -> None:
    content = webp_bytes(_PIXELS, exif=_fields(500, 50_000, overlapping=False))
    started = time.process_time()
    done = transcode(open_media(content), MediaFormat.JPEG)
    assert time.process_time() - started < 2
    kept = open_media(done.content).embedded().exif
    assert [len(field.value) for field in kept if isinstance(field.value, bytes)] == [50_000]
