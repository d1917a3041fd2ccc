"""The key ring: what every part of the service takes its keys from."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from lightkeeper.errors import VaultError
from lightkeeper.storage.keys._file import (
    MasterKey,
    Secrets,
    locked,
    make_secrets,
    read_secrets,
    write_secrets,
)

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_SMALL: Final = b"\x01"
_GRACE: Final = timedelta(hours=1)
"""How long a replaced key stays: a process may be about to use it."""


class KeyRing:
    """Master keys of the vault, and a seed from which every other key is derived.

    It follows its file: a key that another process has added is there when it is needed. Any
    number of threads may use it.

    Raises
    ------
    InvalidConfiguration
        The file is not there, others may read it, or it is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        self._lock = threading.Lock()
        self._stamp = self._look()
        self._secrets = read_secrets(self._path)

    @classmethod
    def open(cls, path: Path, *, create: bool = False) -> KeyRing:
        """The ring of a file, made with mode 0600 where it is not there and ``create`` is set."""
        if create and not path.exists():
            seed, first = os.urandom(_KEY_BYTES), _new_master(datetime.now(UTC))
            make_secrets(path.resolve(), Secrets(seed=seed, masters=(first,)))
        return cls(path)

    def derive(self, label: str) -> bytes:
        """32 bytes for one purpose; they tell nothing of those for another.

        References
        ----------
        .. [1] RFC 5869, HKDF.
        """
        return self._derive(f"derive {label}")

    def audit_key(self) -> bytes:
        """What the head of the audit is sealed with."""
        return self._derive("audit head")

    def signing_key(self) -> Ed25519PrivateKey:
        """What certificates and webhooks are signed with."""
        return Ed25519PrivateKey.from_private_bytes(self._derive("ed25519 signing"))

    def encrypt_small(self, content: bytes, *, context: bytes = b"") -> bytes:
        """Encrypt a short secret for the data base, such as the seed of a second factor.

        ``context`` says whose it is: under another it does not open.
        """
        nonce = os.urandom(_NONCE_BYTES)
        return _SMALL + nonce + self._small().encrypt(nonce, content, _SMALL + context)

    def decrypt_small(self, sealed: bytes, *, context: bytes = b"") -> bytes:
        """Decrypt it.

        Raises
        ------
        VaultError
            It was altered, belongs elsewhere, or was encrypted by another key file.
        """
        version, rest = sealed[: len(_SMALL)], sealed[len(_SMALL) :]
        nonce, cipher = rest[:_NONCE_BYTES], rest[_NONCE_BYTES:]
        try:
            if version != _SMALL or len(nonce) < _NONCE_BYTES:
                raise InvalidTag
            return self._small().decrypt(nonce, cipher, _SMALL + context)
        except InvalidTag as error:
            raise VaultError("a kept secret was altered, or is of another key file") from error

    def masters(self) -> tuple[MasterKey, ...]:
        """Master keys, oldest first; the last one is current."""
        self._follow()
        return self._secrets.masters

    def current(self) -> MasterKey:
        """The master key that new data keys are wrapped with."""
        return self.masters()[-1]

    def master(self, identifier: bytes) -> MasterKey:
        """The master key of this identifier.

        Raises
        ------
        VaultError
            The file does not hold it.
        """
        found = [m for m in self.masters() if m.id == identifier]
        if not found:
            raise VaultError(
                "the key file lacks the master key of a kept object",
                hint="The key file is of another service, or the key was retired too early.",
            )
        return found[0]

    def rotate(self, *, now: datetime) -> MasterKey:
        """Add a master key and make it current; durable when it returns."""
        with locked(self._path):
            before = read_secrets(self._path)
            added = _new_master(now)
            write_secrets(self._path, replace(before, masters=(*before.masters, added)))
        self._follow()
        return added

    def retire(self, in_use: Collection[bytes], *, now: datetime) -> tuple[MasterKey, ...]:
        """Forget master keys that wrap nothing; those that went. They cannot come back.

        The current key stays, and for an hour the one before it.
        """
        with locked(self._path):
            before = read_secrets(self._path)
            successors = before.masters[1:]
            gone = tuple(
                master
                for master, successor in zip(before.masters, successors, strict=False)
                if master.id not in in_use and successor.created + _GRACE <= now
            )
            if gone:
                kept = tuple(m for m in before.masters if m not in gone)
                write_secrets(self._path, replace(before, masters=kept))
        self._follow()
        return gone

    def _follow(self) -> None:
        """Read the file again where it is another than before."""
        with self._lock:
            stamp = self._look()
            if stamp is not None and stamp != self._stamp:
                self._secrets = read_secrets(self._path)
                self._stamp = stamp

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            # Keys in memory still open what was kept; a restart says what is wrong.
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _derive(self, label: str) -> bytes:
        info = b"lightkeeper/1 " + label.encode()
        return HKDF(SHA256(), _KEY_BYTES, salt=None, info=info).derive(self._secrets.seed)

    def _small(self) -> AESGCM:
        return AESGCM(self._derive("small secrets"))


def _new_master(now: datetime) -> MasterKey:
    return MasterKey(id=os.urandom(16), created=now.astimezone(UTC), key=os.urandom(_KEY_BYTES))
