"""Where hash sets live: SQLite by default, PostgreSQL for a fleet."""

from lightkeeper.storage._open import open_store

__all__ = ["open_store"]
