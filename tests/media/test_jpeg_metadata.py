"""JPEG: what stands in its segments."""

import struct

import pytest

from lightkeeper.errors import CorruptMedia
from lightkeeper.media import Limits, open_media
from lightkeeper.testing import synthetic_like
from lightkeeper.testing._containers import (
    encoded_bytes,
    jpeg_bytes,
    jpeg_comment,
    jpeg_exif,
    jpeg_iptc,
    jpeg_segment,
    jpeg_xmp,
    tiff_block,
    user_comment,
    xmp_packet,
)

PIXELS = synthetic_like(2, width=40, height=24)
DC = "http://purl.org/dc/elements/1.1/"
GUID = b"0123456789ABCDEF0123456789ABCDEF"


def _codes(media):
    return [problem.code for problem in media.problems]


def _extended(offset: int, total: int, data: bytes, guid: bytes = GUID) -> bytes:
    head = b"http://ns.adobe.com/xmp/extension/\0" + guid + struct.pack(">II", total, offset)
    return jpeg_segment(0xE1, head + data)


def test_exif_comment_xmp_and_iptc_are_read_from_one_file():
    block = tiff_block(ifd0={0x0131: "Painter"}, exif={0x9286: user_comment("bicycle é")})
    media = open_media(
        jpeg_bytes(
            PIXELS,
            jpeg_exif(block),
            jpeg_xmp(xmp_packet({"dc:source": "sketch"}, namespaces={"dc": DC})),
            jpeg_iptc([(1, 90, b"\x1b%G"), (2, 120, "brücke".encode()), (2, 80, b"Ann")]),
            jpeg_comment("umbrella"),
        )
    )
    found = media.embedded()
    assert found.exif_text("exif", 0x9286) == "bicycle é"
    assert found.exif_block == block
    assert found.xmp_value(DC, "source") == "sketch"
    assert [(t.carrier, t.text) for t in found.texts] == [
        ("jpeg:COM", "umbrella"),
        ("iptc:2:120", "brücke"),
        ("iptc:2:80", "Ann"),
    ]
    assert (media.header.width, media.header.height) == (40, 24)
    assert media.problems == ()


def test_exif_that_spans_segments_is_joined():
    block = tiff_block(exif={0x9286: user_comment("long " * 20_000)})
    parts = [block[i : i + 60_000] for i in range(0, len(block), 60_000)]
    found = open_media(jpeg_bytes(PIXELS, *map(jpeg_exif, parts))).embedded()
    assert found.exif_block == block
    assert found.exif_text("exif", 0x9286) == "long " * 20_000


def test_two_whole_exif_blocks_are_both_read():
    first, second = tiff_block(ifd0={0x0131: "One"}), tiff_block(ifd0={0x013B: "Two"}, order="II")
    found = open_media(jpeg_bytes(PIXELS, jpeg_exif(first), jpeg_exif(second))).embedded()
    assert (found.exif_text("ifd0", 0x0131), found.exif_text("ifd0", 0x013B)) == ("One", "Two")


def test_extended_xmp_is_reassembled_in_any_order():
    packet = xmp_packet({"dc:source": "s" * 500}, namespaces={"dc": DC})
    cut = len(packet) // 2
    second, first = (
        _extended(cut, len(packet), packet[cut:]),
        _extended(0, len(packet), packet[:cut]),
    )
    found = open_media(jpeg_bytes(PIXELS, second, first)).embedded()
    assert found.xmp_packets == (packet,)
    assert found.xmp_value(DC, "source") == "s" * 500


def test_extended_xmp_with_a_gap_is_a_problem():
    media = open_media(jpeg_bytes(PIXELS, _extended(0, 90, b"<a>"), _extended(50, 90, b"</a>")))
    assert media.embedded().xmp == ()
    assert _codes(media) == ["truncated"]


def test_extended_xmp_that_claims_too_much_is_refused():
    media = open_media(jpeg_bytes(PIXELS, _extended(0, 0xFFFFFFFF, b"<a>")))
    assert _codes(media) == ["text-too-long"]


def test_a_manifest_store_in_app11_is_seen():
    store = b"JP\0\1\0\0\0\1" + struct.pack(">I4sI4s", 60, b"jumb", 40, b"jumd") + b"c2pa"
    assert open_media(jpeg_bytes(PIXELS, jpeg_segment(0xEB, store))).embedded().has_c2pa
    assert (
        not open_media(jpeg_bytes(PIXELS, jpeg_segment(0xEB, b"JP" + bytes(60))))
        .embedded()
        .has_c2pa
    )


def test_bytes_after_the_end_are_counted():
    media = open_media(jpeg_bytes(PIXELS) + b"tail")
    assert media.embedded().trailing_bytes == 4
    assert _codes(media) == ["trailing-data"]


def test_an_end_marker_inside_a_comment_ends_nothing():
    media = open_media(jpeg_bytes(PIXELS, jpeg_comment(b"a\xff\xd9b")))
    assert media.embedded().trailing_bytes == 0


def test_a_progressive_file_is_walked_to_its_end():
    media = open_media(encoded_bytes(PIXELS, "JPEG", progressive=True) + b"tail")
    assert media.embedded().trailing_bytes == 4


def test_a_segment_longer_than_the_file_gives_what_is_there():
    jpeg = jpeg_bytes(PIXELS)
    media = open_media(jpeg[:-2] + b"\xff\xfe\x40\x00umbrella")
    assert media.embedded().texts[0].text == "umbrella"
    assert "truncated" in _codes(media)


def test_segments_beyond_the_limit_are_ignored_and_said_so():
    jpeg = jpeg_bytes(PIXELS)
    media = open_media(jpeg[:-2] + jpeg_comment("x") * 60, limits=Limits(max_chunks=40))
    assert len(media.embedded().texts) < 40
    assert _codes(media) == ["too-many-chunks"]


@pytest.mark.parametrize(
    "content", [b"\xff\xd8\xff\xd9", b"\xff\xd8\xff\xe1\xff\xff", b"\xff\xd8\xff"]
)
def test_a_jpeg_without_a_frame_is_corrupt(content):
    with pytest.raises(CorruptMedia, match="frame header"):
        open_media(content)
