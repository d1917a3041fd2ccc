"""A marked picture as a file, encoded so that its mark stays."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from PIL import Image

from lightkeeper.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

# Chroma at full size: a mark lives in U, and half-size chroma weakens it.
_ENCODERS: dict[str, dict[str, Any]] = {
    ".png": {"format": "PNG"},
    ".jpg": {"format": "JPEG", "quality": 95, "subsampling": 0},
    ".jpeg": {"format": "JPEG", "quality": 95, "subsampling": 0},
    ".webp": {"format": "WEBP", "lossless": True},
}


def check_target(target: Path, *, force: bool) -> None:
    """Pass where the file can be written.

    Raises
    ------
    OutputError
        Its suffix names no format, or it is there and ``force`` is not set.
    """
    if target.suffix.lower() not in _ENCODERS:
        raise OutputError(f"{target}: the suffix must be one of {', '.join(_ENCODERS)}")
    if target.exists() and not force:
        raise OutputError(f"{target} exists", hint="--force replaces it")


def encoded(pixels: NDArray[Any], target: Path) -> bytes:
    """The file, in the format of its suffix."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, **_ENCODERS[target.suffix.lower()])
    return buffer.getvalue()
