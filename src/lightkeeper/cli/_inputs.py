"""Which files a command means: files, folders, patterns, and a list on standard input."""

from __future__ import annotations

import glob
import os
import sys
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, BinaryIO

from lightkeeper.errors import ArchiveMedia, MediaError
from lightkeeper.media._probe import probe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lightkeeper.media import Limits

# fmt: off
_EXTENSIONS = frozenset({
    ".apng", ".avif", ".bmp", ".dib", ".gif", ".heic", ".heif", ".jfif", ".jpe", ".jpeg", ".jpg",
    ".png", ".tif", ".tiff", ".webp",
})
# fmt: on
_HEAD_BYTES = 512
_READ_BYTES = 1 << 16


def source_of(file: str, limits: Limits) -> str | bytes:
    """What a command that takes pictures opens: ``-`` is one picture on standard input.

    Of that no more is read than the limit on a file and a byte, which opening it then refuses.
    """
    return sys.stdin.buffer.read(limits.max_bytes + 1) if file == "-" else file


class Inputs:
    """The files that a command line means, found while they are asked for.

    Folders are walked in sorted order. Links to folders are not followed, so a loop of links
    ends. In a folder, a file that is neither an image by content nor called one is passed over
    and counted; a file that is named is always taken.
    """

    def __init__(self, paths: Sequence[str], *, stdin: BinaryIO | None = None) -> None:
        self._paths = paths
        self._stdin = stdin
        self.passed_over = 0
        self.archives = 0
        """Of those passed over: archives by content, which may hold images all the same."""

    def __iter__(self) -> Iterator[str]:
        self.passed_over = self.archives = 0
        for path in self._named():
            if os.path.isdir(path):
                yield from filter(self._looks_like_an_image, _walk(path))
            else:
                yield path

    def count(self) -> int | None:
        """How many files there are at most, without opening any; ``None`` for a list on stdin."""
        if "-" in self._paths:
            return None
        return sum(
            sum(1 for _ in _walk(path)) if Path(path).is_dir() else 1 for path in self._named()
        )

    def _named(self) -> Iterator[str]:
        for path in self._paths:
            if path == "-":
                yield from _listed(self._stdin or sys.stdin.buffer)
            elif glob.has_magic(path) and not os.path.lexists(path):
                yield from sorted(glob.iglob(path, recursive=True)) or [path]
            else:
                yield path

    def _looks_like_an_image(self, path: str) -> bool:
        if PurePath(path).suffix.lower() in _EXTENSIONS or os.path.isdir(path):
            return True
        try:
            with Path(path).open("rb") as stream:
                probe(stream.read(_HEAD_BYTES))
        except MediaError as error:
            self.passed_over += 1
            self.archives += isinstance(error, ArchiveMedia)
            return False
        except OSError:
            # Its row says why it cannot be read.
            return True
        return True


def _walk(folder: str) -> Iterator[str]:
    """Regular files below a folder; a folder that cannot be listed stands for itself."""
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError:
        yield folder
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path)
        elif entry.is_file():
            yield entry.path


def _listed(stream: BinaryIO) -> Iterator[str]:
    """Names separated by NUL where the first bytes hold one, otherwise by newlines."""
    head = stream.read(_READ_BYTES)
    separator = b"\0" if b"\0" in head else b"\n"
    for name in _split(stream, head, separator):
        name = name if separator == b"\0" else name.rstrip(b"\r")
        if name:
            yield os.fsdecode(name)


def _split(stream: BinaryIO, head: bytes, separator: bytes) -> Iterable[bytes]:
    rest = b""
    while head:
        *whole, rest = (rest + head).split(separator)
        yield from whole
        head = stream.read(_READ_BYTES)
    yield rest
