"""The file itself: a zip archive that is the same to the byte for the same content."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from lightkeeper.errors import VaultError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
MANIFEST_SCHEMA: Final = "lightkeeper.package-manifest/1"
_FIRST_YEAR: Final = 1980
_PIECE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the archive; its content is fetched when its turn has come."""

    name: str
    size: int
    sha256: str
    read: Callable[[], bytes]

    @classmethod
    def of(cls, name: str, content: bytes) -> Entry:
        """An entry that is in memory."""
        return cls(name, len(content), hashlib.sha256(content).hexdigest(), lambda: content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package that has been entered into the audit; its bytes are made as they are taken."""

    file_name: str
    manifest_sha256: str
    made: datetime
    entries: tuple[Entry, ...]

    def stream(self) -> Iterator[bytes]:
        """The archive in pieces; at most one kept file is in memory.

        Raises
        ------
        VaultError
            A file has gone or changed since; what came until then is no archive.
        """
        sink = _Sink()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
            for entry in self.entries:
                content = entry.read()
                if hashlib.sha256(content).hexdigest() != entry.sha256:
                    raise VaultError("a kept file has changed while it was handed out")
                archive.writestr(_info(entry.name, self.made), content)
                yield from sink.drained()
        yield from sink.drained()

    def content(self) -> bytes:
        """All of it at once."""
        return b"".join(self.stream())


def signed(
    entries: Sequence[Entry], *, case: str, made: datetime, key: Ed25519PrivateKey
) -> tuple[Entry, ...]:
    """The manifest, its signature, and both as entries before the others."""
    public = key.public_key().public_bytes_raw().hex()
    manifest = {
        "schema": MANIFEST_SCHEMA,
        "case": case,
        "made": made.astimezone(UTC).isoformat(timespec="seconds"),
        "signed_by": {"algorithm": "Ed25519", "public_key": public},
        "entries": [{"name": e.name, "size": e.size, "sha256": e.sha256} for e in entries],
    }
    written = (json.dumps(manifest, indent=1) + "\n").encode()
    return (Entry.of(MANIFEST, written), Entry.of(SIGNATURE, key.sign(written)), *entries)


def _info(name: str, made: datetime) -> zipfile.ZipInfo:
    at = made.astimezone(UTC)
    info = zipfile.ZipInfo(name, (max(at.year, _FIRST_YEAR), *at.timetuple()[1:6]))
    # Whichever system writes it: a plain file that its owner may read and write.
    info.create_system = 3
    info.external_attr = 0o100600 << 16
    return info


class _Sink(io.RawIOBase):
    """What was written and not yet taken; going back within it is all that an archive needs."""

    def __init__(self) -> None:
        self._start = 0
        self._buffer = io.BytesIO()

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._start + self._buffer.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            self._buffer.seek(offset, io.SEEK_END)
        else:
            base = self.tell() if whence == io.SEEK_CUR else 0
            self._buffer.seek(base + offset - self._start)
        return self.tell()

    def write(self, data: Any) -> int:
        return self._buffer.write(data)

    def drained(self) -> Iterator[bytes]:
        self._buffer.seek(0)
        while piece := self._buffer.read(_PIECE):
            self._start += len(piece)
            yield piece
        self._buffer = io.BytesIO()
