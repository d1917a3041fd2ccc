"""What every group of rows starts from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

    from lightkeeper.cases.audit import EventDraft


class Rows(ABC):
    """Rows of one transaction; each kind has a class of its own, and the unit joins them.

    Locks are taken in one order: cases by their identifiers, submissions and accounts, and last the
    row that everybody needs, in :meth:`settle`.
    """

    def __init__(self, connection: Connection, audit_key: bytes) -> None:
        self._connection = connection
        self._audit_key = audit_key
        self._drafts: list[EventDraft] = []
        self._new_members: list[str] = []

    def _upsert(self, table: Table) -> Any:
        """An insertion that may say what to do where the row is there already."""
        dialect = sqlite if self._connection.dialect.name == "sqlite" else postgresql
        return dialect.insert(table)

    @abstractmethod
    def settle(self) -> None:
        """Chain the events and number the members that wait for it; the last act of a writer."""
