"""Estimate what a decode will take, before it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.errors import LimitExceeded
from lightkeeper.media._types import MediaFormat

if TYPE_CHECKING:
    from lightkeeper.media._layout import Layout
    from lightkeeper.media._limits import Limits

_PEAK = {
    MediaFormat.PNG: 8,
    MediaFormat.BMP: 8,
    MediaFormat.GIF: 12,
    MediaFormat.TIFF: 12,
    MediaFormat.WEBP: 16,
    MediaFormat.AVIF: 14,
    MediaFormat.HEIC: 12,
}
"""Bytes a pixel at the peak: the decoder's own canvas (Pillow keeps RGB as four bytes), its copies
and the three or four that are handed out; measured on 12-megapixel files."""
_PILLOW_JPEG = 7
_SIMPLEJPEG = 4
"""Three for RGB and one for the luminance that is made beside it."""
_MOST_SCANS = 100
_MOST_SCANNED = 600_000_000
"""Pixels times scans: each scan of a progressive JPEG walks over the whole picture, at about a
nanosecond a pixel; encoders write about ten scans."""


def check_decode(layout: Layout, media_format: MediaFormat, limits: Limits) -> None:
    """Refuse a full decode that would not fit ``limits.max_decode_bytes``."""
    if media_format is MediaFormat.JPEG:
        each = layout.bytes_per_pixel + (_PILLOW_JPEG if layout.components == 4 else _SIMPLEJPEG)
        _check_scans(layout)
    else:
        each = _PEAK[media_format]
    _check(layout, each, limits)


def check_scaled_jpeg(layout: Layout, scale: int, limits: Limits) -> None:
    """Refuse a DCT-scaled decode; only progressive files keep anything at full size."""
    _check_scans(layout)
    _check(layout, layout.bytes_per_pixel + 1 / scale**2, limits)


def _check(layout: Layout, bytes_per_pixel: float, limits: Limits) -> None:
    needed = int(layout.width * layout.height * bytes_per_pixel)
    if needed > limits.max_decode_bytes:
        raise LimitExceeded(
            f"{layout.width} x {layout.height} pixels would take {needed >> 20} MiB to decode",
            hint="Raise the limit max_decode_bytes to decode it.",
        )


def _check_scans(layout: Layout) -> None:
    if layout.scans > 1 and layout.scans * layout.width * layout.height > _MOST_SCANNED:
        raise LimitExceeded(f"{layout.scans} scans over so large a picture: no encoder writes that")
    if layout.scans > _MOST_SCANS:
        raise LimitExceeded(f"{layout.scans} scans: no encoder writes so many")
