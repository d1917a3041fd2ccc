"""Read TIFF directories, in EXIF blocks and in TIFF files (TIFF 6.0; Exif 3.0, CIPA DC-008)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.media._embedded import ExifField, Ifd
from lightkeeper.media._layout import Layout, no_picture
from lightkeeper.media._text import ascii_text, comment_text, plain_text
from lightkeeper.media._types import Problem

if TYPE_CHECKING:
    from lightkeeper.media._limits import Limits

_FORMATS = {
    1: "B", 2: "s", 3: "H", 4: "I", 5: "II", 6: "b", 7: "s", 8: "h", 9: "i", 10: "ii",
    11: "f", 12: "d", 13: "I",
}  # fmt: skip
_SIZES = {kind: struct.calcsize("=" + code) for kind, code in _FORMATS.items()}
_CHILDREN: dict[int, Ifd] = {0x8769: "exif", 0x8825: "gps", 0xA005: "interop"}
_CHAIN: dict[int, Ifd] = {1: "ifd0", 2: "ifd1"}
_USER_COMMENT = 0x9286
_MAKER_NOTE = 0x927C
_WINDOWS_TEXTS = range(0x9C9B, 0x9CA0)
_WIDTH, _HEIGHT, _COMPRESSION, _SAMPLES = 0x0100, 0x0101, 0x0103, 0x0115
_XMP, _IPTC, _C2PA = 0x02BC, 0x83BB, 0xCD41
_LOSSY_COMPRESSIONS = (6, 7)
_MOST_NUMBERS = 4_096
"""Numbers of one entry that are kept: strip tables of large TIFFs have no use here."""
_NUMBER_TAKES = 40
"""Bytes that a number takes once it is read."""
_MOST_MAKER_NOTE = 65_536
_TEXT_CAP = 65_536
"""Bytes of BYTE and UNDEFINED entries, other than comments, that are tried as text."""


@dataclass(slots=True)
class Budget:
    """What all directories of one file together may still take."""

    entries: int
    size: int

    @classmethod
    def of(cls, limits: Limits) -> Budget:
        """The whole of it."""
        return cls(limits.max_chunks, limits.max_text_total)


class Directories:
    """A bounded, cycle-proof walk over the directories of one TIFF structure."""

    def __init__(self, block: bytes, limits: Limits, *, budget: Budget | None = None) -> None:
        self.block, self.limits = block, limits
        self.fields: list[ExifField] = []
        self.problems: list[Problem] = []
        self.pages = 0
        self._seen: set[int] = set()
        self._budget = budget or Budget.of(limits)
        self._mark = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4], "")
        if not self._mark or len(block) < 8:
            self._problem("damaged", "exif", "no TIFF header")
            return
        self._chain(*struct.unpack_from(self._mark + "I", block, 4))

    def number(self, tag: int) -> int:
        """First number of an IFD0 entry, 0 where it is absent."""
        for entry in self.fields:
            if entry.ifd == "ifd0" and entry.tag == tag and isinstance(entry.value, tuple):
                # A fraction or a float may be no number at all, or infinite.
                first = entry.value[0] if entry.value else 0
                return int(first) if 0 <= first < 1 << 32 else 0
        return 0

    def raw(self, tag: int) -> bytes:
        """Bytes of an IFD0 entry, empty where it is absent."""
        for entry in self.fields:
            if entry.ifd == "ifd0" and entry.tag == tag and isinstance(entry.value, bytes):
                return entry.value
        return b""

    def _chain(self, offset: int) -> None:
        """IFD0 and its successors; only the first two are named by the standard."""
        while offset and self.pages < self.limits.max_frames:
            self.pages += 1
            offset = self._directory(offset, _CHAIN.get(self.pages), depth=0)

    def _directory(self, offset: int, name: Ifd | None, *, depth: int) -> int:
        """Read one directory; gives the offset of the next one in its chain."""
        where = f"exif:{name or 'ifd'}"
        if offset in self._seen or depth > min(8, self.limits.max_nesting):
            self._problem("cyclic", where, f"directory at {offset} was read before")
            return 0
        self._seen.add(offset)
        if offset + 2 > len(self.block):
            self._problem("truncated", where, f"directory at {offset} lies beyond the end")
            return 0
        (count,) = struct.unpack_from(self._mark + "H", self.block, offset)
        table_end = offset + 2 + 12 * count
        if table_end > len(self.block):
            self._problem("truncated", where, f"{count} entries reach beyond the end")
            count = (len(self.block) - offset - 2) // 12
        if name is not None:
            for at in range(offset + 2, offset + 2 + 12 * count, 12):
                self._entry(at, name, depth)
        if table_end + 4 > len(self.block):
            return 0
        return int(struct.unpack_from(self._mark + "I", self.block, table_end)[0])

    def _entry(self, at: int, name: Ifd, depth: int) -> None:
        self._budget.entries -= 1
        if self._budget.entries < 0:
            self._problem("too-many-chunks", f"exif:{name}", "too many entries; the rest ignored")
            return
        tag, kind, count = struct.unpack_from(self._mark + "HHI", self.block, at)
        size = _SIZES.get(kind, 0) * count
        if not size:
            return
        start = at + 8 if size <= 4 else struct.unpack_from(self._mark + "I", self.block, at + 8)[0]
        where = f"exif:{name}:0x{tag:04X}"
        if start + size > len(self.block):
            self._problem("truncated", where, f"value of {size} bytes reaches beyond the end")
        raw = self._raw(start, size, tag, kind, where)
        if not raw:
            return
        child = _CHILDREN.get(tag)
        if child and kind in (4, 13) and len(raw) >= 4:
            self._directory(struct.unpack(self._mark + "I", raw[:4])[0], child, depth=depth + 1)
            return
        value, text = self._value(raw, kind, tag)
        self.fields.append(ExifField(name, tag, value, text))

    def _raw(self, start: int, size: int, tag: int, kind: int, where: str) -> bytes:
        if tag == _MAKER_NOTE:
            size = min(size, _MOST_MAKER_NOTE)
        elif kind not in (1, 2, 7):
            size = min(size, _MOST_NUMBERS * _SIZES[kind])
        takes = size if kind in (1, 2, 7) else size // _SIZES[kind] * _NUMBER_TAKES
        if takes > min(self.limits.max_text, self._budget.size):
            self._problem("text-too-long", where, f"value of {size} bytes passes the limit")
            return b""
        raw = self.block[start : start + size]
        self._budget.size -= takes
        return raw

    def _value(
        self, raw: bytes, kind: int, tag: int
    ) -> tuple[bytes | str | tuple[float | int, ...], str | None]:
        if kind == 2:
            text = ascii_text(raw)
            return text, text or None
        if kind in (1, 7):
            return raw, _text_of(raw, tag)
        return self._numbers(raw, kind), None

    def _numbers(self, raw: bytes, kind: int) -> tuple[float | int, ...]:
        count = len(raw) // _SIZES[kind]
        code = _FORMATS[kind]
        found = struct.unpack_from(f"{self._mark}{count * len(code)}{code[0]}", raw)
        if len(code) == 1:
            return found
        pairs = zip(found[::2], found[1::2], strict=True)
        return tuple(top / bottom if bottom else float("nan") for top, bottom in pairs)

    def _problem(self, code: str, where: str, message: str) -> None:
        if len(self.problems) < 100:
            self.problems.append(Problem(code, where, message))


def _text_of(raw: bytes, tag: int) -> str | None:
    if tag == _USER_COMMENT:
        return comment_text(raw)
    if tag in _WINDOWS_TEXTS:
        return raw.decode("utf-16-le", "replace").rstrip("\0") or None
    return plain_text(raw) if len(raw) <= _TEXT_CAP else None


def read_tiff(content: bytes, limits: Limits) -> Layout:
    """Find the size, pages and raw metadata of a TIFF file.

    The whole file is its own EXIF block: directories are read once more for the fields, which
    costs little and keeps one way of reading them.
    """
    found = Directories(content, limits)
    layout = Layout(
        width=found.number(_WIDTH), height=found.number(_HEIGHT), frames=max(1, found.pages)
    )
    if not layout.width or not layout.height:
        no_picture("TIFF", "no directory that states a size")
    layout.lossless = found.number(_COMPRESSION) not in _LOSSY_COMPRESSIONS
    layout.has_alpha = found.number(_SAMPLES) in (2, 4) and bool(found.number(0x0152))
    layout.components = max(1, found.number(_SAMPLES))
    layout.has_c2pa = bool(found.raw(_C2PA))
    layout.add_exif(content)
    if packet := found.raw(_XMP):
        layout.add_xmp(packet)
    if iptc := found.raw(_IPTC):
        layout.iptc_blocks.append(iptc)
    return layout
