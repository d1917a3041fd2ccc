"""What ``lightkeeper.testing`` writes is what other readers see."""

import io

import pytest
from PIL import Image

from lightkeeper.testing import synthetic_like
from lightkeeper.testing._containers import (
    gif_bytes,
    jpeg_bytes,
    jpeg_comment,
    jpeg_exif,
    jpeg_xmp,
    png_bytes,
    png_chunk,
    png_text,
    tiff_block,
    user_comment,
    webp_bytes,
    xmp_packet,
)

PIXELS = synthetic_like(6, width=21, height=13)
PACKET = xmp_packet({"dc:source": "kite"}, namespaces={"dc": "http://purl.org/dc/elements/1.1/"})


def _pillow(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


@pytest.mark.parametrize("order", ["II", "MM"])
def test_exif_is_seen_by_pillow_in_each_container(order):
    comment = user_comment("bicycle é")
    block = tiff_block(
        ifd0={0x0131: "Painter", 0x011A: 72.5, 0x0112: 6},
        exif={0x9286: comment, 0xA002: 70_000},
        gps={1: "N"},
        order=order,
    )
    for content in (
        jpeg_bytes(PIXELS, jpeg_exif(block)),
        png_bytes(PIXELS, png_chunk("eXIf", block)),
        webp_bytes(PIXELS, exif=block),
    ):
        exif = _pillow(content).getexif()
        assert (exif[0x0131], exif[0x011A], exif[0x0112]) == ("Painter", 72.5, 6)
        assert exif.get_ifd(0x8769) == {0x9286: comment, 0xA002: 70_000}
        assert exif.get_ifd(0x8825) == {1: "N"}


def test_texts_comments_and_packets_are_seen_by_pillow():
    png = _pillow(
        png_bytes(
            PIXELS,
            png_text("a", "é"),
            png_text("b", "自", kind="iTXt-compressed"),
            late=[png_text("c", "kite", kind="zTXt")],
        )
    )
    assert png.text == {"a": "é", "b": "自", "c": "kite"}
    jpeg = _pillow(jpeg_bytes(PIXELS, jpeg_comment("kite"), jpeg_xmp(PACKET)))
    assert (jpeg.info["comment"], jpeg.info["xmp"]) == (b"kite", PACKET)
    assert _pillow(webp_bytes(PIXELS, xmp=PACKET)).info["xmp"] == PACKET
    gif = _pillow(gif_bytes(PIXELS, comment=b"kite" * 100, frames=3))
    assert gif.n_frames == 3
    assert gif.info["comment"] == b"kite" * 100
