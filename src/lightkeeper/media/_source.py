"""Bring a file's bytes into memory, never more than the limit allows."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from lightkeeper.errors import LimitExceeded


def read_source(
    source: str | Path | bytes | BinaryIO, max_bytes: int, name: str | None
) -> tuple[bytes, str]:
    """The content and the name that results use.

    Raises
    ------
    LimitExceeded
        More than ``max_bytes``; at most one byte more was read.
    OSError
        The path cannot be read.
    """
    if isinstance(source, (str, Path)):
        with Path(source).open("rb") as stream:
            return _bounded(stream, max_bytes), name if name is not None else str(source)
    if isinstance(source, (bytes, bytearray, memoryview)):
        content = bytes(source)
        _check(len(content), max_bytes)
    else:
        content = _bounded(source, max_bytes)
    return content, name if name is not None else "<bytes>"


def _bounded(stream: BinaryIO, max_bytes: int) -> bytes:
    content = stream.read(max_bytes + 1)
    _check(len(content), max_bytes)
    return content


def _check(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise LimitExceeded(
            f"larger than {max_bytes} bytes", hint="Raise the limit max_bytes to read it."
        )
