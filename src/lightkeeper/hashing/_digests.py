"""Cryptographic digests of a file's bytes, all in one pass."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from blake3 import blake3

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lightkeeper.media import Media

_CHUNK_BYTES = 256 * 1024
"""Small enough to stay in a core's cache while four algorithms read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """Digests of the same bytes, in lower-case hex."""

    md5: str
    sha1: str
    sha256: str
    blake3: str
    size_bytes: int


def digests(content: bytes | memoryview | BinaryIO) -> Digests:
    """Digest bytes or a stream with every algorithm, reading each byte from memory once.

    Parameters
    ----------
    content : bytes, memoryview or binary stream
        A stream is read from where it stands to its end and may be larger than memory.

    Returns
    -------
    Digests
    """
    # MD5 and SHA-1 identify, for hash lists that have nothing else; they secure nothing here.
    algorithms = (
        hashlib.md5(usedforsecurity=False),
        hashlib.sha1(usedforsecurity=False),
        hashlib.sha256(),
        blake3(),
    )
    size = 0
    for chunk in _chunks(content):
        size += len(chunk)
        for algorithm in algorithms:
            algorithm.update(chunk)
    md5, sha1, sha256, blake = (algorithm.hexdigest() for algorithm in algorithms)
    return Digests(md5=md5, sha1=sha1, sha256=sha256, blake3=blake, size_bytes=size)


def media_digests(media: Media) -> Digests:
    """Digests of a media's whole content, computed once and shared."""
    return media.once(_digests_of)


def _digests_of(media: Media) -> Digests:
    return digests(media.content)


def _chunks(content: bytes | memoryview | BinaryIO) -> Iterator[bytes | memoryview]:
    if isinstance(content, (bytes, memoryview)):
        view = memoryview(content).cast("B")
        for start in range(0, len(view), _CHUNK_BYTES):
            yield view[start : start + _CHUNK_BYTES]
    else:
        while chunk := content.read(_CHUNK_BYTES):
            yield chunk
