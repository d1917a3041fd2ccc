"""Turn bytes into text by what they hold, not by what a label says.

Real files pair every EXIF byte order with every UTF-16 order, put UTF-8 behind an ``ASCII``
label, and leave the label out; only the content is reliable.
"""

from __future__ import annotations

import re
import zlib

from lightkeeper.media._layout import TextEncoding

_LABELS = (b"UNICODE\0", b"ASCII\0\0\0", b"JIS\0\0\0\0\0", b"\0\0\0\0\0\0\0\0")
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_ANY_LATIN, _MOSTLY_LATIN = 8, 2
"""One zero byte among this many UTF-16 units is enough to tell the byte order. Text of type ASCII
may hold zeros between its parts, so there half of all units must have one."""


def container_text(raw: bytes, encoding: TextEncoding) -> tuple[str, str]:
    """Decode a chunk's or segment's text; gives the text and the encoding that was used.

    Raw UTF-8 where latin-1 is prescribed is common; multi-byte UTF-8 is never latin-1 by chance.
    """
    if encoding is TextEncoding.COMMENT:
        text, used = free_text(raw)
        return text.rstrip("\0"), used
    if raw.isascii():
        return raw.decode("ascii"), encoding.value
    try:
        return raw.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return raw.decode("latin-1"), "latin-1"


def comment_text(raw: bytes) -> str | None:
    """Read an EXIF UserComment, with or without its eight-byte label."""
    label = raw[:8]
    if label in _LABELS:
        raw = raw[8:]
    if label == _LABELS[2]:
        try:
            return raw.rstrip(b"\0 ").decode("iso2022_jp") or None
        except UnicodeDecodeError:
            pass
    text, _ = free_text(raw, wide=label == _LABELS[0])
    text = text.rstrip("\0 ") if not text.strip("\0 ") else text.rstrip("\0")
    return text or None


def plain_text(raw: bytes) -> str | None:
    """Read bytes of no declared type, if they are text without control characters."""
    stripped = raw.rstrip(b"\0")
    if len(stripped) < 2:
        return None
    text, used = free_text(raw)
    text = text.rstrip("\0")
    return None if used == "latin-1" or _CONTROLS.search(text) else text


def ascii_text(raw: bytes) -> str:
    """Read a value of TIFF type ASCII: UTF-8 in practice, now and then UTF-16."""
    return free_text(raw, one_in=_MOSTLY_LATIN)[0].rstrip("\0")


def free_text(raw: bytes, *, wide: bool = False, one_in: int = _ANY_LATIN) -> tuple[str, str]:
    """Decode text of unknown encoding: byte order mark, zero-byte statistics, UTF-8, latin-1.

    Parameters
    ----------
    raw : bytes
    wide : bool
        A label claims UTF-16: used only where neither zero bytes nor valid UTF-8 decide.
    one_in : int
        Units of UTF-16 among which one zero byte tells the byte order.
    """
    for mark, encoding in _BOMS:
        if raw.startswith(mark):
            return _wide(raw[len(mark) :], encoding), encoding
    order = _wide_order(raw, one_in)
    if order:
        return _wide(raw, order), order
    text, encoding = _mostly_utf8(raw.rstrip(b"\0"))
    if wide and encoding == "latin-1":
        order = _narrower_half(raw)
        return _wide(raw, order), order
    return text, encoding


def inflate(data: bytes, limit: int) -> tuple[bytes, bool]:
    """Inflate at most ``limit`` bytes; tells whether the stream ended properly.

    A longer result has ``limit + 1`` bytes, and no more was ever held.
    """
    stream = zlib.decompressobj()
    try:
        out = stream.decompress(data, limit + 1)
    except zlib.error:
        return _inflate_damaged(data, limit), False
    return out, stream.eof or len(out) > limit


def _inflate_damaged(data: bytes, limit: int) -> bytes:
    stream, out = zlib.decompressobj(), bytearray()
    try:
        for at in range(0, len(data), 512):
            out += stream.decompress(data[at : at + 512], limit + 1 - len(out))
            if stream.eof or len(out) > limit:
                break
    except zlib.error:
        pass
    return bytes(out)


def _wide_order(raw: bytes, one_in: int) -> str | None:
    """UTF-16 byte order by where the zero bytes stand, ``None`` where there are few."""
    text = raw.rstrip(b"\0")
    even, odd = text[::2].count(0), text[1::2].count(0)
    if not even + odd or max(even, odd) * one_in < len(text) / 2:
        return None
    if even > 2 * odd:
        return "utf-16-be"
    return "utf-16-le" if odd > 2 * even else None


def _narrower_half(raw: bytes) -> str:
    """UTF-16 byte order for text without zero bytes: high bytes vary less than low ones."""
    return "utf-16-le" if len(set(raw[1::2])) < len(set(raw[::2])) else "utf-16-be"


def _wide(raw: bytes, encoding: str) -> str:
    if encoding.startswith("utf-16") and len(raw) % 2:
        # A stray last byte: the zero of a little-endian letter may have been stripped.
        raw = raw + b"\0" if encoding == "utf-16-le" else raw[:-1]
    return raw.decode(encoding, "replace").rstrip("\0")


def _mostly_utf8(raw: bytes) -> tuple[str, str]:
    """Text that was cut inside its last multi-byte character is still UTF-8."""
    try:
        return raw.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        whole = raw[: error.start]
        if error.reason == "unexpected end of data" and not whole.isascii():
            return whole.decode("utf-8"), "utf-8"
    return raw.decode("latin-1"), "latin-1"
