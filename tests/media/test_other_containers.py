"""WebP, GIF, BMP, TIFF, AVIF and HEIC: size, frames and metadata."""

import struct

import numpy as np
import pytest

from lightkeeper.errors import CorruptMedia
from lightkeeper.media import Limits, MediaFormat, open_media
from lightkeeper.testing import synthetic_like
from lightkeeper.testing._containers import (
    encoded_bytes,
    gif_bytes,
    riff_chunk,
    tiff_block,
    user_comment,
    webp_bytes,
    xmp_packet,
)

PIXELS = synthetic_like(3, width=40, height=24)
RGBA = np.dstack([PIXELS, PIXELS[:, :, 0]])
DC = "http://purl.org/dc/elements/1.1/"
BLOCK = tiff_block(ifd0={0x0110: "prompt:{}"}, exif={0x9286: user_comment("kite")}, order="II")
PACKET = xmp_packet({"dc:source": "sketch"}, namespaces={"dc": DC})


def _codes(media):
    return [problem.code for problem in media.problems]


@pytest.mark.parametrize("head", [b"", b"Exif\0\0"])
def test_webp_exif_and_xmp_are_read(head):
    media = open_media(webp_bytes(PIXELS, exif=head + BLOCK, xmp=PACKET))
    found = media.embedded()
    assert found.exif_text("ifd0", 0x0110) == "prompt:{}"
    assert found.exif_text("exif", 0x9286) == "kite"
    assert found.xmp_value(DC, "source") == "sketch"
    assert (media.header.width, media.header.height, media.header.has_alpha) == (40, 24, False)


@pytest.mark.parametrize(
    ("pixels", "lossless", "alpha"),
    [(PIXELS, False, False), (PIXELS, True, False), (RGBA, True, True), (RGBA, False, True)],
)
def test_webp_bitstreams_state_size_and_alpha(pixels, lossless, alpha):
    header = open_media(webp_bytes(pixels, lossless=lossless)).header
    assert (header.width, header.height) == (40, 24)
    assert (header.lossless, header.has_alpha) == (lossless, alpha)


def test_webp_chunk_with_a_lying_length_gives_what_is_there():
    webp = webp_bytes(PIXELS, exif=BLOCK)
    at = webp.index(b"EXIF") + 4
    media = open_media(webp[:at] + struct.pack("<I", 0xFFFFFFF0) + webp[at + 4 :])
    assert media.embedded().exif_text("exif", 0x9286) == "kite"
    assert _codes(media) == ["truncated"]


def test_webp_manifest_store_is_seen():
    store = struct.pack(">I4sI4s", 60, b"jumb", 40, b"jumd") + b"c2pa" + bytes(40)
    assert open_media(webp_bytes(PIXELS, riff_chunk(b"C2PA", store))).embedded().has_c2pa


def test_webp_without_a_picture_is_corrupt():
    with pytest.raises(CorruptMedia, match="WebP"):
        open_media(b"RIFF\x10\0\0\0WEBPEXIF\xff\xff\xff\x7f")


def test_gif_comment_and_frames_are_read():
    media = open_media(gif_bytes(PIXELS, comment="umbrella é ".encode() * 60, frames=3))
    (block,) = media.embedded().texts
    assert block.carrier == "gif:comment"
    assert block.text == "umbrella é " * 60
    assert media.header.frames == 3


def test_gif_xmp_extension_is_read():
    trailer = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    extension = b"\x21\xff\x0bXMP DataXMP" + PACKET + trailer
    gif = gif_bytes(PIXELS)
    media = open_media(gif[:-1] + extension + gif[-1:])
    assert media.embedded().xmp_packets == (PACKET,)
    assert media.problems == ()


def test_gif_that_ends_inside_a_block_is_truncated():
    media = open_media(gif_bytes(PIXELS)[:-20])
    assert _codes(media) == ["truncated"]


def test_gif_with_endless_tiny_blocks_stops_at_the_limit():
    media = open_media(
        gif_bytes(PIXELS)[:-1] + b"\x21\xfe" + b"\x01a" * 10_000, limits=Limits(max_chunks=20)
    )
    assert "truncated" in _codes(media)


@pytest.mark.parametrize("height", [24, -24])
def test_bmp_size_is_read_in_both_row_orders(height):
    bmp = bytearray(encoded_bytes(PIXELS, "BMP"))
    bmp[22:26] = struct.pack("<i", height)
    header = open_media(bytes(bmp)).header
    assert (header.width, header.height, header.lossless) == (40, 24, True)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "jpeg"])
def test_tiff_size_and_fields_are_read(compression):
    tiff = encoded_bytes(PIXELS, "TIFF", compression=compression, description="umbrella")
    media = open_media(tiff)
    assert (media.header.width, media.header.height) == (40, 24)
    assert media.header.lossless == (compression != "jpeg")
    assert media.embedded().exif_text("ifd0", 0x010E) == "umbrella"


def test_tiff_xmp_is_read():
    block = tiff_block(ifd0={0x0100: 8, 0x0101: 4, 0x02BC: (1, PACKET)})
    found = open_media(block).embedded()
    assert found.xmp_value(DC, "source") == "sketch"


def test_tiff_without_a_size_is_corrupt():
    with pytest.raises(CorruptMedia, match="TIFF"):
        open_media(tiff_block(ifd0={0x010E: "umbrella"}))


def test_avif_items_are_read():
    avif = encoded_bytes(PIXELS, "AVIF", exif=b"Exif\0\0" + BLOCK, xmp=PACKET)
    media = open_media(avif)
    assert (media.header.width, media.header.height) == (40, 24)
    assert media.embedded().exif_text("exif", 0x9286) == "kite"
    assert media.embedded().xmp_value(DC, "source") == "sketch"
    assert media.problems == ()


def test_avif_alpha_is_seen():
    assert open_media(encoded_bytes(RGBA, "AVIF")).header.has_alpha


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind) + body


def _heic(*properties: bytes, meta: bytes = b"", more: bytes = b"") -> bytes:
    """The boxes of a HEIC without coded pixels."""
    ispe = _box(b"ispe", struct.pack(">III", 0, 640, 480))
    count = len(properties) + 1
    ipma = struct.pack(">IIHB", 0, 1, 1, count) + bytes(range(1, count + 1))
    iprp = _box(b"iprp", _box(b"ipco", ispe + b"".join(properties)) + _box(b"ipma", ipma))
    pitm = _box(b"pitm", struct.pack(">IH", 0, 1))
    return (
        _box(b"ftyp", b"heic\0\0\0\0mif1heic") + _box(b"meta", bytes(4) + pitm + iprp + meta) + more
    )


def test_heic_header_is_of_the_raster_that_its_decoder_gives():
    # libheif applies the rotation itself: what it hands out is upright.
    header = open_media(_heic(_box(b"irot", b"\1"))).header
    assert (header.width, header.height, header.orientation) == (480, 640, 1)


def test_heic_exif_inside_the_meta_box_is_read():
    item = struct.pack(">I", 6) + b"Exif\0\0" + BLOCK
    infe = _box(b"infe", struct.pack(">IHH4s", 2 << 24, 2, 0, b"Exif"))
    iinf = _box(b"iinf", struct.pack(">IH", 0, 1) + infe)
    iloc = _box(b"iloc", struct.pack(">IBBHHHHHII", 1 << 24, 0x44, 0, 1, 2, 1, 0, 1, 0, len(item)))
    media = open_media(_heic(meta=iinf + iloc + _box(b"idat", item)))
    assert media.embedded().exif_text("exif", 0x9286) == "kite"


def test_heic_manifest_box_is_seen():
    uuid = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
    assert open_media(_heic(more=_box(b"uuid", uuid + bytes(8)))).embedded().has_c2pa


def test_heic_box_that_claims_too_much_is_cut():
    media = open_media(_heic(more=struct.pack(">I4s", 0x7FFFFFFF, b"mdat")))
    assert _codes(media) == ["truncated"]
    with pytest.raises(CorruptMedia):
        media.raster()


def test_a_video_is_not_taken_for_a_picture():
    from lightkeeper.errors import UnsupportedMedia

    with pytest.raises(UnsupportedMedia, match="video"):
        open_media(_box(b"ftyp", b"isom\0\0\0\0mp42") + bytes(100))


@pytest.mark.parametrize(
    ("file_format", "expected"),
    [("JPEG", MediaFormat.JPEG), ("PNG", MediaFormat.PNG), ("WEBP", MediaFormat.WEBP),
     ("GIF", MediaFormat.GIF), ("BMP", MediaFormat.BMP), ("TIFF", MediaFormat.TIFF),
     ("AVIF", MediaFormat.AVIF)],
)  # fmt: skip
def test_formats_are_told_by_content(file_format, expected):
    assert open_media(encoded_bytes(PIXELS, file_format), name="x.bin").format is expected
