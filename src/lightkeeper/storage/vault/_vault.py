"""The vault: sealed objects under random names."""

from __future__ import annotations

import os
import re
import secrets
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lightkeeper.errors import VaultError
from lightkeeper.storage.vault._envelope import (
    DATA_KEY_BYTES,
    LARGEST_CONTENT,
    open_content,
    seal_content,
    unwrap,
    wrap,
    wrapped_by,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lightkeeper.storage.keys import KeyRing
    from lightkeeper.storage.vault._objects import Objects

_KEY = re.compile(r"[0-9a-f]{32}")
_CONTENT: Final = "content"
_KEYS: Final = "keys"


@dataclass(frozen=True, slots=True)
class Checked:
    """One object that was read to its end; ``problem`` says what is wrong with it."""

    key: str
    problem: str | None = None


class SealedVault:
    """A :class:`lightkeeper.cases.custody.Vault`, for any number of threads and processes.

    An object is there once its envelope is: content goes first, so that a crash leaves at most
    bytes that nobody can decrypt. In a destruction the envelope goes first, for the same reason.
    """

    def __init__(self, objects: Objects, ring: KeyRing) -> None:
        self._objects = objects
        self._ring = ring

    def put(self, content: bytes) -> str:
        """Encrypt and keep; durable when it returns.

        Raises
        ------
        VaultError
            The place cannot be written to, or the content passes 1 GiB.
        """
        if len(content) > LARGEST_CONTENT:
            raise VaultError("the content is too large for the vault")
        key, data_key = secrets.token_hex(16), os.urandom(DATA_KEY_BYTES)
        self._objects.put(_place(_CONTENT, key), seal_content(key, content, data_key))
        self._objects.put(_place(_KEYS, key), wrap(key, data_key, self._ring.current()))
        return key

    def get(self, key: str) -> bytes:
        """Decrypt.

        Raises
        ------
        VaultError
            It is not there, or was altered.
        """
        envelope = self._objects.get(_place(_KEYS, key))
        stored = None if envelope is None else self._objects.get(_place(_CONTENT, key))
        if envelope is None or stored is None:
            raise VaultError("the vault does not hold this object")
        return open_content(key, stored, unwrap(key, envelope, self._ring))

    def destroy(self, key: str) -> None:
        """Remove the data key and then the content; nothing happens where both are gone."""
        self._objects.delete(_place(_KEYS, key))
        self._objects.delete(_place(_CONTENT, key))
        # A wrapping anew that had read the envelope before may have put it back in between.
        self._objects.delete(_place(_KEYS, key))

    def check(self) -> Iterator[Checked]:
        """Decrypt every object, one at a time."""
        for key in self._keys(_KEYS):
            problem = None
            try:
                self.get(key)
            except VaultError as error:
                if not self._objects.exists(_place(_KEYS, key)):
                    continue  # destroyed while we went by
                problem = str(error)
            yield Checked(key, problem)

    def unfinished(self) -> int:
        """How many contents have no data key: what crashes left. Nobody can read them.

        Those that are being put right now count too.
        """
        return sum(not self._objects.exists(_place(_KEYS, key)) for key in self._keys(_CONTENT))

    def rewrap(self) -> Iterator[Checked]:
        """Wrap every data key that another than the current master key wraps; contents stay.

        It can be stopped anywhere and begun again, and readers notice nothing. Objects whose
        envelope is damaged come out with their problem, the others as they are done.
        """
        master = self._ring.current()
        for key in self._keys(_KEYS):
            place = _place(_KEYS, key)
            envelope = self._objects.get(place)
            try:
                if envelope is None or wrapped_by(envelope) == master.id:
                    continue
                self._objects.put(place, wrap(key, unwrap(key, envelope, self._ring), master))
            except VaultError as error:
                yield Checked(key, str(error))
                continue
            if not self._objects.exists(_place(_CONTENT, key)):
                # It was destroyed in between: its data key must not outlive it.
                self._objects.delete(place)
                continue
            yield Checked(key)

    def in_use(self) -> Counter[bytes]:
        """How many objects each master key wraps, by its identifier."""
        used: Counter[bytes] = Counter()
        for key in self._keys(_KEYS):
            envelope = self._objects.get(_place(_KEYS, key))
            if envelope is not None:
                used[wrapped_by(envelope)] += 1
        return used

    def _keys(self, folder: str) -> Iterator[str]:
        for name in self._objects.names(folder):
            key = name.rpartition("/")[2]
            if _KEY.fullmatch(key) and name == _place(folder, key):
                yield key


def _place(folder: str, key: str) -> str:
    if not _KEY.fullmatch(key):
        raise VaultError("this is no key of the vault")
    return f"{folder}/{key[:2]}/{key}"
