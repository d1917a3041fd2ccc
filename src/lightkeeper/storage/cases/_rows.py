"""What every group of rows starts from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import postgresql, sqlite

from lightkeeper.storage.cases._case_values import CASES

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

    from lightkeeper.cases.audit import EventDraft
    from lightkeeper.cases.decision import Decision
    from lightkeeper.cases.item import Item
    from lightkeeper.cases.record import Case


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
        self._ranks: dict[str, tuple[int, float]] = {}
        self._items_of: dict[str, tuple[Item, ...]] = {}
        self._decisions_of: dict[str, tuple[Decision, ...]] = {}

    def _upsert(self, table: Table) -> Any:
        """An insertion that may say what to do where the row is there already."""
        dialect = sqlite if self._connection.dialect.name == "sqlite" else postgresql
        return dialect.insert(table)

    def _loaded(self, record: str) -> Case:
        case = CASES.load(record)
        self._ranks[case.id] = case.version, case.triage.rank
        return case

    def _forget(self) -> None:
        """Read items and decisions anew: a lock that was waited for shows what others wrote."""
        self._items_of.clear()
        self._decisions_of.clear()

    @abstractmethod
    def settle(self) -> None:
        """Chain the events and number the members that wait for it; the last act of a writer."""
