"""Interpret what a container walk found: texts, EXIF, XMP and IPTC, within the limits."""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING

from lightkeeper.media._embedded import Embedded, ExifField, TextBlock, XmpProperty
from lightkeeper.media._iptc import iptc_texts, photoshop_iptc
from lightkeeper.media._layout import Layout, RawText
from lightkeeper.media._text import container_text, inflate
from lightkeeper.media._tiff import Budget, Directories
from lightkeeper.media._types import MediaFormat
from lightkeeper.media._xmp import read_xmp

if TYPE_CHECKING:
    from lightkeeper.media._limits import Limits

_PROFILE = "Raw profile type "
_XMP_KEYWORD = "XML:com.adobe.xmp"
_XMP_SIGNATURE = b"http://ns.adobe.com/xap/1.0/\0"


def read_embedded(layout: Layout, media_format: MediaFormat, limits: Limits) -> Embedded:
    """Turn raw slices into typed metadata; a fault in one leaves the others whole."""
    reading = _Reading(layout, limits)
    texts = [block for raw in layout.texts if (block := reading.text(raw))]
    for iptc in reading.iptc:
        raws = iptc_texts(iptc, most=limits.max_chunks)
        texts.extend(block for raw in raws if (block := reading.text(raw)))
    exif = reading.fields()
    xmp = reading.properties()
    is_tiff = media_format is MediaFormat.TIFF
    return Embedded(
        texts=tuple(texts),
        exif=tuple(exif),
        xmp=tuple(xmp),
        xmp_packets=tuple(reading.xmp),
        exif_block=b"" if is_tiff or not reading.exif else reading.exif[0],
        iptc_block=reading.iptc[0] if reading.iptc else b"",
        has_c2pa=layout.has_c2pa,
        trailing_bytes=layout.trailing_bytes,
        problems=(*layout.problems, *reading.problems),
    )


class _Reading:
    """A copy of the raw lists (a text may turn out to hold EXIF or XMP) and the text budget."""

    def __init__(self, layout: Layout, limits: Limits) -> None:
        self.limits = limits
        self._raw = Layout(
            exif_blocks=list(layout.exif_blocks), xmp_packets=list(layout.xmp_packets)
        )
        self.exif, self.xmp = self._raw.exif_blocks, self._raw.xmp_packets
        self.problems = self._raw.problems
        self.iptc = list(layout.iptc_blocks)
        self._budget = limits.max_text_total

    def text(self, raw: RawText) -> TextBlock | None:
        """One text block; ``None`` where it is too long or was another kind of metadata."""
        data = self._bytes(raw)
        if data is None or (raw.keyword.startswith(_PROFILE) and self._profile(raw, data)):
            return None
        if raw.keyword == _XMP_KEYWORD and raw.carrier == "png:iTXt":
            self._raw.add_xmp(data)
            return None
        text, encoding = container_text(data, raw.encoding)
        return TextBlock(raw.carrier, raw.keyword, text, encoding)

    def fields(self) -> list[ExifField]:
        """Entries of all EXIF blocks."""
        fields: list[ExifField] = []
        budget = Budget.of(self.limits)
        for block in self.exif:
            found = Directories(block, self.limits, budget=budget)
            fields += found.fields
            self.problems += found.problems
        return fields

    def properties(self) -> list[XmpProperty]:
        """Leaves of all XMP packets."""
        leaves: list[XmpProperty] = []
        for packet in self.xmp:
            found, problems = read_xmp(packet, self.limits)
            leaves += found
            self.problems += problems
        return leaves

    def _bytes(self, raw: RawText) -> bytes | None:
        limit = min(self.limits.max_text, self._budget)
        whole = True
        if limit <= 0:
            self._too_long("texts", "all texts together pass the limit; the rest is ignored")
            return None
        if raw.deflated:
            data, whole = inflate(raw.data, limit)
        else:
            data = raw.data
        # What is too long has cost its share too: thousands of small bombs must not add up.
        self._budget -= min(len(data), limit) + 64
        if len(data) > limit:
            self._too_long(raw.where, f"longer than {limit} bytes; not read")
            return None
        if not whole:
            self._raw.problem("damaged", raw.where, "compressed text ends early or is damaged")
        return data

    def _too_long(self, where: str, message: str) -> None:
        self._raw.problem("text-too-long", where, message)

    def _profile(self, raw: RawText, data: bytes) -> bool:
        """ImageMagick's hexadecimal profiles: name, length, digits."""
        kind = raw.keyword[len(_PROFILE) :].lower()
        lines = data.split(None, 2)
        if kind not in ("exif", "app1", "xmp", "iptc", "8bim") or len(lines) < 3:
            return False
        try:
            profile = binascii.unhexlify(b"".join(lines[2].split()))
        except (ValueError, binascii.Error):
            self._raw.problem("damaged", raw.where, "not a hexadecimal profile")
            return False
        if profile.startswith(_XMP_SIGNATURE):
            self._raw.add_xmp(profile[len(_XMP_SIGNATURE) :])
        elif kind == "xmp":
            self._raw.add_xmp(profile)
        elif kind in ("exif", "app1"):
            self._raw.add_exif(profile.removeprefix(b"Exif\0\0"))
        elif iptc := (profile if profile[:1] == b"\x1c" else photoshop_iptc(profile)):
            self.iptc.append(iptc)
        return True
