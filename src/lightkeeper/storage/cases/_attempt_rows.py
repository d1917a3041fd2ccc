"""Failed attempts to sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select

from lightkeeper.cases.people._accounts import Attempts
from lightkeeper.storage._rows import from_time, to_time
from lightkeeper.storage.cases._accounts import AccountRows
from lightkeeper.storage.cases._tables_accounts import account_attempt

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Select

_T = account_attempt.c


class AttemptRows(AccountRows):
    """See :class:`lightkeeper.cases.people.AccountUnit`."""

    def attempts(self, key: bytes) -> Attempts | None:
        """See the port."""
        asked = select(account_attempt).where(_T.key == key)
        row = self._connection.execute(self._held(asked)).first()
        if row is None:
            return None
        return Attempts(
            key=bytes(row.key),
            failures=row.failures,
            last=from_time(row.last),
            until=from_time(row.until),
        )

    def add_attempts(self, attempts: Attempts) -> bool:
        """See the port."""
        added = self._upsert(account_attempt).values(key=attempts.key, **_values(attempts))
        # One statement: of two that look first, both would find nothing.
        done = self._connection.execute(added.on_conflict_do_nothing().returning(_T.key))
        return done.first() is not None

    def save_attempts(self, attempts: Attempts) -> None:
        """See the port."""
        values = _values(attempts)
        added = self._upsert(account_attempt).values(key=attempts.key, **values)
        self._connection.execute(added.on_conflict_do_update(index_elements=["key"], set_=values))

    def end_attempts(self, key: bytes) -> None:
        """See the port."""
        self._connection.execute(delete(account_attempt).where(_T.key == key))

    def trim_attempts(self, *, before: datetime, most: int) -> None:
        """See the port."""
        self._drop(select(_T.key).where(_T.last < to_time(before)))
        count = self._connection.scalar(select(func.count()).select_from(account_attempt)) or 0
        if count > most:
            self._drop(select(_T.key).order_by(_T.failures, _T.last).limit(count - most))

    def _drop(self, keys: Select[Any]) -> None:
        # What somebody counts at this moment is left to the next time: no two wait for each other.
        free = keys.with_for_update(skip_locked=True)
        self._connection.execute(delete(account_attempt).where(_T.key.in_(free)))


def _values(attempts: Attempts) -> dict[str, int]:
    return {
        "failures": attempts.failures,
        "last": to_time(attempts.last),
        "until": to_time(attempts.until),
    }
