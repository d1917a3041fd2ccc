"""Cases, reports and accounts in SQL: one data base, SQLite by default."""

from lightkeeper.storage.cases._open import open_cases
from lightkeeper.storage.cases._store import SqlCaseStore

__all__ = ["SqlCaseStore", "open_cases"]
