"""Encode pixels for a target, with the colour profile that still fits them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from lightkeeper.errors import OutputError
from lightkeeper.media import MediaFormat, Problem
from lightkeeper.media._orientation import orient

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightkeeper.media import Media

_MAX_SIDE = {MediaFormat.JPEG: 65_535, MediaFormat.WEBP: 16_383, MediaFormat.AVIF: 65_535}
_FINE_CHROMA_FROM = 95


def picture(source: Media, target: MediaFormat) -> tuple[Image.Image, list[Problem]]:
    """First frame, upright, in a mode that the target holds, and what was lost on the way.

    The orientation is applied to the pixels, because PNG, WebP and AVIF viewers ignore the EXIF
    field.
    """
    raster = source.raster()
    notes = []
    rgb, alpha = raster.rgb, raster.alpha
    if alpha is not None and target is MediaFormat.JPEG:
        if int(alpha.min()) < 255:
            notes.append(Problem("alpha-flattened", "pixels", "JPEG has no alpha: put on white"))
        rgb, alpha = _on_white(rgb, alpha), None
    if source.header.frames > 1:
        notes.append(Problem("animation-dropped", "pixels", "only the first frame was kept"))
    if source.format is MediaFormat.PNG and source.content[24:25] == b"\x10":
        notes.append(Problem("depth-reduced", "pixels", "16 bits per channel became 8"))
    if source.embedded().trailing_bytes:
        message = "bytes after the picture's end were dropped (a video, a gain map, a second file)"
        notes.append(Problem("trailing-data-dropped", "container", message))
    pixels = rgb if alpha is None else np.dstack([rgb, alpha])
    if source.header.orientation != 1:
        pixels = orient(pixels, source.header.orientation)
        notes.append(Problem("orientation-applied", "exif:Orientation", "the pixels are upright"))
    return Image.fromarray(np.ascontiguousarray(pixels)), notes


def _on_white(rgb: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    out = np.empty_like(rgb)
    for row in range(0, len(rgb), 256):
        cover = alpha[row : row + 256, :, None].astype(np.uint16)
        mixed = rgb[row : row + 256] * cover + 255 * (255 - cover)
        out[row : row + 256] = ((mixed + 127) // 255).astype(np.uint8)
    return out


def colour_profile(source: Media) -> tuple[bytes | None, list[Problem]]:
    """The ICC profile, unless it describes other channels than RGB."""
    try:
        with Image.open(io.BytesIO(source.content)) as image:
            profile = image.info.get("icc_profile")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None, [Problem("profile-unreadable", "icc", "the colour profile was dropped")]
    if not isinstance(profile, bytes) or not profile:
        return None, []
    if profile[16:20] != b"RGB ":
        return None, [Problem("profile-dropped", "icc", "a profile of other channels than RGB")]
    return profile, []


def encode(image: Image.Image, target: MediaFormat, *, quality: int, **extra: Any) -> bytes:
    """Encode through Pillow; ``extra`` goes to its writer.

    Raises
    ------
    OutputError
        The target cannot hold a picture of this size.
    """
    if max(image.size) > _MAX_SIDE.get(target, 1 << 31):
        raise OutputError(f"{target.value} holds at most {_MAX_SIDE[target]} pixels on a side")
    options: dict[str, Any] = {key: value for key, value in extra.items() if value}
    if target is not MediaFormat.PNG:
        options["quality"] = quality
    if target is MediaFormat.JPEG and quality >= _FINE_CHROMA_FROM:
        options["subsampling"] = "4:4:4"
    buffer = io.BytesIO()
    try:
        image.save(buffer, target.value.upper(), **options)
    except (OSError, ValueError, KeyError) as error:
        raise OutputError(f"cannot encode {target.value}: {error}") from error
    return buffer.getvalue()
