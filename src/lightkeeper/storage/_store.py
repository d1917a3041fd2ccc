"""The store: one transaction for each call."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, func, insert, select, update

from lightkeeper.errors import MatchError
from lightkeeper.matching._guards import check_set
from lightkeeper.storage import _history, _read, _statistics, _withdraw
from lightkeeper.storage import _upsert as bulk
from lightkeeper.storage._engine import reading, writing
from lightkeeper.storage._rows import DAY, set_values, to_set, to_time
from lightkeeper.storage._schema import decision, entry, hash_set, mention, store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Engine

    from lightkeeper.matching import Change, Entry, HashSet, SetState, UpsertCount
    from lightkeeper.matching._ports import HourlyCount


class SqlSetStore:
    """Hash sets in a data base; see :class:`lightkeeper.matching.SetStore`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def close(self) -> None:
        """Give the connections back; the store opens new ones if it is used again."""
        self._engine.dispose()

    def create_set(self, hash_set: HashSet) -> HashSet:
        """See the port."""
        check_set(hash_set)
        with writing(self._engine) as connection:
            _lock(connection)
            if _find_set(connection, hash_set.name):
                raise MatchError(f"there is a set named {hash_set.name} already")
            return _insert_set(connection, hash_set)

    def update_set(self, hash_set: HashSet) -> HashSet:
        """See the port. Its state stays: :meth:`set_state` asks for a reason."""
        check_set(hash_set)
        with writing(self._engine) as connection:
            _lock(connection)
            known = _set_named(connection, hash_set.name)
            changed = replace(hash_set, number=known.number, state=known.state)
            _update_set(connection, changed)
            if changed.expires_after_days != known.expires_after_days:
                _apply_expiry(connection, changed)
            return changed

    def set_state(self, name: str, state: SetState, *, reason: str) -> HashSet:
        """See the port."""
        now = to_time(datetime.now(UTC))
        with writing(self._engine) as connection:
            _lock(connection)
            known = _set_named(connection, name)
            if known.state is state:
                return known
            connection.execute(
                insert(decision).values(
                    set_number=known.number, made=now, state=state.value, reason=reason
                )
            )
            changed = replace(known, state=state)
            _update_set(connection, changed)
            return changed

    def sets(self) -> Sequence[HashSet]:
        """See the port."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(hash_set).order_by(hash_set.c.name))
            return [to_set(row) for row in rows]

    def hash_set(self, name: str) -> HashSet:
        """See the port."""
        with reading(self._engine) as connection:
            return _set_named(connection, name)

    def upsert(
        self, name: str, entries: Sequence[Entry], *, source: str, now: datetime
    ) -> UpsertCount:
        """See the port."""
        moment = to_time(now)
        with writing(self._engine) as connection:
            _lock(connection)
            known = _set_named(connection, name)
            return bulk.upsert(connection, known, entries, by=source, now=moment)

    def compare(self, name: str, entries: Sequence[Entry], *, source: str) -> UpsertCount:
        """See the port. It waits for its turn as a writer does, and takes everything back."""
        moment = to_time(datetime.now(UTC))
        with writing(self._engine) as connection:
            _lock(connection)
            known = _set_named(connection, name)
            count = bulk.upsert(connection, known, entries, by=source, now=moment)
            connection.get_transaction().rollback()  # type: ignore[union-attr]
            return count

    def withdraw(
        self,
        name: str,
        keys: Sequence[tuple[str, str]],
        *,
        reason: str,
        now: datetime,
        source: str | None = None,
    ) -> int:
        """See the port."""
        moment = to_time(now)
        with writing(self._engine) as connection:
            _lock(connection)
            number = _set_named(connection, name).number
            by = None if source is None else bulk.source_named(connection, source)
            return _withdraw.withdraw(
                connection, number, keys, reason=reason, now=moment, source_number=by
            )

    def withdraw_missing(self, name: str, *, source: str, before: datetime, now: datetime) -> int:
        """See the port."""
        moment, bound = to_time(now), to_time(before)
        with writing(self._engine) as connection:
            _lock(connection)
            number = _set_named(connection, name).number
            by = bulk.source_named(connection, source)
            return _withdraw.withdraw_missing(
                connection, number, source_number=by, before=bound, now=moment
            )

    def confirm(
        self, name: str, keys: Sequence[tuple[str, str]], *, person: str, now: datetime
    ) -> int:
        """See the port."""
        moment = to_time(now)
        with writing(self._engine) as connection:
            _lock(connection)
            number = _set_named(connection, name).number
            return _withdraw.confirm(connection, number, keys, person=person, now=moment)

    def park(
        self, name: str, keys: Sequence[tuple[str, str]], *, reason: str, now: datetime
    ) -> int:
        """See the port."""
        moment = to_time(now)
        with writing(self._engine) as connection:
            _lock(connection)
            number = _set_named(connection, name).number
            return _withdraw.park(connection, number, keys, reason=reason, now=moment)

    def vote(self, name: str, key: tuple[str, str], *, agree: bool, source: str) -> None:
        """See the port."""
        with writing(self._engine) as connection:
            _lock(connection)
            set_number = _set_named(connection, name).number
            found = [
                n for part in _withdraw.numbers_of(connection, set_number, [key]) for n in part
            ]
            if not found:
                raise MatchError(f"the set {name} has no such entry")
            by = bulk.source_named(connection, source)
            _statistics.cast_vote(connection, found[0], by, agree=agree)

    def entries(
        self, name: str, *, after: int = 0, since: datetime | None = None
    ) -> Iterator[Entry]:
        """See the port."""
        number = self.hash_set(name).number
        changed_since = None if since is None else to_time(since)
        return _read.entries(self._engine, number, after=after, changed_since=changed_since)

    def entries_by_number(self, numbers: Sequence[int]) -> Mapping[int, tuple[HashSet, Entry]]:
        """See the port."""
        return _read.entries_by_number(self._engine, numbers)

    def changes(self, *, after: int) -> Iterator[Change]:
        """See the port."""
        return _history.changes(self._engine, after)

    def last_revision(self) -> int:
        """See the port."""
        with reading(self._engine) as connection:
            return _history.last_revision(connection)

    def expire(self, *, now: datetime) -> int:
        """See the port."""
        moment = to_time(now)
        with writing(self._engine) as connection:
            _lock(connection)
            return _withdraw.expire(connection, now=moment)

    def count_matches(self, name: str, matches: int, lookups: int, *, now: datetime) -> None:
        """See the port."""
        moment = to_time(now)
        with writing(self._engine) as connection:
            number = _set_named(connection, name).number
            _statistics.count_matches(connection, number, matches, lookups, now=moment)

    def match_history(self, name: str, *, since: datetime) -> Sequence[HourlyCount]:
        """See the port."""
        bound = to_time(since)
        with reading(self._engine) as connection:
            number = _set_named(connection, name).number
            return _statistics.match_history(connection, number, since=bound)


def _lock(connection: Connection) -> None:
    # SQLite has locked at BEGIN IMMEDIATE; PostgreSQL locks the row that every writer reads.
    connection.execute(select(store.c.revision).with_for_update())


def _find_set(connection: Connection, name: str) -> HashSet | None:
    row = connection.execute(select(hash_set).where(hash_set.c.name == name)).first()
    return None if row is None else to_set(row)


def _set_named(connection: Connection, name: str) -> HashSet:
    found = _find_set(connection, name)
    if found is None:
        raise MatchError(f"there is no set named {name}")
    return found


def _insert_set(connection: Connection, new: HashSet) -> HashSet:
    made = insert(hash_set).values(set_values(new)).returning(hash_set.c.number)
    return replace(new, number=connection.scalars(made).one())


def _update_set(connection: Connection, changed: HashSet) -> None:
    of_set = hash_set.c.number == changed.number
    connection.execute(update(hash_set).where(of_set).values(set_values(changed)))


def _apply_expiry(connection: Connection, changed: HashSet) -> None:
    """A policy that changed holds for the entries that are there."""
    days = changed.expires_after_days
    if days is None:
        expires: ColumnElement[Any] = entry.c.expires_given
    else:
        seen = (
            select(func.max(mention.c.seen))
            .where(mention.c.entry_number == entry.c.number)
            .scalar_subquery()
        )
        by_policy = seen + days * DAY
        expires = case((entry.c.expires_given < by_policy, entry.c.expires_given), else_=by_policy)
    connection.execute(
        update(entry).where(entry.c.set_number == changed.number).values(expires=expires)
    )
