"""Walk JPEG segments (ITU-T T.81; Exif 3.0; XMP part 3; ISO/IEC 19566-5 for JUMBF)."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lightkeeper.media._iptc import photoshop_iptc
from lightkeeper.media._layout import Layout, RawText, TextEncoding, is_c2pa_store, no_picture

if TYPE_CHECKING:
    from lightkeeper.media._limits import Limits

_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_SOS, _EOI = 0xDA, 0xD9
# A marker with a segment, or EOI. In entropy-coded data 0xFF is followed by 0x00 or a restart
# marker; before a marker it may be repeated. All of these are skipped at the speed of C.
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]", re.DOTALL)
_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED = b"http://ns.adobe.com/xmp/extension/\0"
_PHOTOSHOP = b"Photoshop 3.0\0"


@dataclass(slots=True)
class _Parts:
    """Payloads that span segments."""

    exif: list[bytes] = field(default_factory=list)
    photoshop: list[bytes] = field(default_factory=list)
    extended: dict[bytes, list[tuple[int, int, bytes]]] = field(default_factory=dict)


def read_jpeg(content: bytes, limits: Limits) -> Layout:
    """Find the size and the raw metadata of a JPEG, without reading its entropy-coded data."""
    layout, parts = Layout(scans=0), _Parts()
    at, end, segments = 2, len(content), 0
    while True:
        found = _MARKER.search(content, at)
        if not found:
            layout.cut_short("jpeg", "no end-of-image marker")
            break
        at, marker = found.end(), content[found.end() - 1]
        if marker == _EOI:
            layout.trailing_bytes = end - at
            break
        segments += 1
        if segments > limits.max_chunks:
            layout.problem("too-many-chunks", "jpeg", f"more than {limits.max_chunks} segments")
            break
        at = _segment(content, at, marker, layout, parts)
    if not layout.width or not layout.height:
        no_picture("JPEG", "no frame header that states a size")
    _join(parts, layout, limits)
    return layout


def _segment(content: bytes, at: int, marker: int, layout: Layout, parts: _Parts) -> int:
    """Take one segment; gives where the next one may start."""
    length = int.from_bytes(content[at : at + 2], "big")
    after = at + max(length, 2)
    if after > len(content) or length < 2:
        layout.cut_short(f"jpeg:{marker:02X}", f"segment claims {length} bytes beyond the end")
    data = content[at + 2 : after]
    if marker in _FRAMES:
        _frame(marker, data, layout)
    elif marker == _SOS:
        layout.scans += 1
    elif marker in _METADATA:
        _METADATA[marker](data, layout, parts)
    return after


def _frame(marker: int, data: bytes, layout: Layout) -> None:
    if len(data) < 6 or layout.width:
        return
    layout.height, layout.width, layout.components = struct.unpack_from(">HHB", data, 1)
    sampling = data[7 : 6 + 3 * layout.components : 3]
    factors = [(b >> 4) * (b & 15) for b in sampling]
    if marker in _PROGRESSIVE and factors and max(factors):
        # Two bytes for each coefficient of each component, kept until the last scan.
        layout.bytes_per_pixel = 2 * sum(factors) / max(factors)


def _app1(data: bytes, layout: Layout, parts: _Parts) -> None:
    if data.startswith(_EXIF):
        parts.exif.append(data[len(_EXIF) :])
    elif data.startswith(_XMP):
        layout.add_xmp(data[len(_XMP) :])
    elif data.startswith(_EXTENDED) and len(data) >= len(_EXTENDED) + 40:
        guid = data[len(_EXTENDED) : len(_EXTENDED) + 32]
        total, offset = struct.unpack_from(">II", data, len(_EXTENDED) + 32)
        part = (offset, total, data[len(_EXTENDED) + 40 :])
        parts.extended.setdefault(guid, []).append(part)


def _app11(data: bytes, layout: Layout, parts: _Parts) -> None:
    # "JP", box instance, packet sequence number, then the JUMBF box.
    if data[:2] == b"JP" and is_c2pa_store(data[8:72]):
        layout.has_c2pa = True


def _app13(data: bytes, layout: Layout, parts: _Parts) -> None:
    if data.startswith(_PHOTOSHOP):
        parts.photoshop.append(data[len(_PHOTOSHOP) :])


def _comment(data: bytes, layout: Layout, parts: _Parts) -> None:
    layout.texts.append(RawText("jpeg:COM", "", data, TextEncoding.COMMENT))


_METADATA = {0xE1: _app1, 0xEB: _app11, 0xED: _app13, 0xFE: _comment}


def _join(parts: _Parts, layout: Layout, limits: Limits) -> None:
    blocks: list[list[bytes]] = []
    for piece in parts.exif:
        if blocks and piece[:4] not in (b"II*\0", b"MM\0*"):
            blocks[-1].append(piece)
        else:
            blocks.append([piece])
    for block in blocks:
        layout.add_exif(b"".join(block))
    # A resource may continue in the next segment, or the next may start with its own: both hold,
    # since a resource starts with its signature wherever it stands.
    iptc = photoshop_iptc(b"".join(parts.photoshop))
    if iptc:
        layout.iptc_blocks.append(iptc)
    for guid, pieces in parts.extended.items():
        packet = _reassembled(guid, pieces, layout, limits)
        if packet:
            layout.add_xmp(packet)
    if layout.trailing_bytes:
        layout.problem("trailing-data", "jpeg", f"{layout.trailing_bytes} bytes after the end")


def _reassembled(
    guid: bytes, pieces: list[tuple[int, int, bytes]], layout: Layout, limits: Limits
) -> bytes | None:
    """Extended XMP: pieces of one packet, each with its offset."""
    where = "jpeg:XMP-extended"
    total = pieces[0][1]
    if total > limits.max_text:
        layout.problem("text-too-long", where, f"packet claims {total} bytes")
        return None
    at, whole = 0, []
    for offset, claimed, data in sorted(pieces, key=lambda piece: piece[0]):
        if offset != at or claimed != total:
            layout.problem("truncated", where, f"packet {guid[:8].hex()} has gaps or overlaps")
            return None
        whole.append(data)
        at += len(data)
    if at != total:
        layout.problem("truncated", where, f"{at} of {total} bytes present")
        return None
    return b"".join(whole)
