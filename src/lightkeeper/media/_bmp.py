"""Read a BMP header; the format has no metadata."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lightkeeper.media._layout import Layout, no_picture

if TYPE_CHECKING:
    from lightkeeper.media._limits import Limits


def read_bmp(content: bytes, limits: Limits) -> Layout:
    """Find the size of a BMP (core header of 12 bytes, or a later one of 40 and more)."""
    layout = Layout(lossless=True)
    header_size = int.from_bytes(content[14:18], "little")
    if header_size == 12 and len(content) >= 26:
        layout.width, layout.height = struct.unpack_from("<HH", content, 18)
    elif header_size >= 40 and len(content) >= 54:
        width, height = struct.unpack_from("<ii", content, 18)
        # A negative height means that rows run from the top.
        layout.width, layout.height = max(width, 0), abs(height)
    else:
        no_picture("BMP", "no complete header")
    claimed = int.from_bytes(content[2:6], "little")
    if claimed > len(content):
        layout.cut_short("bmp", f"header claims {claimed} bytes, {len(content)} are there")
    return layout
