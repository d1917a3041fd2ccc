"""Rewrite an EXIF block: take fields out, put fields in, leave the rest as it was.

A maker note holds offsets from the start of the block, in a form that only its camera knows: it
keeps its place, and everything else is laid out around it. The preview directory (IFD1) and the
fields that describe a TIFF's own pixels are not carried.

References
----------
.. [1] CIPA DC-008, "Exchangeable image file format for digital still cameras: Exif 2.32".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Directory = Literal["ifd0", "exif", "gps", "interop"]

ASCII, UNDEFINED = 2, 7
_LONG = 4
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_MAX_ENTRIES = 512
_MAX_MAKER_NOTE_AT = 1 << 20
_MAKER_NOTE = 0x927C
_POINTERS: dict[int, tuple[Directory, Directory]] = {
    0x8769: ("ifd0", "exif"),
    0x8825: ("ifd0", "gps"),
    0xA005: ("exif", "interop"),
}
_STRUCTURE = frozenset({0x00FE, 0x00FF, *range(0x0100, 0x0104), 0x0106, 0x0111}) | frozenset(
    {*range(0x0115, 0x0118), 0x011C, 0x013D, *range(0x0140, 0x0146), 0x014A, 0x0152, 0x0153}
    | {0x015B, *range(0x0200, 0x020A), *range(0x0211, 0x0215), 0x02BC, 0x83BB, 0x8649, 0x8773}
)
"""Fields about a TIFF's own raster, and packets (XMP, IPTC, Photoshop, ICC) carried elsewhere."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One field: its TIFF type and raw value; ``at`` where the value must stay."""

    kind: int
    raw: bytes
    at: int | None = None


@dataclass(frozen=True, slots=True)
class ExifBlock:
    """The directories of one block; ``mark`` is the byte order as ``struct`` writes it."""

    mark: str = ">"
    entries: Mapping[tuple[Directory, int], Entry] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    """What could not be carried: ``preview``, ``damaged``."""

    def without(self, keys: Iterable[tuple[Directory, int]]) -> ExifBlock:
        """The same without these fields."""
        gone = set(keys)
        return replace(self, entries={k: e for k, e in self.entries.items() if k not in gone})

    def having(self, fields: Mapping[tuple[Directory, int], Entry]) -> ExifBlock:
        """The same with these fields set."""
        return replace(self, entries={**self.entries, **fields})


def parse_exif(block: bytes) -> ExifBlock:
    """Read a TIFF structure; a field that lies about itself is left out and said so."""
    mark = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if mark is None or len(block) < 8:
        return ExifBlock(left_out=("damaged",) if block else ())
    reader = _Reader(block, mark)
    reader.read("ifd0", struct.unpack_from(mark + "I", block, 4)[0])
    return ExifBlock(mark, reader.entries, tuple(sorted(reader.left_out)))


class _Reader:
    def __init__(self, block: bytes, mark: str) -> None:
        self._block = block
        self._mark = mark
        self._seen: set[int] = set()
        self.entries: dict[tuple[Directory, int], Entry] = {}
        self.left_out: set[str] = set()
        # Values of an honest block do not overlap: all of them together are no longer than it.
        self._left = len(block)

    def read(self, directory: Directory, at: int) -> None:
        block, mark = self._block, self._mark
        if at in self._seen or at + 2 > len(block):
            self.left_out.add("damaged")
            return
        self._seen.add(at)
        (count,) = struct.unpack_from(mark + "H", block, at)
        if count > _MAX_ENTRIES or at + 2 + 12 * count > len(block):
            self.left_out.add("damaged")
            count = min(count, _MAX_ENTRIES, (len(block) - at - 2) // 12)
        for slot in range(at + 2, at + 2 + 12 * count, 12):
            self._entry(directory, slot)
        end = at + 2 + 12 * count
        if directory == "ifd0" and any(block[end : end + 4]):
            self.left_out.add("preview")

    def _entry(self, directory: Directory, slot: int) -> None:
        block, mark = self._block, self._mark
        tag, kind, count = struct.unpack_from(mark + "HHI", block, slot)
        size = _SIZES.get(kind, 0) * count
        value_at = slot + 8 if size <= 4 else struct.unpack_from(mark + "I", block, slot + 8)[0]
        if kind not in _SIZES or value_at + size > len(block) or size > self._left:
            self.left_out.add("damaged")
        elif tag in _POINTERS and _POINTERS[tag][0] == directory:
            if kind == _LONG and size == 4:
                self.read(_POINTERS[tag][1], struct.unpack_from(mark + "I", block, value_at)[0])
        elif directory != "ifd0" or tag not in _STRUCTURE or kind == ASCII:
            fixed = tag == _MAKER_NOTE and size > 4 and value_at <= _MAX_MAKER_NOTE_AT
            raw = block[value_at : value_at + size]
            self._left -= size
            self.entries.setdefault((directory, tag), Entry(kind, raw, value_at if fixed else None))


def build_exif(block: ExifBlock) -> bytes:
    """Write the block; empty where there is nothing to write."""
    if not block.entries:
        return b""
    tables = _tables(block)
    fixed = [(e.at, e.at + len(e.raw)) for e in block.entries.values() if e.at is not None]
    space = _Space(fixed)
    places = {name: space.take(2 + 12 * len(table) + 4) for name, table in tables.items()}
    for tag, (parent, child) in _POINTERS.items():
        if child in tables:
            tables[parent][tag] = Entry(_LONG, struct.pack(block.mark + "I", places[child]))
    order = b"II*\0" if block.mark == "<" else b"MM\0*"
    space.write(0, order + struct.pack(block.mark + "I", places["ifd0"]))
    for name, table in tables.items():
        space.write(places[name], _render(table, space, block.mark))
    return bytes(space.content)


def _tables(block: ExifBlock) -> dict[Directory, dict[int, Entry]]:
    tables: dict[Directory, dict[int, Entry]] = {"ifd0": {}}
    for name in ("exif", "gps", "interop"):
        if any(directory == name for directory, _ in block.entries):
            tables[name] = {}
    if "interop" in tables:
        tables.setdefault("exif", {})
    for (directory, tag), entry in block.entries.items():
        tables[directory][tag] = entry
    for tag, (parent, child) in _POINTERS.items():
        if child in tables:
            tables[parent][tag] = Entry(_LONG, b"\0\0\0\0")
    return tables


def _render(table: dict[int, Entry], space: _Space, mark: str) -> bytes:
    out = struct.pack(mark + "H", len(table))
    for tag, entry in sorted(table.items()):
        out += struct.pack(mark + "HHI", tag, entry.kind, len(entry.raw) // _SIZES[entry.kind])
        if len(entry.raw) <= 4:
            out += entry.raw.ljust(4, b"\0")
            continue
        at = entry.at if entry.at is not None else space.take(len(entry.raw))
        space.write(at, entry.raw)
        out += struct.pack(mark + "I", at)
    return out + b"\0\0\0\0"


class _Space:
    """Hands out places in the block, around those that are taken from the start."""

    def __init__(self, fixed: Iterable[tuple[int, int]]) -> None:
        self._fixed = sorted(fixed)
        self._next = 8
        self.content = bytearray()

    def take(self, size: int) -> int:
        at = self._next + self._next % 2
        for start, end in self._fixed:
            if at < end and start < at + size:
                at = end + end % 2
        self._next = at + size
        return at

    def write(self, at: int, data: bytes) -> None:
        missing = at + len(data) - len(self.content)
        self.content.extend(b"\0" * max(0, missing))
        self.content[at : at + len(data)] = data


def ascii_entry(text: str) -> Entry:
    """A text field; beyond ASCII it holds UTF-8, as most writers do."""
    return Entry(ASCII, text.encode("utf-8") + b"\0")


def unicode_comment(text: str) -> Entry:
    """A UserComment that every reader known to us understands.

    ``UNICODE`` and big-endian UTF-16 in a field of type UNDEFINED, whatever the block's order.
    """
    return Entry(UNDEFINED, b"UNICODE\0" + text.encode("utf-16-be"))


def ascii_comment(text: str) -> Entry:
    """A UserComment at half the length, for text within ASCII."""
    return Entry(UNDEFINED, b"ASCII\0\0\0" + text.encode("ascii"))
