"""What a walk over a container found: slices of the file, nothing interpreted yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import NoReturn

from lightkeeper.errors import CorruptMedia
from lightkeeper.media._types import Problem

_MOST_BLOCKS = 8
"""EXIF blocks and XMP packets of one file that are read; one or two are usual."""
_MOST_PROBLEMS = 100
"""A hostile file can have thousands; more than these tell nothing new."""


class TextEncoding(Enum):
    """How the container's specification says that a text is encoded."""

    LATIN_1 = "latin-1"
    UTF_8 = "utf-8"
    COMMENT = "comment"
    """No rule: COM segments, GIF comments."""


@dataclass(frozen=True, slots=True)
class RawText:
    """A text as it lies in the file, perhaps deflated."""

    carrier: str
    keyword: str
    data: bytes
    encoding: TextEncoding = TextEncoding.LATIN_1
    deflated: bool = False

    @property
    def where(self) -> str:
        """Place in the words of :class:`~lightkeeper.media.Problem`."""
        return f"{self.carrier}:{self.keyword}" if self.keyword else self.carrier


@dataclass(slots=True)
class Layout:
    """Geometry and raw metadata of one file; filled by the container's own module."""

    width: int = 0
    height: int = 0
    frames: int = 1
    has_alpha: bool = False
    lossless: bool = False
    turn: int | None = None
    """Orientation that the container itself prescribes; overrides EXIF."""
    texts: list[RawText] = field(default_factory=list)
    exif_blocks: list[bytes] = field(default_factory=list)
    xmp_packets: list[bytes] = field(default_factory=list)
    iptc_blocks: list[bytes] = field(default_factory=list)
    has_c2pa: bool = False
    trailing_bytes: int = 0
    truncated: bool = False
    problems: list[Problem] = field(default_factory=list)
    pixel_spans: list[tuple[int, int]] = field(default_factory=list)
    """PNG: the chunks that a decoder needs, merged where they touch."""
    components: int = 3
    bytes_per_pixel: float = 0.0
    """JPEG: the decoder's coefficient buffer for progressive files."""
    scans: int = 1
    is_damaged: bool = False
    """JPEG: a strict decode has failed, so that no second one need be tried."""

    def add_exif(self, block: bytes) -> None:
        """Keep a TIFF structure, if there are not too many already."""
        self._add(self.exif_blocks, block, "exif")

    def add_xmp(self, packet: bytes) -> None:
        """Keep an XMP packet, if there are not too many already."""
        self._add(self.xmp_packets, packet, "xmp")

    def _add(self, blocks: list[bytes], block: bytes, name: str) -> None:
        if len(blocks) < _MOST_BLOCKS:
            blocks.append(block)
        else:
            self.problem("too-many-chunks", name, f"blocks after {_MOST_BLOCKS} ignored")

    def problem(self, code: str, where: str, message: str) -> None:
        """Note something wrong that did not stop the walk; said once for each place."""
        found = Problem(code, where, message)
        if len(self.problems) < _MOST_PROBLEMS and found not in self.problems:
            self.problems.append(found)

    def cut_short(self, where: str, message: str) -> None:
        """Note that the file ends before it should."""
        self.truncated = True
        self.problem("truncated", where, message)


def no_picture(kind: str, reason: str) -> NoReturn:
    """Refuse a file without the header that states its size."""
    raise CorruptMedia(f"{kind}: {reason}", hint="The file may have been cut off in transfer.")


def is_c2pa_store(jumbf: bytes) -> bool:
    """Whether a JUMBF superbox is a C2PA manifest store (its description box says so)."""
    return b"jumb" in jumbf[:16] and b"c2pa" in jumbf[:64]
