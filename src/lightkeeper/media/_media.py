"""One file, opened once and decoded on demand."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar, cast

import numpy as np
from PIL import Image

from lightkeeper.media._embedded import Embedded, TextBlock
from lightkeeper.media._limits import Limits
from lightkeeper.media._types import Header, Luma, MediaFormat, Problem, Raster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

T = TypeVar("T")


class Media:
    """An image whose bytes are in memory and whose pixels are not, yet.

    Made by :func:`open_media`. Every method computes its result once and keeps it.
    """

    def __init__(self, content: bytes, *, name: str, limits: Limits) -> None:
        self.name = name
        self.content = content
        self.limits = limits
        self._memo: dict[object, Any] = {}
        self._image = Image.open(io.BytesIO(content))
        self.format = MediaFormat(str(self._image.format).lower())
        self.header = Header(width=self._image.width, height=self._image.height)

    def once(self, compute: Callable[[Media], T]) -> T:
        """Result of ``compute(self)``, kept so that every examiner shares it."""
        if compute not in self._memo:
            self._memo[compute] = compute(self)
        return cast("T", self._memo[compute])

    def embedded(self) -> Embedded:
        """Metadata of the container."""
        return Embedded(
            texts=tuple(
                TextBlock("png:tEXt", k, v, "latin-1")
                for k, v in self._image.info.items()
                if isinstance(v, str)
            )
        )

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the file, as far as it has been read."""
        return ()

    def raster(self) -> Raster:
        """First frame as stored.

        Raises
        ------
        CorruptMedia, LimitExceeded
        """
        return self.once(Media._decode)

    def _decode(self) -> Raster:
        return Raster(np.asarray(self._image.convert("RGB")), None)

    def rgb(self) -> NDArray[np.uint8]:
        """First frame, shape (H, W, 3), EXIF orientation applied, alpha dropped."""
        return self.raster().rgb

    def luma(self, *, min_side: int | None = None) -> Luma:
        """Luminance, oriented; ``min_side`` admits a DCT-scaled decode."""
        pixels = np.asarray(self._image.convert("L"))
        return Luma(pixels, *pixels.shape)

    def frames(self) -> Iterator[Raster]:
        """Frames of an animation, one at a time; a still picture has one."""
        yield self.raster()


def open_media(
    source: str | Path | bytes | BinaryIO, *, name: str | None = None, limits: Limits | None = None
) -> Media:
    """Open a file once: read its bytes, probe it by content, decode nothing.

    Parameters
    ----------
    source : path, bytes or binary stream
    name : str, optional
        How results call it; the path as given, or ``<bytes>``.
    limits : Limits, optional

    Raises
    ------
    UnsupportedMedia, CorruptMedia, LimitExceeded
    OSError
        The path cannot be read.
    """
    if isinstance(source, (str, Path)):
        return Media(Path(source).read_bytes(), name=name or str(source), limits=limits or Limits())
    content = source if isinstance(source, bytes) else source.read()
    return Media(content, name=name or "<bytes>", limits=limits or Limits())
