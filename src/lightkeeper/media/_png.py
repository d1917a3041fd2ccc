"""Walk PNG and APNG chunks (PNG Specification, Third Edition, 2025)."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from lightkeeper.media._layout import Layout, RawText, TextEncoding, is_c2pa_store, no_picture

if TYPE_CHECKING:
    from lightkeeper.media._limits import Limits

_SIGNATURE_SIZE = 8
_HEAD = struct.Struct(">I4s")
_PICTURE = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT"})
_PIXEL_DATA = frozenset({b"IDAT", b"fdAT"})
_PIXEL_CHUNKS_PER_CHUNK = 20
"""The picture's own chunks are cheap to skip: their own limit is this many times ``max_chunks``."""
_XMP_KEYWORD = "XML:com.adobe.xmp"


def read_png(content: bytes, limits: Limits) -> Layout:
    """Find the size, the pixel chunks and the raw metadata of a PNG."""
    layout = Layout(lossless=True)
    _header(content, layout)
    at, end = _SIGNATURE_SIZE, len(content)
    metadata = pixels = picture = 0
    while at + 8 <= end:
        length, kind = _HEAD.unpack_from(content, at)
        after = at + 12 + length
        if after > end:
            layout.cut_short(f"png:{_name(kind)}", f"chunk claims {length} bytes beyond the end")
        picture += kind in _PICTURE
        if kind in _PIXEL_DATA:
            pixels += 1
            _span(layout, at, min(after, end))
        else:
            metadata += kind not in _PICTURE
            if metadata <= limits.max_chunks:
                _chunk(content, at, min(length, end - at - 8), kind, layout)
        at = after
        if kind == b"IEND":
            layout.trailing_bytes = max(0, end - at)
            break
        if picture > limits.max_chunks * _PIXEL_CHUNKS_PER_CHUNK:
            layout.cut_short("png", f"what follows {picture} chunks of the picture is ignored")
            break
    else:
        layout.cut_short("png", "no IEND chunk")
    _verdict(layout, metadata, pixels, limits)
    return layout


def minimal_png(content: bytes, layout: Layout) -> bytes:
    """The same picture without ancillary chunks, so that no decoder ever inflates a text."""
    if layout.pixel_spans == [(_SIGNATURE_SIZE, len(content))]:
        return content
    return b"".join([content[:_SIGNATURE_SIZE], *(content[a:b] for a, b in layout.pixel_spans)])


def _header(content: bytes, layout: Layout) -> None:
    if len(content) < 33 or content[12:16] != b"IHDR":
        no_picture("PNG", "no complete IHDR chunk")
    layout.width, layout.height, _depth, colour = struct.unpack_from(">IIBB", content, 16)
    layout.has_alpha = colour in (4, 6)


def _span(layout: Layout, start: int, end: int) -> None:
    spans = layout.pixel_spans
    if spans and spans[-1][1] == start:
        spans[-1] = (spans[-1][0], end)
    else:
        spans.append((start, end))


def _chunk(content: bytes, at: int, length: int, kind: bytes, layout: Layout) -> None:
    """Take one chunk other than pixel data."""
    whole = at + 12 + length <= len(content)
    stored = content[at + 8 + length : at + 12 + length]
    if whole and zlib.crc32(content[at + 4 : at + 8 + length]) != int.from_bytes(stored, "big"):
        layout.problem("bad-checksum", f"png:{_name(kind)}", "chunk's CRC does not fit its content")
    if kind in _PICTURE:
        _span(layout, at, min(at + 12 + length, len(content)))
    data = content[at + 8 : at + 8 + length]
    if kind == b"acTL":
        layout.frames = max(1, int.from_bytes(data[:4], "big"))
    elif kind == b"tRNS":
        layout.has_alpha = True
    elif kind == b"eXIf":
        layout.add_exif(data.removeprefix(b"Exif\0\0"))
    elif kind == b"caBX":
        layout.has_c2pa = layout.has_c2pa or is_c2pa_store(data)
    elif kind in _TEXTS:
        _TEXTS[kind](data, layout)


def _text(data: bytes, layout: Layout) -> None:
    keyword, _, text = data.partition(b"\0")
    layout.texts.append(RawText("png:tEXt", keyword.decode("latin-1"), text))


def _comf(data: bytes, layout: Layout) -> None:
    """ComfyUI's private chunk in animations: keyword, zero, JSON."""
    keyword, _, text = data.partition(b"\0")
    layout.texts.append(RawText("png:comf", keyword.decode("latin-1"), text, TextEncoding.UTF_8))


def _deflated_text(data: bytes, layout: Layout) -> None:
    keyword, _, rest = data.partition(b"\0")
    layout.texts.append(RawText("png:zTXt", keyword.decode("latin-1"), rest[1:], deflated=True))


def _international_text(data: bytes, layout: Layout) -> None:
    keyword, _, rest = data.partition(b"\0")
    deflated = rest[:1] == b"\1"
    _language, _, rest = rest[2:].partition(b"\0")
    _translated, _, text = rest.partition(b"\0")
    name = keyword.decode("latin-1")
    if name == _XMP_KEYWORD and not deflated:
        layout.add_xmp(text)
        return
    layout.texts.append(RawText("png:iTXt", name, text, TextEncoding.UTF_8, deflated))


_TEXTS = {
    b"tEXt": _text,
    b"zTXt": _deflated_text,
    b"iTXt": _international_text,
    b"comf": _comf,
}


def _verdict(layout: Layout, metadata: int, pixels: int, limits: Limits) -> None:
    if metadata > limits.max_chunks:
        layout.problem(
            "too-many-chunks", "png", f"{metadata} chunks; those after {limits.max_chunks} ignored"
        )
    if not pixels:
        layout.cut_short("png", "no pixel data")
    if layout.trailing_bytes:
        layout.problem("trailing-data", "png", f"{layout.trailing_bytes} bytes after IEND")


def _name(kind: bytes) -> str:
    return kind.decode("ascii") if kind.isalpha() else kind.hex()
