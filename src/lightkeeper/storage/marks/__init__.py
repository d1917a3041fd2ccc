"""Registries of marked pictures in SQL: the operator's own, and those taken over from files."""

from lightkeeper.storage.marks._open import open_marks
from lightkeeper.storage.marks._store import KeptRegistry, SqlMarkRegistry

__all__ = ["KeptRegistry", "SqlMarkRegistry", "open_marks"]
