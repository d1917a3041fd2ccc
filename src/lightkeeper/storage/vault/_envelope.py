"""How content and its data key are sealed.

Each object has its own data key of 256 random bits, used once. Two objects keep it, format 1::

    content    "LKVC" 1 | nonce, 12 bytes | AES-256-GCM of the content, tag at the end
               authenticated with it: "LKVC" 1, the object's name
    envelope   "LKVE" 1 | master key's id, 16 bytes | nonce, 12 bytes | AES-256-GCM of the data key
               authenticated with it: "LKVE" 1, the object's name, the master key's id

Wrapping anew replaces the envelope, 81 bytes, and leaves the content as it is.

References
----------
.. [1] NIST SP 800-38D, Galois/Counter Mode.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lightkeeper.errors import VaultError

if TYPE_CHECKING:
    from lightkeeper.storage.keys import KeyRing, MasterKey

DATA_KEY_BYTES: Final = 32
LARGEST_CONTENT: Final = 1 << 30
"""AES-GCM ends at 64 GiB; memory ends earlier, for content is sealed whole."""

_CONTENT: Final = b"LKVC\x01"
_ENVELOPE: Final = b"LKVE\x01"
_ID: Final = slice(5, 21)
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_ENVELOPE_BYTES: Final = 5 + 16 + _NONCE_BYTES + DATA_KEY_BYTES + _TAG_BYTES


def seal_content(name: str, content: bytes, data_key: bytes) -> bytes:
    """The content object."""
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(data_key).encrypt(nonce, content, _CONTENT + name.encode())
    return b"".join((_CONTENT, nonce, sealed))


def open_content(name: str, stored: bytes, data_key: bytes) -> bytes:
    """The content of a content object.

    Raises
    ------
    VaultError
        It was altered, cut or exchanged.
    """
    view = memoryview(stored)
    start = len(_CONTENT) + _NONCE_BYTES
    if stored[: len(_CONTENT)] != _CONTENT or len(stored) < start + _TAG_BYTES:
        raise VaultError("a kept object is cut short or of an unknown format")
    nonce = view[len(_CONTENT) : start]
    try:
        return AESGCM(data_key).decrypt(nonce, view[start:], _CONTENT + name.encode())
    except InvalidTag as error:
        raise VaultError("a kept object was altered") from error


def wrap(name: str, data_key: bytes, master: MasterKey) -> bytes:
    """The envelope of a data key."""
    nonce = os.urandom(_NONCE_BYTES)
    wrapped = AESGCM(master.key).encrypt(nonce, data_key, _aad(name, master.id))
    return b"".join((_ENVELOPE, master.id, nonce, wrapped))


def unwrap(name: str, envelope: bytes, ring: KeyRing) -> bytes:
    """The data key of an envelope.

    Raises
    ------
    VaultError
        It was altered, cut or exchanged, or its master key is not there.
    """
    master = ring.master(wrapped_by(envelope))
    nonce = envelope[_ID.stop : _ID.stop + _NONCE_BYTES]
    try:
        wrapped = envelope[_ID.stop + _NONCE_BYTES :]
        return AESGCM(master.key).decrypt(nonce, wrapped, _aad(name, master.id))
    except InvalidTag as error:
        raise VaultError("the data key of a kept object was altered") from error


def wrapped_by(envelope: bytes) -> bytes:
    """The identifier of the master key that wrapped an envelope.

    Raises
    ------
    VaultError
        It is no envelope.
    """
    if len(envelope) != _ENVELOPE_BYTES or envelope[: len(_ENVELOPE)] != _ENVELOPE:
        raise VaultError("the data key of a kept object is cut short or of an unknown format")
    return envelope[_ID]


def _aad(name: str, master: bytes) -> bytes:
    # Both have one length each, so no two pairs read alike.
    return _ENVELOPE + name.encode() + master
