"""PNG: what stands in its chunks, however they are written."""

import binascii
import struct
import zlib

import numpy as np
import pytest

from lightkeeper.errors import CorruptMedia
from lightkeeper.media import Limits, open_media
from lightkeeper.testing import synthetic_like
from lightkeeper.testing._containers import (
    png_bytes,
    png_chunk,
    png_text,
    tiff_block,
    with_png_chunks,
    xmp_packet,
)

PIXELS = synthetic_like(1, width=24, height=16)
DC = "http://purl.org/dc/elements/1.1/"


def _codes(media):
    return [problem.code for problem in media.problems]


@pytest.mark.parametrize("kind", ["tEXt", "zTXt", "iTXt", "iTXt-compressed"])
def test_each_kind_of_text_chunk_is_read(kind):
    found = open_media(png_bytes(PIXELS, png_text("Title", "lighthouse at dusk", kind=kind)))
    (block,) = found.embedded().texts
    assert (block.carrier, block.keyword) == (f"png:{kind[:4]}", "Title")
    assert block.text == "lighthouse at dusk"
    assert found.problems == ()


def test_raw_utf8_in_a_latin1_chunk_is_read_as_utf8():
    raw = "bicycle · vélo · 自転車".encode()
    (block,) = open_media(png_bytes(PIXELS, png_text("parameters", raw))).embedded().texts
    assert (block.text, block.encoding) == ("bicycle · vélo · 自転車", "utf-8")


def test_latin1_in_a_latin1_chunk_stays_latin1():
    (block,) = open_media(png_bytes(PIXELS, png_text("Title", "café"))).embedded().texts
    assert (block.text, block.encoding) == ("café", "latin-1")


def test_a_text_with_zeros_keeps_them():
    (block,) = open_media(png_bytes(PIXELS, png_text("data", b"{}\0 "))).embedded().texts
    assert block.text == "{}\0 "


def test_chunks_after_the_pixels_are_read():
    media = open_media(png_bytes(PIXELS, late=[png_text("late", "umbrella")]))
    assert media.embedded().text("late") == "umbrella"


def test_the_private_chunk_of_comfyui_animations_is_read():
    chunk = png_chunk("comf", b'prompt\0{"a": "\xc3\xa9"}')
    (block,) = open_media(png_bytes(PIXELS, late=[chunk])).embedded().texts
    assert (block.carrier, block.keyword, block.text) == ("png:comf", "prompt", '{"a": "é"}')


@pytest.mark.parametrize("head", [b"", b"Exif\0\0"])
def test_exif_is_read_with_and_without_the_jpeg_signature(head):
    block = tiff_block(ifd0={0x0131: "Painter 1.0", 0x0112: 6})
    media = open_media(png_bytes(PIXELS, png_chunk("eXIf", head + block)))
    assert media.embedded().exif_text("ifd0", 0x0131) == "Painter 1.0"
    assert media.embedded().exif_block == block
    assert media.header.orientation == 6


@pytest.mark.parametrize("kind", ["iTXt", "iTXt-compressed"])
def test_an_xmp_chunk_becomes_properties_and_no_text(kind):
    packet = xmp_packet({"dc:source": "sketch"}, namespaces={"dc": DC})
    chunk = png_text("XML:com.adobe.xmp", packet, kind=kind)
    found = open_media(png_bytes(PIXELS, chunk)).embedded()
    assert found.xmp_value(DC, "source") == "sketch"
    assert found.texts == ()
    assert found.xmp_packets == (packet,)


def _raw_profile(name: str, profile: bytes) -> bytes:
    digits = binascii.hexlify(profile).decode()
    lines = "\n".join(digits[i : i + 72] for i in range(0, len(digits), 72))
    text = f"\n{name}\n{len(profile):8d}\n{lines}\n"
    return png_text(f"Raw profile type {name}", text, kind="zTXt")


def test_hexadecimal_profiles_become_exif_xmp_and_iptc():
    packet = xmp_packet({"dc:source": "sketch"}, namespaces={"dc": DC})
    iptc = b"\x1c\x02\x50\x00\x03Ann"
    found = open_media(
        png_bytes(
            PIXELS,
            _raw_profile("exif", b"Exif\0\0" + tiff_block(ifd0={0x0131: "Painter"})),
            _raw_profile("xmp", packet),
            _raw_profile("iptc", b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc),
        )
    ).embedded()
    assert found.exif_text("ifd0", 0x0131) == "Painter"
    assert found.xmp_value(DC, "source") == "sketch"
    assert [(t.carrier, t.text) for t in found.texts] == [("iptc:2:80", "Ann")]
    assert found.iptc_block == iptc


def test_a_profile_that_is_not_hexadecimal_stays_a_text_beside_a_problem():
    media = open_media(png_bytes(PIXELS, png_text("Raw profile type exif", "\nexif\n 4\nzzzz\n")))
    assert media.embedded().text("Raw profile type exif") == "\nexif\n 4\nzzzz\n"
    assert _codes(media) == ["damaged"]


def test_a_manifest_store_is_seen_and_another_box_is_not():
    store = struct.pack(">I4sI4s", 60, b"jumb", 40, b"jumd") + b"c2pa" + bytes(12) + b"\x03c2pa\0"
    assert open_media(png_bytes(PIXELS, png_chunk("caBX", store))).embedded().has_c2pa
    other = store.replace(b"c2pa", b"json")
    assert not open_media(png_bytes(PIXELS, png_chunk("caBX", other))).embedded().has_c2pa


def test_a_wrong_checksum_is_noted_and_the_text_still_read():
    chunk = png_text("Title", "kite")
    media = open_media(png_bytes(PIXELS, chunk[:-4] + bytes(4)))
    assert media.embedded().text("Title") == "kite"
    assert _codes(media) == ["bad-checksum"]


def test_trailing_data_is_counted():
    media = open_media(png_bytes(PIXELS) + b"PK\3\4 and more")
    assert media.embedded().trailing_bytes == 13
    assert _codes(media) == ["trailing-data"]


def test_a_chunk_that_claims_more_than_the_file_is_cut_there():
    png = png_bytes(PIXELS, late=[png_text("Title", "kite")])
    at = png.index(b"tEXt") - 4
    lying = png[:at] + struct.pack(">I", 0x7FFFFFFF) + png[at + 4 :]
    media = open_media(lying)
    assert media.embedded().text("Title").startswith("kite")
    assert "truncated" in _codes(media)
    assert media.raster().rgb.shape == (16, 24, 3)


def test_a_compression_bomb_stops_at_the_limit():
    bomb = png_text("parameters", zlib.compress(bytes(50_000_000), 9), kind="tEXt")
    bomb = png_chunk("zTXt", b"parameters\0\0" + zlib.compress(bytes(50_000_000), 9))
    media = open_media(png_bytes(PIXELS, bomb), limits=Limits(max_text=100_000))
    assert media.embedded().texts == ()
    assert [(p.code, p.where) for p in media.problems] == [("text-too-long", "png:zTXt:parameters")]


def test_many_small_bombs_share_one_budget():
    bomb = png_chunk("zTXt", b"a\0\0" + zlib.compress(bytes(90_000), 9))
    limits = Limits(max_text=80_000, max_text_total=200_000)
    media = open_media(png_bytes(PIXELS, *[bomb] * 50, png_text("b", "kite")), limits=limits)
    assert media.embedded().texts == ()
    assert {p.where for p in media.problems} == {"png:zTXt:a", "texts"}


def test_a_damaged_stream_gives_the_text_before_the_damage():
    packed = bytearray(zlib.compress(b"lighthouse at dusk; " * 200, 0))
    packed[-2] ^= 0xFF
    media = open_media(png_bytes(PIXELS, png_chunk("zTXt", b"a\0\0" + bytes(packed))))
    assert media.embedded().text("a").startswith("lighthouse at dusk")
    assert _codes(media) == ["damaged"]


def test_chunks_beyond_the_limit_are_ignored_and_said_so():
    chunks = [png_text(f"k{n}", "x") for n in range(30)]
    media = open_media(png_bytes(PIXELS, *chunks), limits=Limits(max_chunks=10))
    assert len(media.embedded().texts) == 10
    assert _codes(media) == ["too-many-chunks"]
    assert media.raster().rgb.shape == (16, 24, 3)


def test_pixels_are_decoded_without_the_ancillary_chunks():
    # Pillow inflates iCCP and text chunks while it opens a file; it must never see them.
    broken = png_chunk("iCCP", b"p\0\0" + zlib.compress(bytes(10_000_000), 9))
    plain, laden = png_bytes(PIXELS), with_png_chunks(png_bytes(PIXELS), broken)
    np.testing.assert_array_equal(open_media(laden).raster().rgb, open_media(plain).raster().rgb)


@pytest.mark.parametrize("size", [8, 20, 32])
def test_a_png_without_its_header_is_corrupt(size):
    with pytest.raises(CorruptMedia, match="IHDR"):
        open_media(png_bytes(PIXELS)[:size])
