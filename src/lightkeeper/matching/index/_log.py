"""The append-only log of changes that no segment holds yet.

After a header of 16 bytes come records: magic, length of the payload, CRC-32 of the payload and
CRC-32 of these twelve bytes; then the payload: the revision it ends with (8 bytes) and its rows.
A record that was cut off at the end of the file was never acknowledged and does not count.
"""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from lightkeeper.errors import MatchError
from lightkeeper.matching.index._sections import VERSION, damaged
from lightkeeper.matching.index._values import WORDS, Items, Kind, kind_of, value_bytes, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from lightkeeper.matching._ports import Change

ROW = np.dtype(
    [
        ("number", "<u8"),
        ("set", "<u4"),
        ("kind", "u1"),
        ("matches", "u1"),
        ("unused", "<u2"),
        ("words", "<u8", (WORDS,)),
    ]
)
NO_ROWS: NDArray[np.void] = np.zeros(0, ROW)
_HEADER = struct.pack("<8sII", b"LKLOG\0\0\0", VERSION, 0x01020304)
_RECORD = struct.Struct("<4sIII")
_RECORD_MAGIC = b"LKRC"
_REVISION = struct.Struct("<Q")
_REOPEN = "free some space and open the index anew"
_BATCH_ROWS = 16_384
"""Rows of a record: one fsync for so many."""


@dataclass(frozen=True, slots=True)
class Record:
    """Changes that became durable together."""

    revision: int
    rows: NDArray[np.void]


@dataclass(frozen=True, slots=True)
class LogRead:
    """Whole records from some position on."""

    records: tuple[Record, ...]
    end: int
    """Where the next record will start."""
    is_torn: bool
    """Something that is no whole record stands behind them."""


def batches(changes: Iterable[Change], *, after: int) -> Iterator[Record]:
    """Changes after a revision as records; those of one revision stay together.

    Raises
    ------
    MatchError
        A value is not of its kind.
    """
    pending: list[Change] = []
    for change in changes:
        if change.revision <= after:
            continue
        if len(pending) >= _BATCH_ROWS and change.revision != pending[-1].revision:
            yield _record(pending)
            pending = []
        pending.append(change)
    if pending:
        yield _record(pending)


def _record(changes: list[Change]) -> Record:
    rows = np.zeros(len(changes), ROW)
    rows["number"] = [change.entry_number for change in changes]
    rows["set"] = [change.set_number for change in changes]
    rows["kind"] = [kind_of(change.kind) for change in changes]
    rows["matches"] = [change.matches for change in changes]
    values = (value_bytes(c.kind, c.value) if c.matches else bytes(8 * WORDS) for c in changes)
    rows["words"] = words_of(b"".join(values))
    return Record(max(change.revision for change in changes), rows)


def create_log(path: Path) -> None:
    """An empty log, durable once its folder is."""
    with path.open("wb") as file:
        file.write(_HEADER)
        file.flush()
        os.fsync(file.fileno())


def append(file: BinaryIO, record: Record) -> None:
    """Add a record to an unbuffered file; durable on return.

    Raises
    ------
    MatchError
        It cannot be written; the file is then as before, or closed.
    """
    if file.closed:
        raise MatchError("the log of the index could not be written before", hint=_REOPEN)
    payload = _REVISION.pack(record.revision) + record.rows.tobytes()
    start = struct.pack("<4sII", _RECORD_MAGIC, len(payload), zlib.crc32(payload))
    content = memoryview(start + struct.pack("<I", zlib.crc32(start)) + payload)
    before = os.fstat(file.fileno()).st_size
    try:
        while content:
            content = content[file.write(content) :]
        os.fsync(file.fileno())
    except OSError as error:
        _cut(file, before)
        message = f"the log of the index cannot be written: {error.strerror}"
        raise MatchError(message, hint=_REOPEN) from error


def _cut(file: BinaryIO, size: int) -> None:
    try:
        file.truncate(size)
    except OSError:
        file.close()  # nothing may follow half a record


def read_log(path: Path, start: int = 0) -> LogRead:
    """Records from a position on, 0 being the start of the file.

    Raises
    ------
    MatchError
        A record is damaged and is not the last one.
    FileNotFoundError
    """
    with path.open("rb") as file:
        if start == 0:
            if file.read(len(_HEADER)) != _HEADER:
                raise damaged(path, "it is no log of this version")
            start = len(_HEADER)
        file.seek(start)
        content = file.read()
    records = []
    position = 0
    while record := _read_record(path, content, position):
        records.append(record[0])
        position = record[1]
    return LogRead(tuple(records), start + position, position < len(content))


def _read_record(path: Path, content: bytes, position: int) -> tuple[Record, int] | None:
    head = content[position : position + _RECORD.size]
    if len(head) < _RECORD.size or not any(content[position:]):
        return None  # zeros: the size became durable before the record did
    magic, length, digest, head_digest = _RECORD.unpack(head)
    if magic != _RECORD_MAGIC or zlib.crc32(head[:-4]) != head_digest:
        raise damaged(path, "a record has a damaged head")
    start = position + _RECORD.size
    end = start + length
    payload = content[start:end]
    if len(payload) < length or (zlib.crc32(payload) != digest and end == len(content)):
        return None
    if zlib.crc32(payload) != digest or (length - _REVISION.size) % ROW.itemsize:
        raise damaged(path, "the digest of a record differs")
    (revision,) = _REVISION.unpack_from(payload)
    return Record(revision, np.frombuffer(payload, ROW, offset=_REVISION.size)), end


def is_whole_but_wrong(path: Path, position: int) -> bool:
    """Whether a record of full length stands at the end of a log, other than it was written."""
    with path.open("rb") as file:
        file.seek(position)
        content = file.read()
    if len(content) < _RECORD.size or not any(content):
        return False
    length: int = _RECORD.unpack_from(content)[1]
    return len(content) == _RECORD.size + length


def last_words(rows: NDArray[np.void]) -> NDArray[np.void]:
    """The last row of each entry."""
    _, from_end = np.unique(rows["number"][::-1], return_index=True)
    return rows[len(rows) - 1 - from_end]


def items_of(rows: NDArray[np.void], kind: Kind) -> Items:
    """Entries of a kind that are to be found."""
    chosen = rows[(rows["kind"] == kind) & (rows["matches"] != 0)]
    words = np.ascontiguousarray(chosen["words"][:, : kind.width])
    return Items(words, chosen["number"].copy(), chosen["set"].copy())
