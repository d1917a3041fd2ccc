"""Walk WebP's RIFF chunks (RFC 9649)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lightkeeper.media._layout import Layout, is_c2pa_store, no_picture

if TYPE_CHECKING:
    from lightkeeper.media._limits import Limits

_ALPHA, _ANIMATED = 0x10, 0x02


def read_webp(content: bytes, limits: Limits) -> Layout:
    """Find the size, frames and raw metadata of a WebP; lying lengths are cut at the end."""
    layout, frames = Layout(), 0
    claimed = int.from_bytes(content[4:8], "little") + 8
    end = min(len(content), claimed)
    if claimed > len(content):
        layout.cut_short("webp", f"RIFF claims {claimed} bytes, {len(content)} are there")
    at = 12
    for _ in range(limits.max_chunks):
        if at + 8 > end:
            break
        kind, length = struct.unpack_from("<4sI", content, at)
        if at + 8 + length > len(content):
            where = f"webp:{kind.decode('latin-1').strip()}"
            layout.cut_short(where, f"chunk claims {length} bytes beyond the end")
        _chunk(kind, content, at + 8, min(at + 8 + length, end), layout)
        frames += kind == b"ANMF"
        at += 8 + length + length % 2
    else:
        layout.problem("too-many-chunks", "webp", f"more than {limits.max_chunks} chunks")
    layout.frames = max(1, frames)
    if not layout.width or not layout.height:
        no_picture("WebP", "no chunk that states a size")
    layout.trailing_bytes = max(0, len(content) - claimed)
    if layout.trailing_bytes:
        layout.problem("trailing-data", "webp", f"{layout.trailing_bytes} bytes after the end")
    return layout


def _chunk(kind: bytes, content: bytes, start: int, end: int, layout: Layout) -> None:
    if kind == b"VP8X" and end - start >= 10:
        layout.has_alpha = bool(content[start] & _ALPHA)
        layout.width = 1 + int.from_bytes(content[start + 4 : start + 7], "little")
        layout.height = 1 + int.from_bytes(content[start + 7 : start + 10], "little")
    elif kind == b"VP8 ":
        _lossy(content[start : min(start + 10, end)], layout)
    elif kind == b"VP8L":
        _lossless(content[start : min(start + 5, end)], layout)
    elif kind == b"EXIF":
        layout.add_exif(content[start:end].removeprefix(b"Exif\0\0"))
    elif kind == b"XMP ":
        layout.add_xmp(content[start:end])
    elif kind == b"C2PA" and is_c2pa_store(content[start : start + 64]):
        layout.has_c2pa = True


def _lossy(frame: bytes, layout: Layout) -> None:
    if len(frame) == 10 and frame[3:6] == b"\x9d\x01\x2a" and not layout.width:
        width, height = struct.unpack_from("<HH", frame, 6)
        layout.width, layout.height = width & 0x3FFF, height & 0x3FFF


def _lossless(frame: bytes, layout: Layout) -> None:
    layout.lossless = True
    if len(frame) == 5 and frame[0] == 0x2F and not layout.width:
        bits = int.from_bytes(frame[1:5], "little")
        layout.width, layout.height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        layout.has_alpha = bool(bits >> 28 & 1)
