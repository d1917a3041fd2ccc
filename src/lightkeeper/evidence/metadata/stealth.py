"""Parameters hidden in the lowest bits of pixels: ``stealth_pnginfo`` and its kin.

The bits of the alpha plane, or of red, green and blue in turn, run down each column and then on to
the next. They spell a 15-byte mark, a length in bits (32 bits, big-endian) and a UTF-8 text, plain
or gzip. NovelAI appends error correction after it, which is ignored.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from lightkeeper.evidence._finding import Basis, Claim, Finding, Tier
from lightkeeper.evidence.metadata._carriers import Carriers, Payload, parse_json
from lightkeeper.evidence.metadata._families import read_carriers
from lightkeeper.evidence.metadata._findings import parameters_finding
from lightkeeper.evidence.metadata._record import GenerationRecord
from lightkeeper.media import Embedded, MediaFormat, TextBlock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from lightkeeper.media import Media

    Reader = Callable[[Carriers], Iterable[GenerationRecord]]

Channel = Literal["alpha", "rgb"]
_MARKS: dict[bytes, tuple[Channel, bool]] = {
    b"stealth_pnginfo": ("alpha", False),
    b"stealth_pngcomp": ("alpha", True),
    b"stealth_rgbinfo": ("rgb", False),
    b"stealth_rgbcomp": ("rgb", True),
}
_MARK_BYTES = 15
_HEADER_BYTES = _MARK_BYTES + 4


@dataclass(frozen=True, slots=True)
class _Hidden:
    """What stands behind a mark: a text, or the reason why there is none."""

    channel: Channel
    text: str | None
    problem: str | None = None

    @property
    def carrier(self) -> str:
        return f"pixels:{self.channel}-lsb"


def stealth_payload(media: Media) -> Payload | None:
    """The text hidden in a picture's lowest bits, ``None`` where there is none to read.

    Raises
    ------
    MediaError
        The picture cannot be decoded.
    """
    hidden = media.once(_hidden)
    if hidden is None or hidden.text is None:
        return None
    return Payload(hidden.carrier, "parameters", hidden.text)


def stealth_records(media: Media, *, read: Reader = read_carriers) -> list[GenerationRecord]:
    """Records of the hidden text; one of the tool ``unknown`` where no family recognises it.

    Parameters
    ----------
    media : Media
    read : callable, optional
        Reads the records of one :class:`Carriers`; every tool family by default.

    Raises
    ------
    MediaError
        The picture cannot be decoded.
    """
    hidden = media.once(_hidden)
    if hidden is None or hidden.text is None:
        return []
    unknown = GenerationRecord(tool="unknown", carrier=hidden.carrier, raw=hidden.text)
    return list(read(_carriers(hidden, hidden.text))) or [unknown]


def _hidden(media: Media) -> _Hidden | None:
    header = media.header
    planes: list[Channel] = []
    # An alpha plane is stored without loss even in a lossy WebP.
    if header.has_alpha and (header.lossless or media.format is MediaFormat.WEBP):
        planes.append("alpha")
    if header.lossless:
        planes.append("rgb")
    for channel in planes:
        bits_per_pixel = 1 if channel == "alpha" else 3
        if header.width * header.height * bits_per_pixel < (_HEADER_BYTES + 1) * 8:
            continue
        raster = media.raster()
        plane = raster.alpha if channel == "alpha" else raster.rgb
        if plane is not None and (found := _read(plane, channel, media.limits.max_text)):
            return found
    return None


def _read(plane: NDArray[np.uint8], channel: Channel, max_text: int) -> _Hidden | None:
    header = _leading_bytes(plane, _HEADER_BYTES)
    known = _MARKS.get(header[:_MARK_BYTES])
    if known is None or known[0] != channel:
        return None
    bits = int.from_bytes(header[_MARK_BYTES:], "big")
    if bits == 0 or bits % 8 or bits > plane.size - _HEADER_BYTES * 8:
        return _Hidden(channel, None, "its length does not fit the picture")
    if bits // 8 > max_text:
        return _Hidden(channel, None, "it is longer than the limit of texts")
    content = _leading_bytes(plane, _HEADER_BYTES + bits // 8)[_HEADER_BYTES:]
    return _decoded(content, channel, max_text) if known[1] else _text(content, channel)


def _leading_bytes(plane: NDArray[np.uint8], count: int) -> bytes:
    """First bytes that the lowest bits spell; copies no more columns than they take."""
    per_column = plane.size // plane.shape[1]
    columns = plane[:, : -(-count * 8 // per_column)]
    bits = (columns.swapaxes(0, 1) & 1).reshape(-1)[: count * 8]
    return np.packbits(bits).tobytes()


def _decoded(content: bytes, channel: Channel, max_text: int) -> _Hidden:
    inflater = zlib.decompressobj(wbits=31)
    try:
        plain = inflater.decompress(content, max_text + 1)
    except zlib.error:
        return _Hidden(channel, None, "it cannot be decompressed")
    if len(plain) > max_text:
        return _Hidden(channel, None, "it grows beyond the limit of texts when decompressed")
    return _text(plain, channel)


def _text(content: bytes, channel: Channel) -> _Hidden:
    try:
        return _Hidden(channel, content.decode())
    except UnicodeDecodeError:
        return _Hidden(channel, None, "it is not UTF-8")


class StealthExaminer:
    """Reads generation parameters out of the pixels' lowest bits.

    Parameters
    ----------
    read : callable
        Reads the records of one :class:`Carriers`; every tool family by default.
    """

    name = "stealth"
    version = "2"
    tier = Tier.PIXELS

    def __init__(self, read: Reader = read_carriers) -> None:
        self._read = read

    def unavailable(self) -> str | None:
        """Always available."""
        return None

    def examine(self, media: Media) -> Sequence[Finding]:
        """Parameters found, or the damage of a payload whose mark is there.

        Raises
        ------
        MediaError
            The picture cannot be decoded.
        """
        hidden = media.once(_hidden)
        if hidden and hidden.problem:
            return [self._damaged(hidden)]
        records = stealth_records(media, read=self._read)
        return [parameters_finding(r, examiner=self.name, version=self.version) for r in records]

    def _damaged(self, hidden: _Hidden) -> Finding:
        return Finding(
            claim=Claim.DAMAGED,
            basis=Basis.ASSERTED,
            summary=f"The pixels carry the mark of hidden parameters, but {hidden.problem}.",
            examiner=self.name,
            version=self.version,
            source=hidden.carrier,
            limits=("anyone-can-write",),
        )


def _carriers(hidden: _Hidden, text: str) -> Carriers:
    """The payload as the families see it: one text, or one per key of an object of texts."""
    parsed = parse_json(text)
    blocks = {"parameters": text}
    if isinstance(parsed, dict) and ("Comment" in parsed or "parameters" in parsed):
        blocks = {key: value for key, value in parsed.items() if isinstance(value, str)}
    texts = tuple(TextBlock(hidden.carrier, key, value, "utf-8") for key, value in blocks.items())
    return Carriers(Embedded(texts=texts))
