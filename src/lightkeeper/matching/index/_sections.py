"""Files of named arrays: a header that describes and digests them, then the arrays themselves.

Layout: magic (8 bytes), version, byte order mark and header length (three 32-bit numbers,
little-endian), BLAKE3 of the header (32 bytes), the header as JSON; from 16 KiB on the arrays,
each at a multiple of 4 KiB. The header holds name, type, length, position and BLAKE3 of each.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from blake3 import blake3

from lightkeeper.errors import MatchError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

VERSION = 1
_MAGIC = b"LKINDEX\0"
_PREAMBLE = struct.Struct("<8sIII32s")
_BYTE_ORDER_MARK = 0x01020304
_FIRST_SECTION = 16_384
_ALIGNMENT = 4096
_DTYPES = ("|u1", "<u2", "<u4", "<u8")


def damaged(path: Path, reason: str) -> MatchError:
    """The error of a file that does not hold what was written to it."""
    return MatchError(
        f"{path.name} of the index is damaged: {reason}",
        hint="rebuild the index from the store: lightkeeper index build",
    )


@dataclass(frozen=True, slots=True)
class SectionFile:
    """An open file; its arrays are read-only views of the mapped file."""

    arrays: Mapping[str, NDArray[Any]]
    digests: Mapping[str, str]
    size_bytes: int

    def check(self, path: Path) -> None:
        """Compare every array with its digest; MatchError where they differ."""
        for name, array in self.arrays.items():
            if blake3(array.view(np.uint8).data).hexdigest() != self.digests[name]:
                raise damaged(path, f"the digest of {name} differs")


def write_sections(path: Path, parts: Iterable[tuple[str, NDArray[Any]]]) -> None:
    """Write arrays durably; consecutive parts of one name become one array."""
    sections: list[dict[str, Any]] = []
    digest = blake3()
    with path.open("wb") as file:
        file.seek(_FIRST_SECTION)
        for name, part in parts:
            if not sections or sections[-1]["name"] != name:
                digest = blake3()
                file.seek(-(-file.tell() // _ALIGNMENT) * _ALIGNMENT)
                sections.append(_section(name, part, file.tell()))
            content = np.ascontiguousarray(part).reshape(-1).view(np.uint8).data
            digest.update(content)
            file.write(content)
            sections[-1]["length"] += part.size
            sections[-1]["blake3"] = digest.hexdigest()
        file.truncate()
        _write_header(file, {"size_bytes": file.tell(), "sections": sections})
        file.flush()
        os.fsync(file.fileno())


def _section(name: str, part: NDArray[Any], position: int) -> dict[str, Any]:
    return {"name": name, "dtype": part.dtype.str, "length": 0, "position": position}


def _write_header(file: Any, header: dict[str, Any]) -> None:
    content = json.dumps(header).encode()
    preamble = _PREAMBLE.pack(
        _MAGIC, VERSION, _BYTE_ORDER_MARK, len(content), blake3(content).digest()
    )
    if len(preamble) + len(content) > _FIRST_SECTION:
        raise MatchError("too many arrays for the header of an index file")
    file.seek(0)
    file.write(preamble + content)


def open_sections(path: Path) -> SectionFile:
    """Map a file and check its header, not its arrays.

    Raises
    ------
    MatchError
        Not such a file, of another version, cut off or with a damaged header.
    FileNotFoundError
    """
    if sys.byteorder != "little":
        raise MatchError("the index needs a little-endian machine")
    with path.open("rb") as file:
        header = _read_header(path, file.read(_FIRST_SECTION))
        size = os.fstat(file.fileno()).st_size
        if size != header["size_bytes"]:
            raise damaged(path, f"it has {size} bytes instead of {header['size_bytes']}")
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    sections = header["sections"]
    return SectionFile(
        {section["name"]: _view(path, mapped, section) for section in sections},
        {section["name"]: section["blake3"] for section in sections},
        size,
    )


def _read_header(path: Path, head: bytes) -> dict[str, Any]:
    if len(head) < _PREAMBLE.size:
        raise damaged(path, "it has no header")
    magic, version, mark, length, digest = _PREAMBLE.unpack_from(head)
    if magic != _MAGIC or mark != _BYTE_ORDER_MARK:
        raise damaged(path, "it is no index file")
    if version != VERSION:
        raise MatchError(
            f"{path.name} of the index has version {version}, this program reads {VERSION}",
            hint="rebuild the index from the store: lightkeeper index build",
        )
    content = head[_PREAMBLE.size : _PREAMBLE.size + length]
    if blake3(content).digest() != digest:
        raise damaged(path, "the digest of its header differs")
    return dict(json.loads(content))


def _view(path: Path, mapped: mmap.mmap, section: dict[str, Any]) -> NDArray[Any]:
    dtype, length, position = section["dtype"], section["length"], section["position"]
    fits = position + length * np.dtype(dtype).itemsize <= len(mapped)
    if dtype not in _DTYPES or position % _ALIGNMENT or not fits:
        raise damaged(path, f"{section['name']} lies outside of it")
    return np.frombuffer(mapped, dtype, length, position)
