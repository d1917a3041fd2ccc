"""A vault in memory; it encrypts nothing."""

from __future__ import annotations

import secrets

from lightkeeper.errors import VaultError


class MemoryVault:
    """Implements :class:`lightkeeper.cases.custody.Vault` with a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def put(self, content: bytes) -> str:
        """Keep it under a new key."""
        key = secrets.token_urlsafe(12)
        self.kept[key] = bytes(content)
        return key

    def get(self, key: str) -> bytes:
        """What was put in under a key."""
        try:
            return self.kept[key]
        except KeyError:
            raise VaultError("the vault does not hold it") from None

    def destroy(self, key: str) -> None:
        """Forget it."""
        self.kept.pop(key, None)
