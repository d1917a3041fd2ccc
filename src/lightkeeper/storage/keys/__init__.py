"""The service's secrets: one file, kept apart from the data base and the vault."""

from lightkeeper.storage.keys._file import MasterKey
from lightkeeper.storage.keys._ring import KeyRing

__all__ = ["KeyRing", "MasterKey"]
