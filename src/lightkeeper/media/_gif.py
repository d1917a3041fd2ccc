"""Walk GIF blocks (GIF89a; XMP part 3 for its application extension)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lightkeeper.media._layout import Layout, RawText, TextEncoding, no_picture

if TYPE_CHECKING:
    from lightkeeper.media._limits import Limits

_SUB_BLOCKS_PER_CHUNK = 105
"""Sub-blocks hold at most 255 bytes: their own limit is this many times ``max_chunks``."""
_XMP_MAGIC_TRAILER = 257


class _Walk:
    """A position in the file and what is left of the limits."""

    def __init__(self, content: bytes, limits: Limits, at: int) -> None:
        self.content, self.at = content, at
        self.left = limits.max_chunks * _SUB_BLOCKS_PER_CHUNK

    def skip_blocks(self) -> bool:
        """Go past a chain of sub-blocks; ``False`` where the file or the limit ends first."""
        content, at = self.content, self.at
        end = len(content)
        while at < end and self.left > 0:
            size = content[at]
            at += size + 1
            self.left -= 1
            if not size:
                self.at = at
                return True
        self.at = min(at, end)
        return False

    def joined(self, start: int) -> bytes:
        """Content of the sub-blocks between ``start`` and the present position."""
        found, at = bytearray(), start
        while at < self.at and self.content[at]:
            found += self.content[at + 1 : at + 1 + self.content[at]]
            at += self.content[at] + 1
        return bytes(found)


def read_gif(content: bytes, limits: Limits) -> Layout:
    """Find the size, frames and comments of a GIF."""
    if len(content) < 13:
        no_picture("GIF", "no complete screen descriptor")
    layout = Layout(lossless=True, frames=0)
    layout.width, layout.height, flags = struct.unpack_from("<HHB", content, 6)
    walk = _Walk(content, limits, 13 + _table(flags))
    for _ in range(limits.max_chunks):
        if not _block(walk, layout):
            break
    else:
        layout.problem("too-many-chunks", "gif", f"more than {limits.max_chunks} blocks")
    if not layout.frames:
        layout.cut_short("gif", "no image block")
    layout.frames = max(1, layout.frames)
    if layout.trailing_bytes:
        layout.problem("trailing-data", "gif", f"{layout.trailing_bytes} bytes after the trailer")
    return layout


def _table(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _block(walk: _Walk, layout: Layout) -> bool:
    """Take one block; ``False`` at the trailer or the end."""
    content, at = walk.content, walk.at
    kind = content[at : at + 1]
    if kind == b"\x3b":
        layout.trailing_bytes = len(content) - at - 1
        return False
    if kind == b"\x2c" and at + 10 <= len(content):
        walk.at = at + 11 + _table(content[at + 9])
        layout.frames += 1
        whole = walk.skip_blocks()
    elif kind == b"\x21" and at + 2 <= len(content):
        walk.at = at + 2
        whole = walk.skip_blocks()
        _extension(content[at + 1], at + 2, walk, layout)
    else:
        whole = False
    if not whole:
        layout.cut_short("gif", "ends inside a block, or has too many")
    return whole


def _extension(label: int, start: int, walk: _Walk, layout: Layout) -> None:
    content = walk.content
    if label == 0xF9:
        flags = content[start + 1 : start + 2]
        layout.has_alpha = layout.has_alpha or bool(flags and flags[0] & 1)
    elif label == 0xFE:
        text = walk.joined(start)
        layout.texts.append(RawText("gif:comment", "", text, TextEncoding.COMMENT))
    elif label == 0xFF and content[start + 1 : start + 12] == b"XMP DataXMP":
        # The packet stands there bare; a trailer of descending bytes leads readers out.
        layout.add_xmp(content[start + 12 : max(start, walk.at - _XMP_MAGIC_TRAILER - 1)])
    elif label == 0xFF and content[start + 1 : start + 9] == b"C2PA_GIF":
        layout.has_c2pa = True
