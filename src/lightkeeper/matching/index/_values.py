"""Values of entries as 64-bit words, the form in which the index keeps and compares them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.errors import MatchError

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORDS = 4
"""Room for a value in the log, in words; shorter ones are filled up with zeros."""


class Kind(IntEnum):
    """What a table holds. All opaque kinds share one, as keyed digests of their values."""

    PDQ = 0
    MD5 = 1
    SHA1 = 2
    SHA256 = 3
    OPAQUE = 4

    @property
    def label(self) -> str:
        """Name in files and statistics."""
        return self.name.lower()

    @property
    def value_bytes(self) -> int:
        """Length of a value."""
        return (32, 16, 20, 32, 16)[self]

    @property
    def width(self) -> int:
        """Words of a value."""
        return -(-self.value_bytes // 8)


_KINDS = {kind.label: kind for kind in Kind if kind is not Kind.OPAQUE}


@dataclass(frozen=True, slots=True)
class Items:
    """Entries of one kind, row by row."""

    words: NDArray[np.uint64]
    """Shape (N, words of the kind), most significant first."""
    entry_numbers: NDArray[np.uint64]
    set_numbers: NDArray[np.uint32]


def kind_of(name: str) -> Kind:
    """The table that keeps entries of a kind; kinds the index does not know are opaque."""
    return _KINDS.get(name, Kind.OPAQUE)


def value_bytes(kind: str, value: str | bytes) -> bytes:
    """A value as 32 bytes.

    Raises
    ------
    MatchError
        Not as many hexadecimal digits, or bytes, as the kind has.
    """
    known = kind_of(kind)
    if known is Kind.OPAQUE:
        raw = _opaque(kind, value)
    else:
        raw = value if isinstance(value, bytes) else _from_hex(value)
        if len(raw) != known.value_bytes:
            raise MatchError(f"this is no {kind} value: {value!r:.80}")
    return raw.ljust(8 * WORDS, b"\0")


def _from_hex(value: str) -> bytes:
    try:
        raw = bytes.fromhex(value)
    except ValueError:
        return b""
    return raw if 2 * len(raw) == len(value) else b""  # fromhex skips blanks


def _opaque(kind: str, value: str | bytes) -> bytes:
    content = value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
    return blake2b(content, digest_size=Kind.OPAQUE.value_bytes, key=_opaque_key(kind)).digest()


@lru_cache(maxsize=64)
def _opaque_key(kind: str) -> bytes:
    return blake2b(kind.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def words_of(values: bytes) -> NDArray[np.uint64]:
    """Joined 32-byte values as words, shape (N, 4)."""
    return np.frombuffer(values, ">u8").astype(np.uint64).reshape(-1, WORDS)


def pdq_words(value: str | bytes) -> NDArray[np.uint64]:
    """A PDQ hash as the index searches it.

    Parameters
    ----------
    value : str or bytes
        64 hexadecimal digits, or the 32 bytes of :attr:`lightkeeper.hashing.PdqHash.bits`.

    Returns
    -------
    uint64, shape (4,)

    Raises
    ------
    MatchError
        Of another length, or not hexadecimal.
    """
    return words_of(value_bytes("pdq", value)).reshape(WORDS)
