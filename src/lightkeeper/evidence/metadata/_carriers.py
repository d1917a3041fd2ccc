"""The texts of one file, as the tool families see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.evidence.metadata._infotext import Infotext, parse_infotext
from lightkeeper.evidence.metadata._json import parse_json as parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lightkeeper.evidence.metadata._record import GenerationRecord
    from lightkeeper.media import Embedded

    Family = Callable[["Carriers"], Iterable["GenerationRecord"]]
    """A tool family's reader: claims the payloads that it understands, yields its records."""

_EXIF_NAMES = {
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    0x0131: "Software",
    0x013B: "Artist",
    0x8298: "Copyright",
    0x927C: "MakerNote",
    0x9286: "UserComment",
    0x9C9C: "XPComment",
}


@dataclass(frozen=True, slots=True)
class Payload:
    """One text and where it stood: ``png:tEXt:parameters``, ``exif:UserComment``, ``jpeg:COM``."""

    carrier: str
    keyword: str
    text: str


class Carriers:
    """All payloads of one file, each read by at most one tool family."""

    def __init__(self, embedded: Embedded) -> None:
        self.embedded = embedded
        self.payloads = tuple(_payloads(embedded))
        self._claimed: set[int] = set()
        self._open: tuple[Payload, ...] | None = self.payloads
        self._parsed: dict[int, object] = {}
        self._infotexts: dict[int, Infotext | None] = {}
        self._by_keyword: dict[str, list[Payload]] = {}
        for payload in self.payloads:
            self._by_keyword.setdefault(payload.keyword, []).append(payload)

    def open(self) -> tuple[Payload, ...]:
        """Payloads that no family has claimed yet, in file order."""
        if self._open is None:
            self._open = tuple(p for p in self.payloads if id(p) not in self._claimed)
        return self._open

    def find(self, *keywords: str) -> Payload | None:
        """First unclaimed payload under the first of these keywords that has one."""
        named = (p for k in keywords for p in self._by_keyword.get(k, ()))
        return next((p for p in named if id(p) not in self._claimed), None)

    def claim(self, *payloads: Payload | None) -> None:
        """Mark payloads as read, so that no other family reads them again."""
        self._claimed.update(id(p) for p in payloads if p is not None)
        self._open = None

    def json(self, payload: Payload) -> object | None:
        """The payload parsed as JSON (``NaN`` admitted), ``None`` where it is not JSON.

        Nesting is bounded before parsing; the result is kept for other families.
        """
        if id(payload) not in self._parsed:
            self._parsed[id(payload)] = parse_json(payload.text)
        return self._parsed[id(payload)]

    def infotext(self, payload: Payload) -> Infotext | None:
        """The payload parsed as an infotext, ``None`` where it is not one; kept for others."""
        if id(payload) not in self._infotexts:
            self._infotexts[id(payload)] = parse_infotext(payload.text)
        return self._infotexts[id(payload)]


def _payloads(embedded: Embedded) -> Iterable[Payload]:
    for block in embedded.texts:
        carrier = f"{block.carrier}:{block.keyword}" if block.keyword else block.carrier
        yield Payload(carrier, block.keyword, block.text)
    for entry in embedded.exif:
        if entry.text and entry.ifd in ("ifd0", "exif"):
            name = _EXIF_NAMES.get(entry.tag, f"0x{entry.tag:04X}")
            yield Payload(f"exif:{name}", name, entry.text)
    for leaf in embedded.xmp:
        yield Payload(f"xmp:{leaf.path}", leaf.name, leaf.value)
