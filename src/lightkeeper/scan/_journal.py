"""A resume journal: finished rows, keyed by what the file holds.

One line of JSON per row, appended with a single write. A process that is killed leaves at most
one torn line, the last, which is cut off when the journal is opened again. ``fsync`` runs at most
once a second: losing power can cost that second, a kill costs nothing that was finished.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import time
from dataclasses import replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from lightkeeper.errors import OutputError
from lightkeeper.scan._row import ScanRow

if TYPE_CHECKING:
    from types import TracebackType

_SYNC_SECONDS = 1.0
_CHUNK_BYTES = 1 << 20
_TRANSIENT = frozenset({"timeout", "worker-died", "out-of-memory", "unreadable"})
"""Errors that another machine or another hour may not repeat: such files are tried again."""


class Journal:
    """Rows of earlier runs under the same policy, and the place where new ones are kept.

    Parameters
    ----------
    path : Path
        Made where it does not exist, readable by its owner only: rows hold prompts.
    fingerprint : str
        Of the policy and the examiners; rows under any other are left alone.

    Raises
    ------
    OutputError
        It cannot be opened, is in use by another scan, or is not a journal.
    """

    def __init__(self, path: Path, fingerprint: str) -> None:
        self._path = path
        self._fingerprint = fingerprint
        self._offsets: dict[bytes, int] = {}
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise OutputError(f"journal {path}: {error.strerror}") from error
        try:
            self._lock()
            self._end = self._load()
        except BaseException:
            os.close(self._fd)
            raise
        self._synced = time.monotonic()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._offsets)

    def find(self, file: str, *, max_bytes: int) -> ScanRow | None:
        """The row of a file with the same content and extension, under this file's name.

        The file is read and digested for this; ``None`` where it is unknown, too large or
        unreadable.
        """
        if not self._offsets:
            return None
        try:
            key = _content_key(file, max_bytes)
        except OSError:
            return None
        offset = self._offsets.get(key) if key else None
        return None if offset is None else self._row_at(offset, file)

    def add(self, row: ScanRow) -> None:
        """Keep a finished row; one whose error may pass is left to the next run."""
        if row.digests is None or (row.error and row.error["code"] in _TRANSIENT):
            return
        key = _key(row.digests["blake3"], row.file)
        if key in self._offsets:
            return
        line = {"key": key.hex(), "policy": self._fingerprint, "row": json.loads(row.to_wire())}
        self._append(key, json.dumps(line).encode() + b"\n")

    def close(self) -> None:
        """Write through to the disk and let go of the lock."""
        if self._fd >= 0:
            os.fsync(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _append(self, key: bytes, line: bytes) -> None:
        try:
            written = os.pwrite(self._fd, line, self._end)
            if written != len(line):
                raise OSError(0, "the disk is full")
        except OSError as error:
            raise OutputError(f"journal {self._path}: {error.strerror}") from error
        self._offsets[key] = self._end
        self._end += len(line)
        if time.monotonic() - self._synced > _SYNC_SECONDS:
            os.fsync(self._fd)
            self._synced = time.monotonic()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise OutputError(f"journal {self._path} is in use by another scan") from error

    def _load(self) -> int:
        """Index the rows; cut off a torn last line. Returns where the next line goes."""
        end = 0
        with os.fdopen(os.dup(self._fd), "rb") as stream:
            for number, line in enumerate(stream):
                if not line.endswith(b"\n"):
                    break
                self._index(line, end, first=number == 0)
                end += len(line)
        os.ftruncate(self._fd, end)
        return end

    def _index(self, line: bytes, offset: int, *, first: bool) -> None:
        try:
            entry = json.loads(line)
            key, policy = bytes.fromhex(entry["key"]), entry["policy"]
        except (ValueError, KeyError, TypeError) as error:
            if first:
                hint = "Name a file that does not exist, or a journal of an earlier scan."
                raise OutputError(f"{self._path} is not a journal", hint=hint) from error
            return
        if policy == self._fingerprint:
            self._offsets[key] = offset

    def _row_at(self, offset: int, file: str) -> ScanRow:
        with os.fdopen(os.dup(self._fd), "rb") as stream:
            stream.seek(offset)
            entry: dict[str, Any] = json.loads(stream.readline())
        return replace(ScanRow(**entry["row"]), file=file)


def _key(blake3_hex: str, file: str) -> bytes:
    # The extension belongs to it: a row may say that the extension lies about the content.
    suffix = PurePath(file).suffix.lower().encode("utf-8", "surrogateescape")
    return blake3(bytes.fromhex(blake3_hex) + suffix).digest(length=16)


def _content_key(file: str, max_bytes: int) -> bytes | None:
    known = Path(file).stat()
    if not stat.S_ISREG(known.st_mode) or known.st_size > max_bytes:
        return None
    with Path(file).open("rb") as stream:
        hasher = blake3()
        while chunk := stream.read(_CHUNK_BYTES):
            hasher.update(chunk)
    return _key(hasher.hexdigest(), file)
