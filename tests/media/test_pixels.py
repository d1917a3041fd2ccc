"""Decoding: modes, orientation, scaled luminance, damage and refusals."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageOps

from lightkeeper.errors import CorruptMedia, LimitExceeded
from lightkeeper.media import Limits, open_media
from lightkeeper.testing import photo_like
from lightkeeper.testing._containers import (
    encoded_bytes,
    gif_bytes,
    jpeg_bytes,
    jpeg_exif,
    png_bytes,
    png_chunk,
    tiff_block,
    webp_bytes,
)

PIXELS = photo_like(4, width=60, height=44)
FORMATS = ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"]


def _saved(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def _pillow(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


@pytest.mark.parametrize("file_format", FORMATS)
def test_rgb_is_what_pillow_decodes(file_format):
    content = encoded_bytes(PIXELS, file_format)
    raster = open_media(content).raster()
    np.testing.assert_array_equal(raster.rgb, np.asarray(_pillow(content).convert("RGB")))
    assert raster.alpha is None
    assert not raster.rgb.flags.writeable


@pytest.mark.parametrize(
    ("mode", "file_format"),
    [("1", "PNG"), ("L", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("RGBA", "PNG"), ("L", "JPEG"),
     ("CMYK", "JPEG"), ("CMYK", "TIFF"), ("LAB", "TIFF"), ("RGBA", "WEBP"), ("F", "TIFF"),
     ("I", "TIFF"), ("YCbCr", "TIFF"), ("PA", "TIFF"), ("RGBA", "TIFF"), ("RGBA", "AVIF")],
)  # fmt: skip
def test_each_mode_becomes_rgb_as_pillow_converts_it(mode, file_format):
    picture = Image.fromarray(np.dstack([PIXELS, PIXELS[:, :, 1]]))
    if mode == "LAB":
        image = Image.frombytes("LAB", picture.size, PIXELS.tobytes())
    else:
        image = picture.convert("RGB" if mode in ("CMYK", "YCbCr", "P") else "RGBA").convert(
            "L" if mode in ("F", "I") else "P" if mode == "PA" else mode
        )
        image = image.convert(mode)
    content = _saved(image, file_format)
    raster, expected = open_media(content).raster(), _pillow(content)
    np.testing.assert_array_equal(raster.rgb, np.asarray(expected.convert("RGB")))
    if expected.has_transparency_data:
        alpha = np.asarray(expected.convert("RGBA"))[:, :, 3]
        np.testing.assert_array_equal(raster.alpha, alpha)
    else:
        assert raster.alpha is None


def test_sixteen_bit_grey_keeps_its_high_byte():
    # Pillow would clip it: all but the darkest grey would become white.
    grey = (np.arange(60 * 44, dtype=np.uint16) * 24).reshape(44, 60)
    raster = open_media(_saved(Image.fromarray(grey), "PNG")).raster()
    for channel in range(3):
        np.testing.assert_array_equal(raster.rgb[:, :, channel], grey >> 8)


def test_palette_transparency_becomes_alpha():
    image = Image.fromarray(PIXELS).quantize(16)
    raster = open_media(_saved(image, "PNG", transparency=0)).raster()
    np.testing.assert_array_equal(raster.alpha == 0, np.asarray(image) == 0)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_orientation_is_applied_to_rgb_and_luma_and_not_to_the_raster(orientation, file_format):
    block = tiff_block(ifd0={0x0112: orientation})
    if file_format == "TIFF":
        content = encoded_bytes(PIXELS, "TIFF", tiffinfo={0x0112: orientation})
    elif file_format == "JPEG":
        content = jpeg_bytes(PIXELS, jpeg_exif(block))
    elif file_format == "PNG":
        content = png_bytes(PIXELS, png_chunk("eXIf", block))
    else:
        content = webp_bytes(PIXELS, exif=block, lossless=True)
    media = open_media(content)
    assert media.header.orientation == orientation
    assert media.raster().rgb.shape == (44, 60, 3)
    upright = np.asarray(ImageOps.exif_transpose(_pillow(content)).convert("RGB"))
    np.testing.assert_array_equal(media.rgb(), upright)
    assert media.rgb().flags.c_contiguous
    assert media.luma().pixels.shape == upright.shape[:2]
    scaled = media.luma(min_side=20)
    assert (scaled.full_height, scaled.full_width) == upright.shape[:2]
    small = scaled.pixels.shape
    assert small == tuple(-(-side // scaled.scale) for side in upright.shape[:2])


@pytest.mark.parametrize(("turns", "axis"), [(t, a) for t in range(4) for a in (None, 0, 1)])
def test_avif_turns_agree_with_pillow(turns, axis):
    # Pillow writes orientation 3 as a turn, and 5 as a turn and a mirror: change them in place.
    block = tiff_block(ifd0={0x0112: 3 if axis is None else 5})
    avif = bytearray(encoded_bytes(PIXELS, "AVIF", exif=block))
    avif[avif.index(b"irot") + 4] = turns
    if axis is not None:
        avif[avif.index(b"imir") + 4] = axis
    media = open_media(bytes(avif))
    upright = ImageOps.exif_transpose(_pillow(bytes(avif)))
    np.testing.assert_array_equal(media.rgb(), np.asarray(upright))


@pytest.mark.parametrize(
    ("min_side", "scale"), [(1, 8), (25, 8), (26, 4), (50, 4), (51, 2), (101, 1), (5000, 1)]
)
def test_scaled_luma_is_the_smallest_that_is_large_enough(min_side, scale):
    content = jpeg_bytes(photo_like(5, width=301, height=199))
    luma = open_media(content).luma(min_side=min_side)
    assert luma.scale == scale
    assert luma.pixels.shape == (-(-199 // scale), -(-301 // scale))
    assert (luma.full_height, luma.full_width) == (199, 301)


def test_scaled_luma_shows_the_same_picture():
    pixels = photo_like(6, width=256, height=192)
    luma = open_media(jpeg_bytes(pixels, quality=95)).luma(min_side=24)
    grey = open_media(png_bytes(pixels)).luma().pixels
    blocks = grey.reshape(24, 8, 32, 8).mean(axis=(1, 3))
    assert np.abs(luma.pixels - blocks).mean() < 2


def test_full_luma_is_the_weighted_sum_rounded():
    weights = np.array([0.299, 0.587, 0.114])
    luma = open_media(png_bytes(PIXELS)).luma().pixels.astype(float)
    assert np.abs(luma - PIXELS @ weights).max() <= 0.51


def test_luma_of_other_formats_ignores_the_wish_for_a_smaller_one():
    assert open_media(png_bytes(PIXELS)).luma(min_side=4).scale == 1


def test_cmyk_jpeg_has_luma():
    content = _saved(Image.fromarray(PIXELS).convert("CMYK"), "JPEG")
    luma = open_media(content).luma(min_side=8)
    assert (luma.scale, luma.pixels.shape) == (1, (44, 60))


@pytest.mark.parametrize("content", [
    jpeg_bytes(photo_like(7, width=200, height=160)),
    png_bytes(photo_like(7, width=200, height=160)),
    encoded_bytes(photo_like(7, width=200, height=160), "GIF", interlace=0),
    encoded_bytes(photo_like(7, width=200, height=160), "BMP"),
], ids=["jpeg", "png", "gif", "bmp"])  # fmt: skip
def test_a_truncated_picture_keeps_the_rows_that_are_there(content):
    whole = open_media(content).raster().rgb
    media = open_media(content[: len(content) * 3 // 5])
    degraded = media.raster().rgb
    assert degraded.shape == whole.shape
    # BMP rows run from the bottom.
    rows = slice(-40, None) if content[:2] == b"BM" else slice(0, 40)
    np.testing.assert_array_equal(degraded[rows], whole[rows])
    assert "truncated" in {problem.code for problem in media.problems}


@pytest.mark.parametrize("file_format", ["WEBP", "AVIF"])
def test_a_truncated_picture_without_usable_rows_is_corrupt(file_format):
    content = encoded_bytes(PIXELS, file_format)
    with pytest.raises(CorruptMedia):
        open_media(content[:-200]).raster()


def test_damaged_jpeg_data_is_a_problem():
    jpeg = bytearray(jpeg_bytes(photo_like(7, width=200, height=160)))
    jpeg[len(jpeg) // 2 : len(jpeg) // 2 + 4] = b"\xff\xd3\xff\xd5"
    media = open_media(bytes(jpeg))
    assert media.raster().rgb.shape == (160, 200, 3)
    assert media.problems


def _claiming(width: int, height: int) -> bytes:
    png = png_bytes(PIXELS)
    return png[:16] + struct.pack(">II", width, height) + png[24:]


def test_a_decode_that_would_not_fit_is_refused_before_it_starts():
    media = open_media(_claiming(13_000, 13_000))
    assert (media.header.width, media.header.height) == (13_000, 13_000)
    for decode in (media.raster, media.rgb, media.luma, lambda: next(media.frames())):
        with pytest.raises(LimitExceeded, match="MiB"):
            decode()


@pytest.mark.parametrize("size", [(65_536, 4), (4, 70_000), (60_000, 60_000)])
def test_a_header_that_claims_too_much_is_refused(size):
    with pytest.raises(LimitExceeded, match="claims"):
        open_media(_claiming(*size))


def test_a_picture_without_pixels_is_refused():
    with pytest.raises(CorruptMedia, match="no pixels"):
        open_media(_claiming(0, 10))


def test_a_huge_jpeg_still_has_scaled_luma():
    jpeg = jpeg_bytes(np.full((2400, 2400, 3), 90, np.uint8))
    media = open_media(jpeg, limits=Limits(max_decode_bytes=1_000_000))
    with pytest.raises(LimitExceeded):
        media.raster()
    assert media.luma(min_side=64).pixels.shape == (300, 300)


def test_a_progressive_jpeg_pays_for_its_coefficients():
    jpeg = encoded_bytes(np.full((1200, 1200, 3), 90, np.uint8), "JPEG", progressive=True)
    media = open_media(jpeg, limits=Limits(max_decode_bytes=1_000_000))
    with pytest.raises(LimitExceeded):
        media.luma(min_side=64)


def test_a_jpeg_with_endless_scans_is_refused():
    jpeg = encoded_bytes(PIXELS, "JPEG", progressive=True)
    at = jpeg.rindex(b"\xff\xda")
    media = open_media(jpeg[:at] + jpeg[at:-2] * 200 + jpeg[-2:])
    with pytest.raises(LimitExceeded, match="scans"):
        media.raster()


def test_frames_of_an_animation_are_given_one_at_a_time():
    media = open_media(gif_bytes(PIXELS, frames=4))
    frames = [frame.rgb for frame in media.frames()]
    assert len(frames) == media.header.frames == 4
    np.testing.assert_array_equal(frames[0], frames[2])
    assert not np.array_equal(frames[0], frames[1])


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "AVIF", "TIFF"])
def test_other_animations_expose_their_frames(file_format):
    more = [Image.fromarray(PIXELS[::-1]), Image.fromarray(PIXELS[:, ::-1])]
    media = open_media(
        _saved(Image.fromarray(PIXELS), file_format, save_all=True, append_images=more)
    )
    frames = list(media.frames())
    assert len(frames) == media.header.frames == 3
    assert not np.array_equal(frames[0].rgb, frames[1].rgb)


def test_frames_beyond_the_limit_are_not_exposed_and_said_so():
    media = open_media(gif_bytes(PIXELS, frames=5), limits=Limits(max_frames=2))
    assert len(list(media.frames())) == 2
    assert [problem.code for problem in media.problems] == ["too-many-frames"]


def test_a_still_picture_has_one_frame():
    assert len(list(open_media(jpeg_bytes(PIXELS)).frames())) == 1


def test_pixels_are_decoded_once():
    media = open_media(jpeg_bytes(PIXELS))
    assert media.raster() is media.raster()
    assert media.rgb() is media.rgb()
    assert media.luma(min_side=8) is media.luma(min_side=8)
    assert media.rgb() is media.raster().rgb
