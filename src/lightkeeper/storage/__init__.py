"""What is kept in SQL, encrypted files and key files, for the ports that rooms below declare."""

from lightkeeper.storage._open import open_store

__all__ = ["open_store"]
