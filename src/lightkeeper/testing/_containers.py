"""Write benign media byte by byte: any chunk, segment, directory or packet, in any encoding."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Literal, TypeAlias

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
XMP_SIGNATURE = b"http://ns.adobe.com/xap/1.0/\0"
_TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}

TiffValue: TypeAlias = "str | bytes | int | float | tuple[int, bytes]"
"""Text (ASCII), bytes (UNDEFINED), a SHORT or LONG, a RATIONAL, or (type, raw bytes)."""


def png_chunk(kind: str, payload: bytes = b"") -> bytes:
    """One PNG chunk with its length and checksum."""
    body = kind.encode("ascii") + payload
    return struct.pack(">I", len(payload)) + body + struct.pack(">I", zlib.crc32(body))


def png_text(
    keyword: str,
    text: str | bytes,
    *,
    kind: Literal["tEXt", "zTXt", "iTXt", "iTXt-compressed"] = "tEXt",
) -> bytes:
    """One textual chunk; ``bytes`` go in as they are, ``str`` as the chunk type prescribes."""
    key = keyword.encode("latin-1")
    international = kind.startswith("iTXt")
    raw = text.encode("utf-8" if international else "latin-1") if isinstance(text, str) else text
    if kind == "tEXt":
        return png_chunk("tEXt", key + b"\0" + raw)
    if kind == "zTXt":
        return png_chunk("zTXt", key + b"\0\0" + zlib.compress(raw))
    packed = kind == "iTXt-compressed"
    flags = b"\0\1\0" if packed else b"\0\0\0"
    return png_chunk("iTXt", key + flags + b"\0\0" + (zlib.compress(raw) if packed else raw))


def png_bytes(pixels: Pixels, *chunks: bytes, late: Sequence[bytes] = ()) -> bytes:
    """A PNG with ``chunks`` before and ``late`` chunks after its pixel data."""
    return with_png_chunks(_encoded(pixels, "PNG"), *chunks, late=late)


def with_png_chunks(png: bytes, *chunks: bytes, late: Sequence[bytes] = ()) -> bytes:
    """Insert chunks after IHDR, and ``late`` ones before IEND."""
    header_end, tail = 33, len(png) - 12
    return b"".join([png[:header_end], *chunks, png[header_end:tail], *late, png[tail:]])


def jpeg_segment(marker: int, payload: bytes) -> bytes:
    """One JPEG segment, such as ``jpeg_segment(0xE1, ...)``."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(payload) + 2) + payload


def jpeg_exif(tiff: bytes) -> bytes:
    """An APP1 segment that holds a TIFF structure."""
    return jpeg_segment(0xE1, b"Exif\0\0" + tiff)


def jpeg_xmp(packet: bytes) -> bytes:
    """An APP1 segment that holds an XMP packet."""
    return jpeg_segment(0xE1, XMP_SIGNATURE + packet)


def jpeg_comment(text: str | bytes) -> bytes:
    """A COM segment."""
    return jpeg_segment(0xFE, text.encode() if isinstance(text, str) else text)


def jpeg_iptc(datasets: Sequence[tuple[int, int, bytes]]) -> bytes:
    """An APP13 segment with IPTC IIM datasets (record, number, value)."""
    iim = b"".join(struct.pack(">BBBH", 0x1C, r, n, len(v)) + v for r, n, v in datasets)
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iim)) + iim + b"\0" * (len(iim) % 2)
    return jpeg_segment(0xED, b"Photoshop 3.0\0" + resource)


def jpeg_bytes(pixels: Pixels, *segments: bytes, quality: int = 90) -> bytes:
    """A JPEG with ``segments`` after its start marker."""
    return with_jpeg_segments(_encoded(pixels, "JPEG", quality=quality), *segments)


def with_jpeg_segments(jpeg: bytes, *segments: bytes) -> bytes:
    """Insert segments directly after SOI."""
    return b"".join([jpeg[:2], *segments, jpeg[2:]])


def riff_chunk(kind: bytes, payload: bytes) -> bytes:
    """One RIFF chunk with its padding."""
    return kind + struct.pack("<I", len(payload)) + payload + b"\0" * (len(payload) % 2)


def webp_bytes(
    pixels: Pixels,
    *chunks: bytes,
    exif: bytes | None = None,
    xmp: bytes | None = None,
    lossless: bool = False,
) -> bytes:
    """A WebP; metadata makes it an extended one (VP8X) with the flags that fit."""
    plain = _encoded(pixels, "WEBP", lossless=lossless, quality=90)
    if exif is not None:
        chunks = (*chunks, riff_chunk(b"EXIF", exif))
    if xmp is not None:
        chunks = (*chunks, riff_chunk(b"XMP ", xmp))
    return with_webp_chunks(plain, *chunks) if chunks else plain


def with_webp_chunks(webp: bytes, *chunks: bytes) -> bytes:
    """Append RIFF chunks; a simple file gets a VP8X header first."""
    body = webp[12:]
    if body[:4] != b"VP8X":
        with Image.open(io.BytesIO(webp), formats=["WEBP"]) as image:
            width, height = image.size
            flags = 0x10 * (image.mode == "RGBA")
        sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        body = riff_chunk(b"VP8X", bytes([flags, 0, 0, 0]) + sides) + body
    kinds = {chunk[:4] for chunk in chunks}
    flags = body[8] | 0x08 * (b"EXIF" in kinds) | 0x04 * (b"XMP " in kinds)
    body = body[:8] + bytes([flags]) + body[9:] + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def gif_bytes(pixels: Pixels, *, comment: bytes | None = None, frames: int = 1) -> bytes:
    """A GIF, with a comment extension before its first frame."""
    first = Image.fromarray(pixels).quantize(64)
    # Pillow merges equal frames: turn each one a little.
    more = [first.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if n % 2 else first
            for n in range(1, frames)]  # fmt: skip
    buffer = io.BytesIO()
    first.save(buffer, "GIF", save_all=frames > 1, append_images=more, duration=40)
    gif = buffer.getvalue()
    if comment is None:
        return gif
    blocks = [comment[i : i + 255] for i in range(0, len(comment), 255)]
    extension = b"\x21\xfe" + b"".join(bytes([len(b)]) + b for b in blocks) + b"\0"
    table_end = 13 + (3 << ((gif[10] & 7) + 1) if gif[10] & 0x80 else 0)
    return gif[:table_end] + extension + gif[table_end:]


def encoded_bytes(pixels: Pixels, file_format: str, **options: object) -> bytes:
    """Pillow's own encoding: ``BMP``, ``TIFF``, ``AVIF`` and what else it writes."""
    return _encoded(pixels, file_format, **options)


def user_comment(text: str, *, prefix: bytes = b"UNICODE\0", encoding: str = "utf-16-be") -> bytes:
    """An EXIF UserComment with any declared prefix over any real encoding."""
    return prefix + text.encode(encoding)


def tiff_block(
    *,
    ifd0: Mapping[int, TiffValue] | None = None,
    exif: Mapping[int, TiffValue] | None = None,
    gps: Mapping[int, TiffValue] | None = None,
    order: Literal["II", "MM"] = "MM",
) -> bytes:
    """A TIFF structure with IFD0 and, where given, Exif and GPS directories.

    Parameters
    ----------
    ifd0, exif, gps : mapping from tag to value
        See :data:`TiffValue`.
    order : "II" or "MM"
        Byte order of the directories; texts inside values keep their own.
    """
    mark = "<" if order == "II" else ">"
    entries = dict(ifd0 or {})
    children = [(tag, d) for tag, d in ((0x8769, exif), (0x8825, gps)) if d is not None]
    for tag, _ in children:
        entries[tag] = (4, b"\0\0\0\0")
    start = 8 + len(_directory(entries, 8, mark))
    rest = b""
    for tag, directory in children:
        entries[tag] = (4, struct.pack(mark + "I", start + len(rest)))
        rest += _directory(directory, start + len(rest), mark)
    head = order.encode() + struct.pack(mark + "HI", 42, 8)
    return head + _directory(entries, 8, mark) + rest


def xmp_packet(
    properties: Mapping[str, str], *, namespaces: Mapping[str, str], body: str = ""
) -> bytes:
    """An XMP packet: ``prefix:name`` properties as attributes, ``body`` as further elements."""
    spaces = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in namespaces.items())
    attributes = "".join(f' {name}="{_escaped(value)}"' for name, value in properties.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about=""{spaces}{attributes}>{body}</rdf:Description>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def _escaped(value: str) -> str:
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), ('"', "&quot;"), ("\n", "&#10;")):
        value = value.replace(char, entity)
    return value


def _directory(entries: Mapping[int, TiffValue], at: int, mark: str) -> bytes:
    values_at = at + 2 + 12 * len(entries) + 4
    table, values = struct.pack(mark + "H", len(entries)), b""
    for tag, value in sorted(entries.items()):
        kind, raw = _typed(value, mark)
        count = len(raw) // _TYPE_SIZES.get(kind, 1)
        table += struct.pack(mark + "HHI", tag, kind, count)
        if len(raw) <= 4:
            table += raw.ljust(4, b"\0")
        else:
            table += struct.pack(mark + "I", values_at + len(values))
            values += raw + b"\0" * (len(raw) % 2)
    return table + b"\0\0\0\0" + values


def _typed(value: TiffValue, mark: str) -> tuple[int, bytes]:
    if isinstance(value, tuple):
        return value
    if isinstance(value, str):
        return 2, value.encode() + b"\0"
    if isinstance(value, bytes):
        return 7, value
    if isinstance(value, float):
        return 5, struct.pack(mark + "II", round(value * 10_000), 10_000)
    return (
        (3, struct.pack(mark + "H", value))
        if value < 65_536
        else (4, struct.pack(mark + "I", value))
    )


def _encoded(pixels: Pixels, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, file_format, **options)
    return buffer.getvalue()
