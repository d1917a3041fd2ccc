"""Lines of a file of any size, in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK_BYTES: Final = 1 << 20
PIECE_LINES: Final = 500
LINE_BYTES: Final = 1 << 16
"""Longest line; opaque hashes are some hundred bytes long."""

_BOM: Final = b"\xef\xbb\xbf"


def pieces(stream: BinaryIO) -> Iterator[list[str | None]]:
    """Lines without their ends, some hundred at a time; ``None`` for one that is too long.

    Bytes that are not UTF-8 become lone surrogates, see :func:`is_text`. A carriage return before
    the line feed is dropped.
    """
    for chunk in _chunks(stream):
        for start in range(0, len(chunk), PIECE_LINES):
            yield chunk[start : start + PIECE_LINES]


def _chunks(stream: BinaryIO) -> Iterator[list[str | None]]:
    rest, skipping = b"", False
    first = True
    while chunk := stream.read(CHUNK_BYTES):
        if first:
            chunk, first = chunk.removeprefix(_BOM), False
        whole, newline, after = chunk.rpartition(b"\n")
        if newline:
            yield _split(whole if skipping else rest + whole, skip_first=skipping)
            rest, skipping = after, False
        else:
            rest += chunk
        if skipping or len(rest) > LINE_BYTES:
            if not skipping:
                yield [None]
            rest, skipping = b"", True
    if rest and not skipping:
        yield [_decoded(rest)]


def is_text(text: str) -> bool:
    """Whether the bytes were UTF-8 and hold no NUL."""
    if "\0" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _split(whole: bytes, *, skip_first: bool) -> list[str | None]:
    skipped = 1 if skip_first else 0
    # Most chunks are ASCII without carriage returns: then one call decodes all lines.
    if whole.isascii() and b"\r" not in whole:
        found = whole.decode("ascii").split("\n")
        if max(map(len, found)) <= LINE_BYTES:
            return [*found[skipped:]]
    return [_decoded(line) for line in whole.split(b"\n")[skipped:]]


def _decoded(line: bytes) -> str | None:
    if len(line) > LINE_BYTES:
        return None
    return line.removesuffix(b"\r").decode("utf-8", "surrogateescape")
