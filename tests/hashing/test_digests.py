"""Digests agree with each algorithm run on its own."""

from __future__ import annotations

import hashlib
import io

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.hashing import Digests, digests, media_digests
from lightkeeper.media import open_media
from lightkeeper.testing import synthetic_like


def _separately(content: bytes) -> Digests:
    return Digests(
        md5=hashlib.md5(content).hexdigest(),
        sha1=hashlib.sha1(content).hexdigest(),
        sha256=hashlib.sha256(content).hexdigest(),
        blake3=blake3(content).hexdigest(),
        size_bytes=len(content),
    )


@given(st.binary(max_size=4096))
def test_digests_equal_those_of_each_algorithm_alone(content: bytes) -> None:
    assert digests(content) == _separately(content)


@pytest.mark.parametrize("size", [256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 1_000_003])
def test_content_longer_than_a_chunk_is_digested_whole(size: int) -> None:
    content = bytes(range(251)) * (size // 251 + 1)
    content = content[:size]
    assert digests(content) == _separately(content)


def test_bytes_memoryview_and_stream_give_the_same_digests() -> None:
    content = b"lighthouse at dusk" * 40_000
    expected = digests(content)
    assert digests(memoryview(content)) == expected
    assert digests(io.BytesIO(content)) == expected


def test_a_stream_is_digested_from_where_it_stands() -> None:
    stream = io.BytesIO(b"umbrella bicycle")
    stream.seek(9)
    assert digests(stream) == _separately(b"bicycle")


def test_a_stream_that_gives_less_than_asked_is_read_to_its_end() -> None:
    class Trickle(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or -1, 7))

    content = b"a pipe gives what it has" * 10
    assert digests(Trickle(content)) == _separately(content)


def test_the_digests_of_a_media_are_those_of_its_bytes_and_computed_once() -> None:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(synthetic_like(1, width=32, height=32)).save(stream, "PNG")
    media = open_media(stream.getvalue())
    assert media_digests(media) == _separately(stream.getvalue())
    assert media_digests(media) is media_digests(media)
