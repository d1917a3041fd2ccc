"""Everything that a container says beside its pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from lightkeeper.media._types import Problem

Ifd = Literal["ifd0", "exif", "gps", "interop", "ifd1"]


@dataclass(frozen=True, slots=True)
class TextBlock:
    """One textual payload outside EXIF and XMP.

    ``carrier`` names the kind of place (``png:tEXt``, ``png:zTXt``, ``png:iTXt``, ``png:comf``,
    ``jpeg:COM``, ``gif:comment``, ``iptc:2:120`` …), ``keyword`` the key that the container gives
    it (empty where it has none), ``encoding`` how ``text`` was decoded.
    """

    carrier: str
    keyword: str
    text: str
    encoding: str


@dataclass(frozen=True, slots=True)
class ExifField:
    """One TIFF directory entry.

    ``value`` is ``bytes`` for types BYTE and UNDEFINED, ``str`` for ASCII (decoded as UTF-8 where
    valid, otherwise latin-1), otherwise a tuple of numbers (rationals as floats). ``text`` is the
    best reading of the value as text with the encoding decided by content (byte order mark and
    zero-byte statistics, never by the declared prefix alone), ``None`` where it is not text.
    """

    ifd: Ifd
    tag: int
    value: bytes | str | tuple[float | int, ...]
    text: str | None


@dataclass(frozen=True, slots=True)
class XmpProperty:
    """One leaf of an XMP packet.

    ``path`` holds the local names of nested properties, joined by ``/`` (arrays are flattened).
    """

    namespace: str
    name: str
    value: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """All metadata of one file, found in a single pass over its container."""

    texts: tuple[TextBlock, ...] = ()
    exif: tuple[ExifField, ...] = ()
    xmp: tuple[XmpProperty, ...] = ()
    xmp_packets: tuple[bytes, ...] = field(default=(), repr=False)
    exif_block: bytes = field(default=b"", repr=False)
    """The TIFF structure, without ``Exif\\0\\0``."""
    iptc_block: bytes = field(default=b"", repr=False)
    has_c2pa: bool = False
    """A JUMBF box of a C2PA manifest store is present."""
    trailing_bytes: int = 0
    """Bytes after the container's logical end."""
    problems: tuple[Problem, ...] = ()

    def exif_field(self, ifd: Ifd, tag: int) -> ExifField | None:
        """First EXIF entry with this tag in this directory."""
        return next((f for f in self.exif if f.ifd == ifd and f.tag == tag), None)

    def exif_text(self, ifd: Ifd, tag: int) -> str | None:
        """Text of an EXIF entry, ``None`` where it is absent or not text."""
        found = self.exif_field(ifd, tag)
        return found.text if found else None

    def text(self, keyword: str) -> str | None:
        """First text block under this keyword."""
        return next((t.text for t in self.texts if t.keyword == keyword), None)

    def xmp_value(self, namespace: str, name: str) -> str | None:
        """First XMP leaf of this namespace and local name."""
        return next((p.value for p in self.xmp if (p.namespace, p.name) == (namespace, name)), None)
