"""Bring a file's bytes into memory, never more than the limit allows."""

from __future__ import annotations

import os
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
            size = os.fstat(stream.fileno()).st_size
            content = _bounded(stream, max_bytes, expected=size)
            return content, name if name is not None else str(source)
    if isinstance(source, (bytes, bytearray, memoryview)):
        content = bytes(source)
        _check(len(content), max_bytes)
    else:
        content = _bounded(source, max_bytes)
    return content, name if name is not None else "<bytes>"


def _bounded(stream: BinaryIO, max_bytes: int, *, expected: int | None = None) -> bytes:
    # Asking for the whole limit at once allocates it; a pipe says that it expects nothing.
    first = max_bytes if expected is None else min(expected, max_bytes)
    content = stream.read(first + 1)
    if first < len(content) <= max_bytes:
        content += stream.read(max_bytes + 1 - len(content))
    _check(len(content), max_bytes)
    return content


def _check(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise LimitExceeded(
            f"larger than {max_bytes} bytes", hint="Raise the limit max_bytes to read it."
        )
