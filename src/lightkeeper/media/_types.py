"""What a file is made of, in the words of the field."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class MediaFormat(StrEnum):
    """Container format, decided by content."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    GIF = "gif"
    BMP = "bmp"
    TIFF = "tiff"
    AVIF = "avif"
    HEIC = "heic"

    @property
    def mime(self) -> str:
        """Media type, such as ``image/jpeg``."""
        return f"image/{self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the container claims, before any pixel is decoded.

    ``width`` and ``height`` are of the stored raster, in pixels; ``orientation`` is the EXIF
    value 1-8 (1 where absent).
    """

    width: int
    height: int
    orientation: int = 1
    frames: int = 1
    has_alpha: bool = False
    lossless: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a file that did not stop the reading of it."""

    code: str
    """Stable name, such as ``truncated``, ``extension-mismatch``, ``text-too-long``."""
    where: str
    """Part of the file, such as ``png:zTXt:parameters``."""
    message: str


@dataclass(frozen=True, slots=True)
class Luma:
    """Eight-bit luminance with the EXIF orientation applied.

    ``pixels`` has shape (h, w); ``full_height`` and ``full_width`` are the picture's own size,
    and ``scale`` is the DCT scaling 1, 2, 4 or 8 (``h == ceil(full_height / scale)``).
    """

    pixels: NDArray[np.uint8]
    full_height: int
    full_width: int
    scale: Literal[1, 2, 4, 8] = 1


@dataclass(frozen=True, slots=True)
class Raster:
    """Decoded pixels as stored: no orientation applied.

    ``rgb`` has shape (H, W, 3), ``alpha`` (H, W) or is ``None``; both uint8, read-only.
    """

    rgb: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None
