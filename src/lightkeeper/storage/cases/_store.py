"""The store: transactions over everything that the cases' data base holds."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from lightkeeper.errors import CaseError
from lightkeeper.storage._engine import reading, writing
from lightkeeper.storage.cases._attempt_rows import AttemptRows
from lightkeeper.storage.cases._audit_rows import AuditRows
from lightkeeper.storage.cases._case_rows import CaseRows
from lightkeeper.storage.cases._count_rows import CountRows
from lightkeeper.storage.cases._decision_rows import DecisionRows
from lightkeeper.storage.cases._hour_book import SqlHourBook
from lightkeeper.storage.cases._item_rows import ItemRows
from lightkeeper.storage.cases._personal_rows import PersonalRows
from lightkeeper.storage.cases._queue_rows import QueueRows
from lightkeeper.storage.cases._reports import ReportRows
from lightkeeper.storage.cases._view_rows import ViewRows
from lightkeeper.storage.cases._webhook_rows import WebhookRows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from sqlalchemy import Engine


class SqlUnit(
    CaseRows,
    QueueRows,
    CountRows,
    ItemRows,
    DecisionRows,
    ViewRows,
    PersonalRows,
    AuditRows,
    ReportRows,
    AttemptRows,
    WebhookRows,
):
    """One transaction over cases, reports, accounts and the audit together."""


class SqlCaseStore:
    """Cases, reports and accounts in a data base, for any number of threads and processes.

    See :class:`lightkeeper.cases.CaseStore`, :class:`lightkeeper.reporting.ReportStore` and
    :class:`lightkeeper.cases.people.AccountStore`.
    """

    def __init__(self, engine: Engine, audit_key: bytes) -> None:
        self._engine = engine
        self._audit_key = audit_key

    def hour_book(self) -> SqlHourBook:
        """The hour's budget of the cascade, kept in the same data base."""
        return SqlHourBook(self._engine)

    def close(self) -> None:
        """Give the connections back; the store opens new ones if it is used again."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[SqlUnit]:
        """See the ports. One snapshot."""
        with reading(self._engine, raises=CaseError) as connection:
            yield SqlUnit(connection, self._audit_key)

    @contextmanager
    def writing(self) -> Iterator[SqlUnit]:
        """See the ports.

        A transaction is not run again by itself: ``StaleCase`` asks the caller to look anew.
        """
        with writing(self._engine, raises=CaseError) as connection:
            unit = SqlUnit(connection, self._audit_key)
            yield unit
            unit.settle()

    def reading_accounts(self) -> AbstractContextManager[SqlUnit]:
        """See :class:`lightkeeper.cases.people.AccountStore`."""
        return self.reading()

    def accounts(self) -> AbstractContextManager[SqlUnit]:
        """See :class:`lightkeeper.cases.people.AccountStore`."""
        return self.writing()
