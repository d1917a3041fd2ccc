"""IPTC IIM datasets, and the Photoshop resource that carries them (IIM 4.2; Adobe, 2019)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lightkeeper.media._layout import RawText

if TYPE_CHECKING:
    from collections.abc import Iterator

_IPTC_RESOURCE = 0x0404
_SIGNATURES = (b"8BIM", b"MeSa", b"PHUT", b"AgHg", b"DCSR")
_MOST_RESOURCES = 10_000
_RECORDS = (2,)
"""Application record; the envelope record holds codes, no words."""


def photoshop_iptc(resources: bytes) -> bytes:
    """The IIM data among Photoshop image resources, empty where there is none."""
    at = 0
    for _ in range(_MOST_RESOURCES):
        if resources[at : at + 4] not in _SIGNATURES:
            break
        number = int.from_bytes(resources[at + 4 : at + 6], "big")
        name_size = resources[at + 6] if at + 6 < len(resources) else 0
        at += 6 + name_size + 1 + (name_size + 1) % 2
        size = int.from_bytes(resources[at : at + 4], "big")
        if number == _IPTC_RESOURCE:
            return resources[at + 4 : at + 4 + size]
        at += 4 + size + size % 2
    return b""


def iptc_texts(block: bytes, *, most: int) -> Iterator[RawText]:
    """Datasets of the application record that hold bytes, at most ``most`` of them."""
    at = 0
    for _ in range(most):
        if at + 5 > len(block) or block[at] != 0x1C:
            return
        record, number, size = struct.unpack_from(">BBH", block, at + 1)
        at += 5
        if size & 0x8000:
            # Extended dataset: the low bits count the bytes of the real length.
            width = size & 0x7FFF
            if width > 4:
                return
            size = int.from_bytes(block[at : at + width], "big")
            at += width
        if record in _RECORDS and number:
            yield RawText(f"iptc:{record}:{number}", "", block[at : at + size])
        at += size
