"""Whether a file's chroma was stored at half size and doubled by the decoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.media import MediaFormat

if TYPE_CHECKING:
    from lightkeeper.media import Media

_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_HALVED = ((0x22, 0x11, 0x11), (0x21, 0x11, 0x11))
_MOST_SEGMENTS = 10_000


def chroma_was_doubled(media: Media) -> bool:
    """True for JPEG with 4:2:0 or 4:2:2, and for lossy WebP and AVIF.

    libjpeg, libwebp and libavif double such chroma with the same triangle filter, which blurs the
    marks of U. On the Haar low band the filter is known exactly and can be undone.
    """
    if media.format in (MediaFormat.WEBP, MediaFormat.AVIF):
        return not media.header.lossless
    return media.format is MediaFormat.JPEG and _sampling(media.content) in _HALVED


def _sampling(content: bytes) -> tuple[int, ...]:
    """Sampling factors of the first frame header (ITU-T T.81, B.2.2); ``()`` if there is none."""
    at = 2
    for _ in range(_MOST_SEGMENTS):
        if at + 10 > len(content) or content[at] != 0xFF:
            return ()
        marker = content[at + 1]
        if marker in _START_OF_FRAME:
            components = content[at + 9]
            return tuple(content[at + 11 : at + 11 + 3 * components : 3])
        if marker == 0xFF:
            at += 1
        elif marker in _WITHOUT_LENGTH:
            at += 2
        else:
            at += 2 + int.from_bytes(content[at + 2 : at + 4])
    return ()
