"""Failed attempts to sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select

from lightkeeper.cases.people._accounts import Attempts
from lightkeeper.storage._rows import from_time, to_time
from lightkeeper.storage.cases._rows import Rows
from lightkeeper.storage.cases._tables_accounts import account_attempt

if TYPE_CHECKING:
    from datetime import datetime

_T = account_attempt.c


class AttemptRows(Rows):
    """See :class:`lightkeeper.cases.people.AccountUnit`."""

    def attempts(self, key: bytes) -> Attempts | None:
        """See the port."""
        row = self._connection.execute(select(account_attempt).where(_T.key == key)).first()
        if row is None:
            return None
        return Attempts(
            key=bytes(row.key),
            failures=row.failures,
            last=from_time(row.last),
            until=from_time(row.until),
        )

    def save_attempts(self, attempts: Attempts) -> None:
        """See the port."""
        values = {
            "failures": attempts.failures,
            "last": to_time(attempts.last),
            "until": to_time(attempts.until),
        }
        added = self._upsert(account_attempt).values(key=attempts.key, **values)
        self._connection.execute(added.on_conflict_do_update(index_elements=["key"], set_=values))

    def end_attempts(self, key: bytes) -> None:
        """See the port."""
        self._connection.execute(delete(account_attempt).where(_T.key == key))

    def trim_attempts(self, *, before: datetime, most: int) -> None:
        """See the port."""
        self._connection.execute(delete(account_attempt).where(_T.last < to_time(before)))
        count = self._connection.scalar(select(func.count()).select_from(account_attempt)) or 0
        if count > most:
            smallest = select(_T.key).order_by(_T.failures, _T.last).limit(count - most)
            self._connection.execute(delete(account_attempt).where(_T.key.in_(smallest)))
