"""Walk ISO media boxes of AVIF and HEIC (ISO/IEC 14496-12, 23008-12; AV1 Image File Format)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lightkeeper.media._layout import Layout, no_picture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lightkeeper.media._limits import Limits

_C2PA_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_SAMPLE_SIZES = (b"trak", b"mdia", b"minf", b"stbl", b"stsz")
_TURNS = {(0, None): 1, (1, None): 8, (2, None): 3, (3, None): 6,
          (0, 0): 4, (1, 0): 5, (2, 0): 2, (3, 0): 7,
          (0, 1): 2, (1, 1): 7, (2, 1): 4, (3, 1): 5}  # fmt: skip
"""(quarter turns anticlockwise, mirror axis) as an EXIF orientation; the turn comes first."""


@dataclass(slots=True)
class _Items:
    """The ``meta`` box: items, where they lie, and the primary one's properties."""

    primary: int = 0
    kinds: dict[int, bytes] = field(default_factory=dict)
    content_types: dict[int, bytes] = field(default_factory=dict)
    extents: dict[int, list[tuple[int, int, int]]] = field(default_factory=dict)
    properties: list[tuple[bytes, bytes]] = field(default_factory=list)
    associations: dict[int, list[int]] = field(default_factory=dict)
    data: bytes = b""


def read_bmff(content: bytes, limits: Limits, *, decoder_turns: bool) -> Layout:
    """Find the size, the EXIF and XMP items and C2PA boxes of an AVIF or HEIC.

    Parameters
    ----------
    content : bytes
    limits : Limits
    decoder_turns : bool
        The decoder applies ``irot`` and ``imir`` itself (libheif does, libavif does not).
    """
    layout, budget = Layout(), [limits.max_chunks]
    items = _Items()
    for kind, start, end in _boxes(content, 0, len(content), budget, layout):
        if kind == b"meta":
            _meta(content, start + 4, end, items, budget, layout)
        elif kind == b"uuid":
            layout.has_c2pa = layout.has_c2pa or content[start : start + 16] == _C2PA_UUID
            if content[start : start + 16] == _XMP_UUID:
                layout.add_xmp(content[start + 16 : end])
        elif kind == b"moov":
            layout.frames = max(1, _samples(content, start, end, 0, budget, layout))
    if budget[0] <= 0:
        layout.problem("too-many-chunks", "bmff", f"more than {limits.max_chunks} boxes or items")
    _picture(items, layout, decoder_turns=decoder_turns)
    if not layout.width or not layout.height:
        no_picture("AVIF/HEIC", "no primary item that states a size")
    _metadata(content, items, layout, limits)
    return layout


def _boxes(
    content: bytes, at: int, end: int, budget: list[int], layout: Layout
) -> Iterator[tuple[bytes, int, int]]:
    """Boxes between two offsets: kind, start and end of the body."""
    while at + 8 <= end and budget[0] > 0:
        budget[0] -= 1
        size, kind = struct.unpack_from(">I4s", content, at)
        start = at + 8
        if size == 1 and at + 16 <= end:
            (size,) = struct.unpack_from(">Q", content, at + 8)
            start = at + 16
        after = end if size == 0 else at + size
        if after > end or after < start:
            where = f"bmff:{kind.decode('latin-1')}"
            layout.cut_short(where, f"box claims {size} bytes, beyond its parent's end")
            after = end
        yield kind, start, after
        at = after


def _meta(
    content: bytes, start: int, end: int, items: _Items, budget: list[int], layout: Layout
) -> None:
    for kind, a, b in _boxes(content, start, end, budget, layout):
        body = content[a:b] if kind in _META else b""
        try:
            if kind in _META:
                _META[kind](body, items, budget)
            elif kind == b"idat":
                items.data = content[a:b]
            elif kind == b"iprp":
                _item_properties(content, a, b, items, budget, layout)
        except (struct.error, IndexError):
            layout.problem("damaged", f"bmff:{kind.decode('latin-1')}", "box ends too early")


def _item_properties(
    content: bytes, start: int, end: int, items: _Items, budget: list[int], layout: Layout
) -> None:
    for kind, a, b in _boxes(content, start, end, budget, layout):
        if kind == b"ipco":
            items.properties = [
                (k, content[x : min(y, x + 64)])
                for k, x, y in _boxes(content, a, b, budget, layout)
            ]
        elif kind == b"ipma":
            _associations(content[a:b], items, budget)


def _primary(body: bytes, items: _Items, budget: list[int]) -> None:
    items.primary = int.from_bytes(body[4:8] if body[0] else body[4:6], "big")


def _item_infos(body: bytes, items: _Items, budget: list[int]) -> None:
    at = 8 if body[0] else 6
    for kind, start, end in _boxes(body, at, len(body), budget, Layout()):
        if kind != b"infe" or body[start] < 2:
            continue
        wide = body[start] > 2
        item = int.from_bytes(body[start + 4 : start + (8 if wide else 6)], "big")
        name_at = start + (10 if wide else 8)
        items.kinds[item] = body[name_at : name_at + 4]
        if items.kinds[item] == b"mime":
            strings = body[name_at + 4 : end].split(b"\0", 2)
            items.content_types[item] = strings[1] if len(strings) > 1 else b""


def _locations(body: bytes, items: _Items, budget: list[int]) -> None:
    version, sizes, more = body[0], body[4], body[5]
    widths = sizes >> 4, sizes & 15, more >> 4, (more & 15) if version else 0
    id_width = 4 if version == 2 else 2
    cursor = _Cursor(body, 6)
    for _ in range(min(cursor.take(id_width), budget[0])):
        item = cursor.take(id_width)
        method = cursor.take(2) & 15 if version else 0
        cursor.take(2)
        base = cursor.take(widths[2])
        extents = items.extents.setdefault(item, [])
        for _ in range(cursor.take(2)):
            budget[0] -= 1
            cursor.take(widths[3])
            offset, length = cursor.take(widths[0]), cursor.take(widths[1])
            if budget[0] <= 0:
                return
            extents.append((method, base + offset, length))


def _associations(body: bytes, items: _Items, budget: list[int]) -> None:
    cursor = _Cursor(body, 4)
    wide_index = bool(body[3] & 1)
    for _ in range(min(cursor.take(4), budget[0])):
        item = cursor.take(4 if body[0] else 2)
        found = items.associations.setdefault(item, [])
        for _ in range(cursor.take(1)):
            budget[0] -= 1
            raw = cursor.take(2 if wide_index else 1)
            found.append(raw & (0x7FFF if wide_index else 0x7F))


_META = {b"pitm": _primary, b"iinf": _item_infos, b"iloc": _locations}


class _Cursor:
    """Reads big-endian integers one after another."""

    def __init__(self, body: bytes, at: int) -> None:
        self.body, self.at = body, at

    def take(self, width: int) -> int:
        """Next integer; ``IndexError`` at the end."""
        after = self.at + width
        if after > len(self.body):
            raise IndexError
        value = int.from_bytes(self.body[self.at : after], "big")
        self.at = after
        return value


def _picture(items: _Items, layout: Layout, *, decoder_turns: bool) -> None:
    """Size and turning of the primary item."""
    turns, axis = 0, None
    for index in items.associations.get(items.primary, []):
        if not 1 <= index <= len(items.properties):
            continue
        kind, body = items.properties[index - 1]
        if kind == b"ispe" and len(body) >= 12:
            layout.width, layout.height = struct.unpack_from(">II", body, 4)
        elif kind == b"irot" and body:
            turns = body[0] & 3
        elif kind == b"imir" and body:
            axis = body[0] & 1
    layout.has_alpha = any(k == b"auxC" and b"alpha" in body for k, body in items.properties)
    if decoder_turns:
        layout.turn = 1
        if turns % 2:
            layout.width, layout.height = layout.height, layout.width
    else:
        layout.turn = _TURNS[turns, axis]


def _metadata(content: bytes, items: _Items, layout: Layout, limits: Limits) -> None:
    left = limits.max_text_total
    for item, kind in items.kinds.items():
        is_xmp = kind == b"mime" and items.content_types.get(item) == b"application/rdf+xml"
        if kind != b"Exif" and not is_xmp:
            continue
        data = _item_data(content, items, item, layout, left)
        left -= len(data)
        if is_xmp and data:
            layout.add_xmp(data)
        elif len(data) > 8:
            # The item starts with the offset of the TIFF header after these four bytes.
            start = 4 + int.from_bytes(data[:4], "big")
            layout.add_exif(data[start:].removeprefix(b"Exif\0\0"))


def _item_data(content: bytes, items: _Items, item: int, layout: Layout, left: int) -> bytes:
    """Bytes of one item, at most ``left`` of them."""
    parts = []
    for method, offset, length in items.extents.get(item, []):
        source = items.data if method == 1 else content
        # No length means up to the end.
        part = source[offset : offset + (min(length, left) if length else left)]
        if len(part) < length:
            layout.problem("truncated", "bmff:iloc", f"item {item} reaches beyond the end or limit")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _samples(
    content: bytes, start: int, end: int, depth: int, budget: list[int], layout: Layout
) -> int:
    """Largest number of samples of any track: the frames of an image sequence."""
    best = 0
    for kind, a, b in _boxes(content, start, end, budget, layout):
        if kind != _SAMPLE_SIZES[depth]:
            continue
        if kind == b"stsz":
            best = max(best, int.from_bytes(content[a + 8 : min(a + 12, b)], "big"))
        else:
            best = max(best, _samples(content, a, b, depth + 1, budget, layout))
    return best
