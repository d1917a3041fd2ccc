"""Decode pixels: simplejpeg for JPEG, pi-heif for HEIC, Pillow for all else."""

from __future__ import annotations

import io
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from lightkeeper.errors import CorruptMedia, LimitExceeded
from lightkeeper.media._jpeg_dc import read_dc_luma
from lightkeeper.media._orientation import undo
from lightkeeper.media._png import minimal_png
from lightkeeper.media._types import MediaFormat, Raster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lightkeeper.media._layout import Layout

_STRIP_PIXELS = 1 << 18
_DECODER_FAULTS = (
    OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, RuntimeError,
    OverflowError, AttributeError, ZeroDivisionError, AssertionError, NotImplementedError,
)  # fmt: skip
"""What Pillow and pi-heif raise on damaged files; ``struct.error`` and ``zlib.error`` beside."""


def decode_still(content: bytes, media_format: MediaFormat, layout: Layout) -> Raster:
    """First frame as stored; damage that leaves pixels is noted in ``layout``."""
    if media_format is MediaFormat.JPEG and layout.components in (1, 3):
        raster = _decode_jpeg(content, layout)
        if raster is not None:
            return raster
    if media_format is MediaFormat.HEIC:
        return _decode_heic(content, layout)
    with _pillow(content, media_format, layout) as image:
        return _raster(image, layout, media_format)


def decode_frames(
    content: bytes, media_format: MediaFormat, layout: Layout, *, most: int
) -> Iterator[Raster]:
    """Frames one after another, each composed as a viewer would show it."""
    with _pillow(content, media_format, layout) as image:
        for number in range(most):
            try:
                image.seek(number)
            except EOFError:
                return
            yield _raster(image, layout, media_format)


def decode_scaled_luma(content: bytes, layout: Layout, scale: int) -> NDArray[np.uint8] | None:
    """Luma plane at 1/scale, ``None`` where libjpeg-turbo cannot give it."""
    import simplejpeg

    # Ceiling, as libjpeg scales: the smallest size that is at least this is exactly this one.
    height, width = -(-layout.height // scale), -(-layout.width // scale)
    if scale == 8:
        means = read_dc_luma(content)
        if means is not None and means.shape == (height, width):
            return means
    for strict in (False,) if layout.is_damaged else (True, False):
        try:
            found = simplejpeg.decode_jpeg(
                content, "GRAY", min_height=height, min_width=width, strict=strict
            )
        except ValueError as error:
            if strict:
                _note_jpeg(layout, error)
            continue
        pixels: NDArray[np.uint8] = found[:, :, 0]
        return pixels if pixels.shape == (height, width) else None
    return None


def luma_of(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """0.299 R + 0.587 G + 0.114 B, rounded; Pillow's 16-bit fixed point is exact enough.

    In strips, since Pillow widens RGB to four bytes a pixel.
    """
    luma = np.empty(rgb.shape[:2], np.uint8)
    for rows in _strip_rows(*rgb.shape[:2]):
        luma[rows] = np.asarray(Image.fromarray(rgb[rows]).convert("L"))
    return luma


def _decode_jpeg(content: bytes, layout: Layout) -> Raster | None:
    import simplejpeg

    for strict in (False,) if layout.is_damaged else (True, False):
        try:
            return _frozen(simplejpeg.decode_jpeg(content, "RGB", strict=strict), None)
        except ValueError as error:
            # Unusual subsampling is no damage: Pillow may still read it.
            if strict and "Could not determine" not in str(error):
                _note_jpeg(layout, error)
    return None


def _note_jpeg(layout: Layout, error: ValueError) -> None:
    layout.is_damaged = True
    if "Premature end" in str(error):
        layout.cut_short("jpeg:pixels", "the pixel data ends early")
    else:
        layout.problem("damaged", "jpeg:pixels", str(error))


def _decode_heic(content: bytes, layout: Layout) -> Raster:
    import pi_heif

    with _faults("HEIC"):
        image = pi_heif.open_heif(io.BytesIO(content), convert_hdr_to_8bit=True)
        _check_size(image.size, layout)
        # A copy while ``image`` lives: its buffer dies with it, and an array does not keep it.
        pixels = np.array(image, copy=True)
    if pixels.ndim == 2:
        return _frozen(np.repeat(pixels[:, :, None], 3, axis=2), None)
    if pixels.shape[2] in (2, 4):
        colour = pixels[:, :, :-1] if pixels.shape[2] == 4 else np.repeat(pixels[:, :, :1], 3, 2)
        return _frozen(np.ascontiguousarray(colour), np.ascontiguousarray(pixels[:, :, -1]))
    return _frozen(np.ascontiguousarray(pixels), None)


@contextmanager
def _pillow(
    content: bytes, media_format: MediaFormat, layout: Layout
) -> Iterator[ImageFile.ImageFile]:
    """Pillow with one format only; its warnings become problems or nothing."""
    if media_format is MediaFormat.PNG:
        content = minimal_png(content, layout)
    with (
        _faults(media_format.value.upper()),
        Image.open(io.BytesIO(content), formats=[media_format.value.upper()]) as image,
    ):
        _check_size(image.size, layout)
        yield image


def _check_size(size: tuple[int, int], layout: Layout) -> None:
    """The decoder's size decides how much it allocates: it must be the one that was checked."""
    if size[0] * size[1] > layout.width * layout.height:
        raise CorruptMedia("the decoder sees another size than the header states")


@contextmanager
def _faults(kind: str) -> Iterator[None]:
    import struct
    import zlib

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except (MemoryError, Image.DecompressionBombError) as error:
            raise LimitExceeded(f"{kind}: too large to decode") from error
        except (*_DECODER_FAULTS, struct.error, zlib.error) as error:
            raise CorruptMedia(f"{kind}: cannot be decoded ({_said(error)})") from error


def _said(error: Exception) -> str:
    # Pillow names the address of the stream here, which differs on every run.
    return "its structure is damaged" if isinstance(error, UnidentifiedImageError) else str(error)


def _raster(image: ImageFile.ImageFile, layout: Layout, media_format: MediaFormat) -> Raster:
    try:
        image.load()
    except (OSError, SyntaxError, EOFError, IndexError) as error:
        if getattr(image, "_im", None) is None or media_format in _WHOLE_OR_NOTHING:
            raise
        # Pillow has filled its canvas up to the damage; without tiles it hands it out.
        image.tile = []
        if "truncated" in str(error).lower():
            layout.cut_short(f"{media_format.value}:pixels", "the pixel data ends early")
        else:
            layout.problem("damaged", f"{media_format.value}:pixels", str(error))
    turned = image.getexif().get(0x0112, 1) if media_format is MediaFormat.TIFF else 1
    rgb, alpha = _strips(image)
    if media_format is MediaFormat.TIFF and turned == 1:
        # Pillow turns TIFFs upright while loading and forgets the tag.
        orientation = layout.turn or 1
        rgb = undo(rgb, orientation)
        alpha = None if alpha is None else undo(alpha, orientation)
    return _frozen(rgb, alpha)


_WHOLE_OR_NOTHING = (MediaFormat.WEBP, MediaFormat.AVIF)


def _strips(image: Image.Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Convert to RGB and alpha in strips, so that only one full copy exists beside Pillow's."""
    width, height = image.size
    has_alpha = image.has_transparency_data
    rgb = np.empty((height, width, 3), np.uint8)
    alpha = np.empty((height, width), np.uint8) if has_alpha else None
    for rows in _strip_rows(height, width):
        strip = image.crop((0, rows.start, width, rows.stop))
        if alpha is None:
            rgb[rows] = _eight_bit(strip)
        else:
            both: NDArray[Any] = np.asarray(strip.convert("RGBA"))
            rgb[rows], alpha[rows] = both[:, :, :3], both[:, :, 3]
    return rgb, alpha


def _strip_rows(height: int, width: int) -> Iterator[slice]:
    rows = max(1, _STRIP_PIXELS // width)
    for start in range(0, height, rows):
        yield slice(start, min(start + rows, height))


def _eight_bit(strip: Image.Image) -> NDArray[np.uint8]:
    """RGB as Pillow converts it, but for 16-bit grey: Pillow would clip it to white."""
    if strip.mode.startswith("I;16"):
        grey = (np.asarray(strip) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    return np.asarray(strip.convert("RGB"))


def _frozen(rgb: NDArray[np.uint8], alpha: NDArray[np.uint8] | None) -> Raster:
    rgb.flags.writeable = False
    if alpha is not None:
        alpha.flags.writeable = False
    return Raster(rgb, alpha)
