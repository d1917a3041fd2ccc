"""Kept media, encrypted: in a folder, or in a bucket of an S3 API."""

from lightkeeper.storage.vault._open import open_vault
from lightkeeper.storage.vault._vault import Checked, SealedVault

__all__ = ["Checked", "SealedVault", "open_vault"]
