"""What a person is shown: never the bytes of a stranger, and first of all next to nothing."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageFilter

from lightkeeper.errors import MediaError

if TYPE_CHECKING:
    from lightkeeper.media import Media

PREVIEW_SIDE: Final = 96
VIEW_SIDE: Final = 1600
_BLUR_PIXELS: Final = 3.0


def preview_and_view(media: Media) -> tuple[bytes, bytes] | None:
    """Two JPEGs without metadata: one small, grey and blurred, one clear.

    Parameters
    ----------
    media : Media
        As it was decoded for the examination.

    Returns
    -------
    tuple of bytes, or None
        The preview, at most 96 pixels a side, and the view, at most 1,600; ``None`` where the
        pixels cannot be decoded.
    """
    try:
        picture = Image.fromarray(media.rgb())
    except (MediaError, MemoryError):
        return None
    picture.thumbnail((VIEW_SIDE, VIEW_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    preview = picture.convert("L")
    preview.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE), reducing_gap=2.0)
    blurred = preview.filter(ImageFilter.GaussianBlur(_BLUR_PIXELS))
    return _jpeg(blurred, quality=60), _jpeg(picture, quality=88)


def _jpeg(picture: Image.Image, *, quality: int) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return stream.getvalue()
