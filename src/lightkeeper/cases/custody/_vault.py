"""Where media is kept: the port."""

from __future__ import annotations

from typing import Protocol


class Vault(Protocol):
    """Encrypted storage. What is put in is never on a disk in the clear."""

    def put(self, content: bytes) -> str:
        """Encrypt and keep; the key under which it is found again. Durable when it returns."""

    def get(self, key: str) -> bytes:
        """The content.

        Raises
        ------
        VaultError
            It is not there, or was altered.
        """

    def destroy(self, key: str) -> None:
        """Remove it and its data key; nothing happens where it is gone already."""
