"""Whatever the bytes are, only a MediaError leaves this room."""

import contextlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lightkeeper.errors import MediaError
from lightkeeper.media import Limits, open_media
from lightkeeper.testing import synthetic_like
from lightkeeper.testing._containers import (
    encoded_bytes,
    gif_bytes,
    jpeg_bytes,
    jpeg_comment,
    jpeg_exif,
    jpeg_iptc,
    jpeg_xmp,
    png_bytes,
    png_chunk,
    png_text,
    tiff_block,
    user_comment,
    webp_bytes,
    xmp_packet,
)

PIXELS = synthetic_like(8, width=24, height=16)
BLOCK = tiff_block(ifd0={0x0131: "Painter", 0x0112: 6}, exif={0x9286: user_comment("kite")})
PACKET = xmp_packet({"dc:source": "kite"}, namespaces={"dc": "http://purl.org/dc/elements/1.1/"})
SEEDS = {
    "png": png_bytes(
        PIXELS,
        png_text("a", "kite", kind="zTXt"),
        png_text("b", "kite", kind="iTXt-compressed"),
        png_chunk("eXIf", BLOCK),
        late=[png_chunk("comf", b"prompt\0{}")],
    ),
    "jpeg": jpeg_bytes(
        PIXELS,
        jpeg_exif(BLOCK),
        jpeg_xmp(PACKET),
        jpeg_iptc([(2, 80, b"Ann")]),
        jpeg_comment("kite"),
    ),
    "jpeg-progressive": encoded_bytes(PIXELS, "JPEG", progressive=True),
    "webp": webp_bytes(PIXELS, exif=BLOCK, xmp=PACKET),
    "webp-lossless": webp_bytes(np.dstack([PIXELS, PIXELS[:, :, 0]]), lossless=True),
    "gif": gif_bytes(PIXELS, comment=b"kite", frames=3),
    "bmp": encoded_bytes(PIXELS, "BMP"),
    "tiff": encoded_bytes(PIXELS, "TIFF"),
    "avif": encoded_bytes(PIXELS, "AVIF", exif=BLOCK, xmp=PACKET),
}
LIMITS = Limits(max_decode_bytes=20_000_000, max_frames=10)
_BYTES = st.sampled_from([b"\0", b"\xff", b"\x80", b"\xff\xff\xff\xff", bytes(4), b"\x7f\xff"])
_EDITS = st.lists(
    st.tuples(st.integers(0, 1 << 16), st.integers(0, 8), _BYTES | st.binary(max_size=6)),
    max_size=6,
)


def _edited(seed: bytes, edits: list[tuple[int, int, bytes]], keep: float) -> bytes:
    content = bytearray(seed)
    for at, removed, inserted in edits:
        # Headers and metadata stand in front: hit them more often than the pixels.
        at %= min(len(content), 300) if at % 3 else len(content)
        content[at : at + removed] = inserted
        content = content or bytearray(b"\0")
    return bytes(content[: int(len(content) * keep) + 1])


def _read_all(content: bytes) -> None:
    media = open_media(content, limits=LIMITS)
    media.embedded()
    assert media.header.width > 0
    assert media.header.height > 0
    for decode in (media.rgb, media.luma, lambda: media.luma(min_side=8), media.frames):
        with contextlib.suppress(MediaError):
            list(decode()) if decode == media.frames else decode()
    assert all(problem.code and problem.where for problem in media.problems)


@pytest.mark.parametrize("seed", SEEDS)
@settings(max_examples=60, deadline=2000, suppress_health_check=[HealthCheck.too_slow])
@given(edits=_EDITS, keep=st.just(1.0) | st.floats(0, 1))
def test_edited_files_raise_media_errors_only(seed, edits, keep):
    with contextlib.suppress(MediaError):
        _read_all(_edited(SEEDS[seed], edits, keep))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_truncation_is_survived(seed):
    content = SEEDS[seed]
    for size in {*range(0, min(len(content), 120), 3), *range(0, len(content), 61)}:
        with contextlib.suppress(MediaError):
            _read_all(content[:size])


@pytest.mark.parametrize("seed", SEEDS)
def test_the_files_to_edit_are_whole(seed):
    media = open_media(SEEDS[seed])
    _ = media.rgb(), media.embedded()
    assert media.problems == ()


@given(st.binary(max_size=200), st.sampled_from([content[:16] for content in SEEDS.values()]))
def test_any_bytes_behind_a_signature_are_survived(body, head):
    with contextlib.suppress(MediaError):
        _read_all(head + body)
