"""The receiver's check: what of a package is whole, altered, missing or added.

The file is a stranger's. Only its directory, of bounded size, is read before its entries, and
those in small pieces; nothing is unpacked.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import struct
import zipfile
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from lightkeeper.errors import InvalidReport
from lightkeeper.reporting.package._archive import MANIFEST, MANIFEST_SCHEMA, SIGNATURE

if TYPE_CHECKING:
    from pathlib import Path

_NAME: Final = re.compile(r"case\.(json|html|pdf)|media/[0-9]{3,6}\.[a-z0-9]{1,8}")
_HEX: Final = re.compile(r"[0-9a-f]{64}")
_LARGEST_READ: Final = 1 << 21
_LARGEST_MANIFEST: Final = 1 << 23
_PIECE: Final = 1 << 20
_LOCAL_HEADER: Final = 30
_DIRECTORY_ENTRY: Final = 46
_ENDS: Final = (22, 22 + 20 + 56)
"""What follows the directory: its end, and before it what archives over 4 GiB need."""
_ENCRYPTED: Final = 0x1
_UNREADABLE: Final = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    NotImplementedError,
    ValueError,
    RuntimeError,
    OverflowError,
    EOFError,
    OSError,
    struct.error,
)


class EntryState(StrEnum):
    """What became of an entry."""

    WHOLE = "whole"
    ALTERED = "altered"
    MISSING = "missing"
    ADDED = "added"
    """The manifest does not name it."""


class Signature(StrEnum):
    """What the signature over the manifest is worth."""

    GENUINE = "genuine"
    """Of the key that was given."""
    UNPROVEN = "unproven"
    """Of the key that the manifest itself names: whoever rewrites all of it can do that."""
    FORGED = "forged"
    """The manifest was changed, or somebody else signed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageReport:
    """What a check found."""

    case: str
    made: str
    public_key: str
    """The key that the manifest names, in hex: compare it with the sender's."""
    manifest_sha256: str
    """The sender's audit holds it."""
    signature: Signature
    entries: dict[str, EntryState]

    @property
    def intact(self) -> bool:
        """Every entry is whole, and the signature holds."""
        whole = all(state is EntryState.WHOLE for state in self.entries.values())
        return whole and self.signature is not Signature.FORGED


def verify_package(file: Path | BinaryIO, *, key: bytes | None = None) -> PackageReport:
    """Check a package.

    Parameters
    ----------
    key : bytes, optional
        The sender's Ed25519 public key, 32 bytes, got by another way than the package.

    Raises
    ------
    InvalidReport
        It is no package that can be read: cut, encrypted, compressed, with two entries of one
        name, with bytes outside its entries, or without a readable manifest.
    """
    try:
        if isinstance(file, io.IOBase) or hasattr(file, "read"):
            return _verified(_Bounded(file), key)  # type: ignore[arg-type]
        with open(file, "rb") as opened:
            return _verified(_Bounded(opened), key)
    except _UNREADABLE as error:
        raise InvalidReport(
            "the file is no package that can be read: it was cut or damaged, or is something else"
        ) from error


def _verified(file: _Bounded, key: bytes | None) -> PackageReport:
    with zipfile.ZipFile(file) as archive:
        infos = _infos(archive, file)
        manifest, signature = (_small(archive, infos, name) for name in (MANIFEST, SIGNATURE))
        said = _parsed(manifest)
        named = {each["name"]: each for each in said["entries"]}
        found = {
            name: _state(archive, infos.get(name), each["size"], each["sha256"])
            for name, each in named.items()
        }
    others = infos.keys() - named.keys() - {MANIFEST, SIGNATURE}
    return PackageReport(
        case=said["case"],
        made=said["made"],
        public_key=said["signed_by"]["public_key"],
        manifest_sha256=hashlib.sha256(manifest).hexdigest(),
        signature=_signature(said, manifest, signature, key),
        entries=found | dict.fromkeys(sorted(others), EntryState.ADDED),
    )


def _infos(archive: zipfile.ZipFile, file: _Bounded) -> dict[str, zipfile.ZipInfo]:
    """The directory, where it is one that a package has."""
    infos: dict[str, zipfile.ZipInfo] = {}
    end = 0
    for info in sorted(archive.infolist(), key=lambda each: each.header_offset):
        if info.orig_filename in infos:
            raise InvalidReport("the package holds two entries of one name")
        if info.flag_bits & _ENCRYPTED:
            raise InvalidReport("an entry of the package is encrypted")
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            raise InvalidReport("an entry is compressed: somebody has packed it anew")
        if info.header_offset != end:
            raise InvalidReport("the package holds bytes outside its entries, or entries overlap")
        end += _LOCAL_HEADER + len(info.orig_filename.encode()) + info.file_size
        infos[info.orig_filename] = info
    directory = sum(
        _DIRECTORY_ENTRY + len(each.orig_filename.encode()) + len(each.extra) + len(each.comment)
        for each in infos.values()
    )
    if archive.start_dir != end or file.size() - end - directory not in _ENDS:
        raise InvalidReport("the package holds bytes outside its entries")
    return infos


def _small(archive: zipfile.ZipFile, infos: dict[str, zipfile.ZipInfo], name: str) -> bytes:
    if name not in infos:
        raise InvalidReport(f"the package has no {name}")
    if infos[name].file_size > _LARGEST_MANIFEST:
        raise InvalidReport(f"the {name} of the package is larger than any that is written")
    with archive.open(infos[name]) as entry:
        return b"".join(iter(lambda: entry.read(_PIECE), b""))


def _parsed(manifest: bytes) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads(manifest)
        if said["schema"] != MANIFEST_SCHEMA:
            raise ValueError("another schema")
        texts = (said["case"], said["made"], said["signed_by"]["public_key"])
        if not all(isinstance(each, str) for each in texts) or not _HEX.fullmatch(texts[2]):
            raise ValueError("no text")
        names = [each["name"] for each in said["entries"]]
        for each in said["entries"]:
            if not _NAME.fullmatch(each["name"]) or not _HEX.fullmatch(each["sha256"]):
                raise ValueError("a name or a digest that no package has")
            if type(each["size"]) is not int or each["size"] < 0:
                raise ValueError("no size")
        if len(set(names)) != len(names) or "case.json" not in names:
            raise ValueError("a name twice, or no case")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InvalidReport("the manifest of the package cannot be read") from error
    return said


def _state(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo | None, size: int, sha256: str
) -> EntryState:
    if info is None:
        return EntryState.MISSING
    if info.file_size != size:
        return EntryState.ALTERED
    digest = hashlib.sha256()
    try:
        with archive.open(info) as entry:
            while piece := entry.read(_PIECE):
                digest.update(piece)
    except _UNREADABLE:
        return EntryState.ALTERED
    return EntryState.WHOLE if digest.hexdigest() == sha256 else EntryState.ALTERED


def _signature(
    said: dict[str, Any], manifest: bytes, signature: bytes, key: bytes | None
) -> Signature:
    public = key if key is not None else bytes.fromhex(said["signed_by"]["public_key"])
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, manifest)
    except (InvalidSignature, ValueError):
        return Signature.FORGED
    return Signature.UNPROVEN if key is None else Signature.GENUINE


class _Bounded(io.RawIOBase):
    """A file of which nobody can ask for much at once, whatever a directory claims."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def size(self) -> int:
        before = self._file.tell()
        found = self._file.seek(0, io.SEEK_END)
        self._file.seek(before)
        return found

    def read(self, size: int | None = -1) -> bytes:
        wanted = _LARGEST_READ + 1 if size is None or size < 0 else size
        if wanted > _LARGEST_READ + 1:
            raise InvalidReport("the directory of the package is larger than any that is written")
        content = self._file.read(wanted)
        if len(content) > _LARGEST_READ:
            raise InvalidReport("the directory of the package is larger than any that is written")
        return content
