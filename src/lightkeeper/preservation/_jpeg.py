"""Segments of a JPEG: EXIF, XMP with its extension, IPTC and comments.

References
----------
.. [1] Adobe, "XMP Specification Part 3: Storage in Files", 2020, section 1.1.3.
"""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING

from lightkeeper.preservation import _xmp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_SEGMENT = 65_533
"""Bytes of one segment after its length."""
MAX_EXIF = MAX_SEGMENT - 6
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
_MAX_XMP = MAX_SEGMENT - len(_XMP)
_PART = 65_400
_APP0, _APP1, _APP13, _COM = 0xE0, 0xE1, 0xED, 0xFE


def with_segments(jpeg: bytes, segments: Iterable[bytes]) -> bytes:
    """Insert segments after SOI and the JFIF header."""
    at = 2
    if jpeg[2:4] == bytes([0xFF, _APP0]):
        at = 4 + struct.unpack_from(">H", jpeg, 4)[0]
    return b"".join([jpeg[:at], *segments, jpeg[at:]])


def exif_segment(block: bytes) -> bytes:
    """APP1 with an EXIF block of at most :data:`MAX_EXIF` bytes."""
    return _segment(_APP1, b"Exif\0\0" + block)


def xmp_segments(packet: str, carried: str) -> Iterator[bytes]:
    """APP1 with ``packet``, and ``carried`` merged into it where both fit into one segment.

    What does not fit goes into an extension, which the first packet names by its digest.
    """
    both = _xmp.merged(p.encode() for p in (packet, carried) if p) or ""
    if len(both.encode()) <= _MAX_XMP:
        yield _segment(_APP1, _XMP + both.encode())
        return
    main, extra = (packet, carried) if carried else ("", packet)
    if len(main.encode()) > _MAX_XMP - 300:
        main, extra = "", both
    content = _xmp.bare(extra).encode()
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest().upper()
    link = {"HasExtendedXMP": digest}
    yield _segment(_APP1, _XMP + _xmp.with_properties(main, _xmp.NOTE, "xmpNote", link).encode())
    for at in range(0, len(content), _PART):
        head = _EXTENSION + digest.encode() + struct.pack(">II", len(content), at)
        yield _segment(_APP1, head + content[at : at + _PART])


def iptc_segment(iim: bytes) -> bytes | None:
    """APP13 with IPTC datasets, ``None`` where they are too long for one."""
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iim)) + iim + b"\0" * (len(iim) % 2)
    payload = b"Photoshop 3.0\0" + resource
    return _segment(_APP13, payload) if len(payload) <= MAX_SEGMENT else None


def comment_segment(text: str) -> bytes | None:
    """COM, ``None`` where the text is too long for one."""
    payload = text.encode("utf-8")
    return _segment(_COM, payload) if len(payload) <= MAX_SEGMENT else None


def _segment(marker: int, payload: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(payload) + 2) + payload
