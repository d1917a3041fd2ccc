"""A registry as one signed file, for machines without a data base.

Lines of JSON: a header, one line for each entry, and the signature over all bytes before it.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from lightkeeper.errors import EvidenceError, InvalidConfiguration
from lightkeeper.evidence.watermark.registry._entry import SOFT_BINDING_ALGORITHM
from lightkeeper.evidence.watermark.registry._wire import (
    OLD,
    REGISTER_AGAIN,
    entry_id,
    entry_line,
    parse_entry,
    withheld,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from numpy.typing import NDArray

    from lightkeeper.evidence.watermark.registry._entry import Fingerprint, MarkEntry

SCHEMA: Final = "lightkeeper.mark-registry/2"
_SIGNED: Final = b"lightkeeper.mark-registry/2\n"
_OLD_SCHEMA: Final = b'{"schema":"lightkeeper.mark-registry/1",'
_LAST: Final = re.compile(rb'\{"signature":"([0-9a-f]{128})"\}\n')
_LAST_BYTES: Final = 145
_LARGEST_FILE: Final = 256 << 20
_KEY_BYTES: Final = 32
_MOST_OF_PAYLOAD: Final = 64
"""More would only make look-ups slow."""
_LONGEST_NAME: Final = 80
_LAST_VERSION: Final = 1 << 53
"""What every reader of JSON and every data base can hold."""
_HEX: Final = re.compile(r"[0-9a-f]{64}")


class _Header(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    schema: str
    name: str
    version: int
    made: datetime
    previous: str | None
    algorithm: str
    sketches: bool
    entries: int
    public_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryHead:
    """What a registry file says of itself."""

    name: str
    """Who keeps it."""
    version: int
    """From 1; each version holds all entries."""
    made: datetime
    previous: str | None = None
    """SHA-256 of the file of the version before."""

    def __post_init__(self) -> None:
        check_name(self.name)
        if not 1 <= self.version <= _LAST_VERSION or self.made.tzinfo is None:
            raise InvalidConfiguration("a registry has a version from 1 and a time with its zone")
        if self.previous is not None and not _HEX.fullmatch(self.previous):
            raise InvalidConfiguration("'previous' of a registry is a SHA-256")


def check_name(name: str) -> None:
    """Refuse what is no name of a registry.

    Raises
    ------
    InvalidConfiguration
        It is empty, long, has another form than Unicode's NFC, or what does not print.
    """
    # Two names that look alike because of their form or of spaces would be two registries.
    plain = name.isprintable() and name == name.strip() and unicodedata.is_normalized("NFC", name)
    if not plain or not 0 < len(name) <= _LONGEST_NAME:
        raise InvalidConfiguration("a registry's name is one line of at most 80 characters")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegistryFile:
    """A registry file whose signature and format hold. It is a :class:`MarkRegistry`."""

    head: RegistryHead
    public_key: bytes
    """Whose signature it is."""
    sha256: str
    """Of the whole file."""
    sketches: bool
    """Whether it holds sketches: it is for those who may see them and say what is registered."""
    _content: bytes = field(repr=False)
    _payloads: NDArray[np.uint64] = field(repr=False)
    """Sorted; ``_places`` says where the line of each begins and ends."""
    _places: NDArray[np.int64] = field(repr=False)

    @property
    def name(self) -> str:
        """Who keeps it."""
        return self.head.name

    @property
    def revision(self) -> str:
        """SHA-256 of the file."""
        return self.sha256

    def __len__(self) -> int:
        return len(self._payloads)

    def find(self, payload: int) -> tuple[MarkEntry, ...]:
        """All entries that this payload names."""
        low, high = (int(self._payloads.searchsorted(np.uint64(payload), s)) for s in _SIDES)
        return tuple(self._entry(place) for place in range(low, high))

    def decoys(self, payload: int) -> Sequence[Fingerprint]:
        """Fingerprints of entries with other payloads, spread over the file."""
        places = np.linspace(0, max(len(self) - 1, 0), min(2 * _DECOYS, len(self))).astype(int)
        spread = dict.fromkeys(int(place) for place in places)
        others = (self._entry(place) for place in spread if int(self._payloads[place]) != payload)
        return [entry.fingerprint for entry in others][:_DECOYS] if self.sketches else []

    def entries(self) -> Iterator[MarkEntry]:
        """All entries, by payload."""
        return map(self._entry, range(len(self)))

    def _entry(self, place: int) -> MarkEntry:
        start, end = self._places[place]
        return parse_entry(self._content[start:end], where=self.name)


_SIDES: Final = ("left", "right")
_DECOYS: Final = 16


def registry_bytes(
    head: RegistryHead,
    entries: Iterable[MarkEntry],
    *,
    key: Ed25519PrivateKey,
    sketches: bool = False,
) -> bytes:
    """Write and sign a registry file.

    Parameters
    ----------
    head : RegistryHead
    entries : iterable of MarkEntry
        All of them, those withdrawn too; they are sorted by payload, and the same one twice is
        written once.
    key : Ed25519PrivateKey
        The owner's; readers pin its public half.
    sketches : bool
        Write the sketches, too: for those who may see them, never for all.

    Raises
    ------
    InvalidConfiguration
        An entry's sketch is wanted, and it was withheld here, too.
    """
    if not sketches:
        entries = map(withheld, entries)
    lines = sorted({_line(entry, sketches=sketches) for entry in entries})
    header = _Header(
        schema=SCHEMA,
        name=head.name,
        version=head.version,
        made=head.made.astimezone(UTC).replace(microsecond=0),
        previous=head.previous,
        algorithm=SOFT_BINDING_ALGORITHM,
        sketches=sketches,
        entries=len(lines),
        public_key=key.public_key().public_bytes_raw().hex(),
    )
    body = b"".join(line + b"\n" for line in (msgspec.json.encode(header), *lines))
    signature = key.sign(_SIGNED + body)
    return body + b'{"signature":"' + signature.hex().encode() + b'"}\n'


def _line(entry: MarkEntry, *, sketches: bool) -> bytes:
    if (entry.fingerprint.sketch is not None) is not sketches:
        raise InvalidConfiguration("an entry's sketch is not here: it was withheld")
    return entry_line(entry)


def read_registry(path: Path, *, key: bytes | None) -> RegistryFile:
    """Read a registry file and check all of it.

    Parameters
    ----------
    path : Path
        At most 256 MiB, about 500,000 entries, or 90,000 with sketches; more belong into a data
        base.
    key : bytes or None
        The owner's public key, 32 bytes, got by another way than the file. ``None`` takes the
        word of the file, which says only that nothing was damaged: for a look, never for a scan.

    Raises
    ------
    InvalidConfiguration
        It cannot be read.
    EvidenceError
        It was changed, signed by another, is too large, or an entry is none.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise InvalidConfiguration(f"cannot read registry {path}: {error.strerror}") from error
    return parse_registry(content, key=key, where=f"registry {path}")


def parse_registry(content: bytes, *, key: bytes | None, where: str = "registry") -> RegistryFile:
    """The same, of bytes."""
    if len(content) > _LARGEST_FILE:
        raise EvidenceError(f"{where} has over {_LARGEST_FILE >> 20} MiB")
    end = len(content) - _LAST_BYTES
    if content.startswith(_OLD_SCHEMA):
        raise EvidenceError(
            f"{where}: {OLD}", hint=f"ask its owner for a new one, or {REGISTER_AGAIN}"
        )
    signature = _LAST.fullmatch(content, max(end, 0))
    first = content.find(b"\n", 0, end) + 1
    if signature is None or not first or content[end - 1 : end] != b"\n":
        raise EvidenceError(f"{where} is no registry of marks, or is cut off")
    head_line = content[: first - 1]
    # Where a key is pinned, nothing is parsed before the signature holds.
    public = key or _public_key(_header(head_line, where), where)
    _verify(memoryview(content)[:end], bytes.fromhex(signature[1].decode()), public, where)
    header = _header(head_line, where)
    if _public_key(header, where) != public:
        raise EvidenceError(f"{where} names another key than the one that signed it")
    try:
        payloads, places = _index(content, first, end, where, sketches=header.sketches)
        head = RegistryHead(
            name=header.name, version=header.version, made=header.made, previous=header.previous
        )
    except InvalidConfiguration as error:
        raise EvidenceError(str(error), hint=error.hint) from None
    if len(payloads) != header.entries:
        raise EvidenceError(f"{where} holds another number of entries than it says")
    return RegistryFile(
        head=head,
        public_key=public,
        sha256=hashlib.sha256(content).hexdigest(),
        sketches=header.sketches,
        _content=content,
        _payloads=payloads,
        _places=places,
    )


def _verify(body: memoryview, signature: bytes, public: bytes, where: str) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, b"".join((_SIGNED, body)))
    except (InvalidSignature, ValueError):
        raise EvidenceError(
            f"{where} was changed, or is signed by another key than the one expected",
            hint="ask the owner of the registry for the file and, by another way, for the key",
        ) from None


def _header(line: bytes, where: str) -> _Header:
    try:
        header = msgspec.json.decode(line, type=_Header)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise EvidenceError(f"{where} has no readable header") from None
    if header.schema != SCHEMA:
        raise EvidenceError(f"{where} is of a schema that this Lightkeeper does not know")
    if header.algorithm != SOFT_BINDING_ALGORITHM:
        raise EvidenceError(f"{where} is of another mark than {SOFT_BINDING_ALGORITHM}")
    return header


def _public_key(header: _Header, where: str) -> bytes:
    if not _HEX.fullmatch(header.public_key):
        raise EvidenceError(f"{where} names no public key of {_KEY_BYTES} bytes")
    return bytes.fromhex(header.public_key)


def _index(
    content: bytes, start: int, stop: int, where: str, *, sketches: bool
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    payloads: list[int] = []
    places: list[tuple[int, int]] = []
    of_payload: dict[bytes, int] = {}
    last: MarkEntry | None = None
    while start < stop:
        end = content.index(b"\n", start)
        number = len(places) + 1
        entry = parse_entry(content[start:end], where=f"{where}, entry {number}")
        if (entry.fingerprint.sketch is not None) is not sketches:
            raise EvidenceError(f"{where} says otherwise than entry {number} about sketches")
        if last is not None and entry.payload < last.payload:
            raise EvidenceError(f"{where} is not sorted by payload")
        if last is not None and entry.payload == last.payload:
            of_payload.setdefault(entry_id(last), number - 1)
            first = of_payload.setdefault(entry_id(entry), number)
            if first != number:
                # One of the two could be withdrawn and the other one not.
                raise EvidenceError(f"{where} holds entry {first} again as entry {number}")
            if len(of_payload) > _MOST_OF_PAYLOAD:
                raise EvidenceError(f"{where} has over {_MOST_OF_PAYLOAD} entries of one payload")
        else:
            of_payload = {}
        last = entry
        payloads.append(entry.payload)
        places.append((start, end))
        start = end + 1
    return np.array(payloads, np.uint64), np.array(places, np.int64).reshape(-1, 2)
