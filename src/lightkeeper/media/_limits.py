"""The one place where limits are set."""

from __future__ import annotations

from dataclasses import dataclass

_MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one file may cost before it is refused.

    Sizes are bytes unless the name says otherwise. The defaults keep one examination under about
    300 MB and two seconds, and still admit every file that a camera or a generator writes.
    """

    max_bytes: int = 256 * _MIB
    """Size of the file."""
    max_pixels: int = 512_000_000
    """Width x height that the header may claim."""
    max_side: int = 65_535
    """Width or height, in pixels."""
    max_decode_bytes: int = 192 * _MIB
    """Memory that one full decode may take (estimated from the header before it starts)."""
    max_frames: int = 1_000
    """Frames of an animation that are exposed."""
    max_chunks: int = 10_000
    """PNG chunks, JPEG segments, RIFF chunks, boxes, TIFF entries: each container's units."""
    max_text: int = 8 * _MIB
    """One text payload after decompression."""
    max_text_total: int = 32 * _MIB
    """All text payloads of one file together, after decompression."""
    max_nesting: int = 64
    """Depth of nested JSON, XML, boxes and directories."""
    max_seconds: float = 10.0
    """Wall time that a batch grants to one file before its worker is replaced."""
