"""One file, opened once and decoded on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeVar, cast

from lightkeeper.errors import CorruptMedia, LimitExceeded
from lightkeeper.media._bmff import read_bmff
from lightkeeper.media._bmp import read_bmp
from lightkeeper.media._gif import read_gif
from lightkeeper.media._jpeg import read_jpeg
from lightkeeper.media._limits import Limits
from lightkeeper.media._memory import check_decode, check_scaled_jpeg
from lightkeeper.media._orientation import exif_orientation, orient, swaps_sides
from lightkeeper.media._png import read_png
from lightkeeper.media._probe import name_problem, probe
from lightkeeper.media._read_embedded import read_embedded
from lightkeeper.media._riff import read_webp
from lightkeeper.media._source import read_source
from lightkeeper.media._tiff import read_tiff
from lightkeeper.media._types import Header, Luma, MediaFormat, Problem, Raster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from lightkeeper.media._embedded import Embedded
    from lightkeeper.media._layout import Layout

# Decoders are imported where pixels are asked for: numpy and Pillow take longer to import than
# metadata takes to read, and a command line that only shows its help needs neither.
T = TypeVar("T")
_SCALES: tuple[Literal[8, 4, 2], ...] = (8, 4, 2)
_WALKS: dict[MediaFormat, Callable[[bytes, Limits], Layout]] = {
    MediaFormat.JPEG: read_jpeg,
    MediaFormat.PNG: read_png,
    MediaFormat.WEBP: read_webp,
    MediaFormat.GIF: read_gif,
    MediaFormat.BMP: read_bmp,
    MediaFormat.TIFF: read_tiff,
    MediaFormat.AVIF: lambda content, limits: read_bmff(content, limits, decoder_turns=False),
    MediaFormat.HEIC: lambda content, limits: read_bmff(content, limits, decoder_turns=True),
}


class Media:
    """An image whose bytes are in memory and whose pixels are not, yet.

    Made by :func:`open_media`. Every method computes its result once and keeps it.
    """

    def __init__(self, content: bytes, *, name: str, limits: Limits) -> None:
        self.name = name
        self.content = content
        self.limits = limits
        self.format = probe(content)
        self._memo: dict[object, Any] = {}
        self._layout = _WALKS[self.format](content, limits)
        _check_size(self._layout, limits)

    def once(self, compute: Callable[[Media], T]) -> T:
        """Result of ``compute(self)``, kept so that every examiner shares it."""
        if compute not in self._memo:
            self._memo[compute] = compute(self)
        return cast("T", self._memo[compute])

    @property
    def header(self) -> Header:
        """Size, orientation and frames, without decoding."""
        return self.once(Media._read_header)

    def embedded(self) -> Embedded:
        """Metadata of the container."""
        return self.once(Media._read_embedded)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the file, as far as it has been read."""
        mislabelled = name_problem(self.name, self.format)
        known = [*([mislabelled] if mislabelled else []), *self._layout.problems]
        if Media._read_embedded in self._memo:
            known += self.embedded().problems
        return tuple(dict.fromkeys(known))

    def raster(self) -> Raster:
        """First frame as stored.

        Raises
        ------
        CorruptMedia, LimitExceeded
        """
        return self.once(Media._decode_still)

    def rgb(self) -> NDArray[np.uint8]:
        """First frame, shape (H, W, 3), EXIF orientation applied, alpha dropped.

        Raises
        ------
        CorruptMedia, LimitExceeded
        """
        return self.once(Media._orient_rgb)

    def luma(self, *, min_side: int | None = None) -> Luma:
        """Luminance, oriented.

        Parameters
        ----------
        min_side : int, optional
            Admits a DCT-scaled decode of a JPEG: the smallest whose shorter side has at least
            this many pixels. Without it, and for other formats, full resolution.

        Raises
        ------
        CorruptMedia, LimitExceeded
        """
        key = ("luma", min_side)
        if key not in self._memo:
            self._memo[key] = self._scaled_luma(min_side) or self.once(Media._full_luma)
        return cast("Luma", self._memo[key])

    def frames(self) -> Iterator[Raster]:
        """Frames of an animation, one at a time; a still picture has one.

        At most ``limits.max_frames``; a file with more has the problem ``too-many-frames``.

        Raises
        ------
        CorruptMedia, LimitExceeded
        """
        if self._layout.frames == 1 or self.format is MediaFormat.HEIC:
            yield self.raster()
            return
        check_decode(self._layout, self.format, self.limits)
        if self._layout.frames > self.limits.max_frames:
            message = f"{self._layout.frames} frames; those after {self.limits.max_frames} ignored"
            self._layout.problem("too-many-frames", self.format.value, message)
        from lightkeeper.media._decode import decode_frames

        yield from decode_frames(
            self.content, self.format, self._layout, most=self.limits.max_frames
        )

    def _read_header(self) -> Header:
        layout = self._layout
        if layout.turn is None:
            layout.turn = exif_orientation(self.embedded())
        return Header(
            width=layout.width,
            height=layout.height,
            orientation=layout.turn,
            frames=layout.frames,
            has_alpha=layout.has_alpha,
            lossless=layout.lossless,
        )

    def _read_embedded(self) -> Embedded:
        return read_embedded(self._layout, self.format, self.limits)

    def _decode_still(self) -> Raster:
        check_decode(self._layout, self.format, self.limits)
        _ = self.header  # a TIFF's decoder needs the orientation
        from lightkeeper.media._decode import decode_still

        return decode_still(self.content, self.format, self._layout)

    def _orient_rgb(self) -> NDArray[np.uint8]:
        pixels = orient(self.raster().rgb, self.header.orientation)
        pixels.flags.writeable = False
        return pixels

    def _full_luma(self) -> Luma:
        from lightkeeper.media._decode import luma_of

        pixels = luma_of(self.rgb())
        pixels.flags.writeable = False
        return Luma(pixels, *pixels.shape)

    def _scaled_luma(self, min_side: int | None) -> Luma | None:
        layout = self._layout
        if min_side is None or self.format is not MediaFormat.JPEG or layout.components == 4:
            return None
        shorter = min(layout.width, layout.height)
        scale: Literal[1, 2, 4, 8] = next((s for s in _SCALES if -(-shorter // s) >= min_side), 1)
        check_scaled_jpeg(layout, scale, self.limits)
        from lightkeeper.media._decode import decode_scaled_luma

        pixels = decode_scaled_luma(self.content, layout, scale)
        if pixels is None:
            return None
        orientation = self.header.orientation
        upright = orient(pixels, orientation)
        upright.flags.writeable = False
        full = layout.height, layout.width
        return Luma(upright, *(full[::-1] if swaps_sides(orientation) else full), scale)


def _check_size(layout: Layout, limits: Limits) -> None:
    width, height = layout.width, layout.height
    if not width or not height:
        raise CorruptMedia("the header claims a picture with no pixels")
    if max(width, height) > limits.max_side or width * height > limits.max_pixels:
        raise LimitExceeded(
            f"the header claims {width} x {height} pixels",
            hint="Raise the limits max_side and max_pixels to read it.",
        )


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
    limits = limits or Limits()
    content, name = read_source(source, limits.max_bytes, name)
    return Media(content, name=name, limits=limits)
