"""A hash-set store that lives in memory: the plainest reading of the port, for tests."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from lightkeeper.errors import MatchError
from lightkeeper.matching import (
    Change,
    Entry,
    EntryState,
    HashSet,
    Mention,
    SetState,
    UpsertCount,
)
from lightkeeper.matching._ports import HourlyCount, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Key = tuple[str, str]


@dataclass(slots=True)
class _Shelf:
    hash_set: HashSet
    entries: dict[Key, Entry] = field(default_factory=dict)
    touched: dict[Key, datetime] = field(default_factory=dict)
    """When an entry last changed in a way that a delta must tell."""
    seen: dict[tuple[Key, str], datetime] = field(default_factory=dict)
    """When each source last named each entry."""


class MemoryStore:
    """Implements :class:`lightkeeper.matching.SetStore` with dictionaries."""

    def __init__(self) -> None:
        self._shelves: dict[str, _Shelf] = {}
        self._changes: list[Change] = []
        self._numbers = 0
        self._hours: dict[str, list[HourlyCount]] = {}
        self.match_counts: Counter[tuple[str, str]] = Counter()

    def create_set(self, hash_set: HashSet) -> HashSet:
        """Store a new set."""
        if hash_set.name in self._shelves:
            raise MatchError(f"there is a set '{hash_set.name}' already")
        stored = replace(hash_set, number=len(self._shelves) + 1)
        self._shelves[stored.name] = _Shelf(stored)
        return stored

    def update_set(self, hash_set: HashSet) -> HashSet:
        """Replace what is known of a set."""
        shelf = self._shelf(hash_set.name)
        shelf.hash_set = replace(hash_set, number=shelf.hash_set.number)
        return shelf.hash_set

    def set_state(self, name: str, state: SetState, *, reason: str) -> HashSet:
        """Park or release a set."""
        shelf = self._shelf(name)
        shelf.hash_set = replace(shelf.hash_set, state=state)
        return shelf.hash_set

    def sets(self) -> Sequence[HashSet]:
        """All sets, by name."""
        return [self._shelves[name].hash_set for name in sorted(self._shelves)]

    def hash_set(self, name: str) -> HashSet:
        """One set."""
        return self._shelf(name).hash_set

    def upsert(
        self, name: str, entries: Sequence[Entry], *, source: str, now: datetime
    ) -> UpsertCount:
        """Add entries or renew them."""
        shelf = self._shelf(name)
        counts: Counter[str] = Counter()
        refused = []
        for position, entry in enumerate(entries):
            reason = _refusal(entry, now)
            if reason is None:
                counts[self._put(shelf, entry, source, now)] += 1
            else:
                refused.append(Refusal(position, reason))
        return UpsertCount(counts["added"], counts["changed"], counts["unchanged"], tuple(refused))

    def compare(self, name: str, entries: Sequence[Entry], *, source: str) -> UpsertCount:
        """What :meth:`upsert` would do."""
        trial = copy.deepcopy(self)
        return trial.upsert(name, entries, source=source, now=datetime.now(UTC))

    def withdraw(
        self,
        name: str,
        keys: Sequence[Key],
        *,
        reason: str,
        now: datetime,
        source: str | None = None,
    ) -> int:
        """Withdraw entries by kind and value, or end one source's mentions of them."""
        shelf = self._shelf(name)
        if source is None:
            return sum(self._withdraw(shelf, key, now) for key in keys)
        named = [key for key in keys if (key, source) in shelf.seen]
        return sum(self._end_mention(shelf, key, source, now) for key in named)

    def withdraw_missing(self, name: str, *, source: str, before: datetime, now: datetime) -> int:
        """Drop a source's old mentions; an entry that nobody names any more is withdrawn."""
        shelf = self._shelf(name)
        old = [key for (key, who), at in shelf.seen.items() if who == source and at < before]
        return sum(self._end_mention(shelf, key, source, now) for key in old)

    def confirm(self, name: str, keys: Sequence[Key], *, person: str, now: datetime) -> int:
        """Make leads active."""
        shelf = self._shelf(name)
        leads = [k for k in keys if k in shelf.entries and _is_lead(shelf.entries[k])]
        for key in leads:
            self._replace(shelf, key, now, state=EntryState.ACTIVE)
        return len(leads)

    def park(self, name: str, keys: Sequence[Key], *, reason: str, now: datetime) -> int:
        """Make entries leads until a person confirms them."""
        shelf = self._shelf(name)
        free = [k for k in keys if k in shelf.entries and _is_free(shelf.entries[k])]
        for key in free:
            self._replace(shelf, key, now, state=EntryState.PARKED)
        return len(free)

    def vote(self, name: str, key: Key, *, agree: bool, source: str) -> None:
        """Count feedback on an entry."""
        entries = self._shelf(name).entries
        if key not in entries:
            raise MatchError(f"set '{name}' has no such entry")
        old = entries[key]
        entries[key] = replace(
            old,
            votes_for=old.votes_for + agree,
            votes_against=old.votes_against + (not agree),
        )

    def entries(
        self, name: str, *, after: int = 0, since: datetime | None = None
    ) -> Iterator[Entry]:
        """Entries by number; ``since`` gives those that changed at or after it."""
        shelf = self._shelf(name)
        for key, entry in sorted(shelf.entries.items(), key=lambda pair: pair[1].number):
            if entry.number > after and (since is None or shelf.touched[key] >= since):
                yield entry

    def entries_by_number(self, numbers: Sequence[int]) -> Mapping[int, tuple[HashSet, Entry]]:
        """Entries and their sets."""
        wanted = set(numbers)
        return {
            entry.number: (shelf.hash_set, entry)
            for shelf in self._shelves.values()
            for entry in shelf.entries.values()
            if entry.number in wanted
        }

    def changes(self, *, after: int) -> Iterator[Change]:
        """History after a revision."""
        return iter(self._changes[after:])

    def last_revision(self) -> int:
        """Revision of the newest change."""
        return len(self._changes)

    def expire(self, *, now: datetime) -> int:
        """Withdraw what has expired."""
        return sum(
            self._withdraw(shelf, key, now)
            for shelf in self._shelves.values()
            for key, entry in list(shelf.entries.items())
            if entry.expires is not None and entry.expires <= now
        )

    def count_matches(self, name: str, matches: int, lookups: int, *, now: datetime) -> None:
        """Add to a set's match statistics."""
        self.match_counts[name, "matches"] += matches
        self.match_counts[name, "lookups"] += lookups
        self._hours.setdefault(name, []).append(HourlyCount(now, matches, lookups))

    def match_history(self, name: str, *, since: datetime) -> Sequence[HourlyCount]:
        """Counts as they came; not added up by hour."""
        return [count for count in self._hours.get(name, []) if count.hour >= since]

    def _shelf(self, name: str) -> _Shelf:
        if name not in self._shelves:
            raise MatchError(f"there is no set '{name}'")
        return self._shelves[name]

    def _put(self, shelf: _Shelf, entry: Entry, source: str, now: datetime) -> str:
        key = (entry.kind, entry.value)
        old = shelf.entries.get(key)
        new = _merged(old, entry, source, now, shelf.hash_set)
        difference = _difference(old, new)
        if old is None:
            self._numbers += 1
            new = replace(new, number=self._numbers)
        shelf.entries[key] = new
        shelf.seen[key, source] = now
        if difference != "unchanged":
            shelf.touched[key] = now
            self._record(shelf, new)
        return difference

    def _end_mention(self, shelf: _Shelf, key: Key, source: str, now: datetime) -> bool:
        del shelf.seen[key, source]
        left = tuple(m for m in shelf.entries[key].mentions if m.source != source)
        shelf.entries[key] = replace(shelf.entries[key], mentions=left)
        return not left and self._withdraw(shelf, key, now)

    def _withdraw(self, shelf: _Shelf, key: Key, now: datetime) -> bool:
        entry = shelf.entries.get(key)
        if entry is None or entry.state is EntryState.WITHDRAWN:
            return False
        self._replace(shelf, key, now, state=EntryState.WITHDRAWN, withdrawn=now)
        return True

    def _replace(
        self,
        shelf: _Shelf,
        key: Key,
        now: datetime,
        *,
        state: EntryState,
        withdrawn: datetime | None = None,
    ) -> None:
        entry = replace(shelf.entries[key], state=state, withdrawn=withdrawn)
        shelf.entries[key] = entry
        shelf.touched[key] = now
        self._record(shelf, entry)

    def _record(self, shelf: _Shelf, entry: Entry) -> None:
        self._changes.append(
            Change(
                revision=len(self._changes) + 1,
                entry_number=entry.number,
                set_number=shelf.hash_set.number,
                kind=entry.kind,
                value=entry.value,
                matches=entry.state is not EntryState.WITHDRAWN,
            )
        )


def _merged(old: Entry | None, new: Entry, source: str, now: datetime, hash_set: HashSet) -> Entry:
    """The entry after ``source`` named it; a source's own id is that of its mention in ``new``."""
    own_id = new.mentions[0].source_id if new.mentions else None
    before = old.mentions if old else ()
    known = next((m for m in before if m.source == source), None)
    others = tuple(m for m in before if m.source != source)
    added = known.added if known else now
    voices = {m.source for m in others} | {source}
    expires = new.expires
    if expires is None and hash_set.expires_after_days is not None:
        expires = now + timedelta(days=hash_set.expires_after_days)
    state = _state(old, new, voices, known is None, hash_set)
    return replace(
        new,
        number=old.number if old else 0,
        state=state,
        mentions=(*others, Mention(source, own_id, added)),
        added=old.added if old else now,
        seen=now,
        expires=expires,
        withdrawn=old.withdrawn if old and state is EntryState.WITHDRAWN else None,
        votes_for=old.votes_for if old else 0,
        votes_against=old.votes_against if old else 0,
    )


def _state(
    old: Entry | None, new: Entry, voices: set[str], newly_named: bool, hash_set: HashSet
) -> EntryState:
    if old is not None and old.state is EntryState.WITHDRAWN and not newly_named:
        return EntryState.WITHDRAWN
    if old is not None and old.state is EntryState.PARKED:
        return EntryState.PARKED
    confirmed = old is not None and old.state is EntryState.ACTIVE
    doubtful = hash_set.needs_confirmation or _is_lead(new)
    return EntryState.SEED if doubtful and not confirmed and len(voices) < 2 else EntryState.ACTIVE


def _refusal(entry: Entry, now: datetime) -> str | None:
    if entry.state is EntryState.WITHDRAWN:
        return "withdrawn"
    return "expired" if entry.expires is not None and entry.expires <= now else None


def _difference(old: Entry | None, new: Entry) -> str:
    """``added``, ``changed`` or ``unchanged``: times of sight and expiry alone change nothing."""
    if old is None:
        return "added"

    def told(entry: Entry) -> tuple[object, ...]:
        return (entry.state, entry.labels, entry.quality, entry.variant)

    return "unchanged" if told(old) == told(new) else "changed"


def _is_lead(entry: Entry) -> bool:
    return entry.state in (EntryState.SEED, EntryState.PARKED)


def _is_free(entry: Entry) -> bool:
    return entry.state in (EntryState.ACTIVE, EntryState.SEED)
