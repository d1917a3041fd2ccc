"""Count what look-ups meet, and notice a set or an entry that suddenly meets too much."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from lightkeeper.matching._guards import FloodGuard
from lightkeeper.matching._lookup import PDQ
from lightkeeper.matching._set import SetState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lightkeeper.matching._lookup import LookupResult
    from lightkeeper.matching._ports import SetStore

MOST_STRANGERS = 50
"""Pictures that may meet an entry in an hour without matching one another.

Copies of one picture match one another: a thousand random edits of each of seven pictures, all
within 31 bits of it, had at most 21 among them that did not.
"""
_HISTORY = timedelta(days=7)
_USUAL_RADIUS = 31
_MOST_REMEMBERED = 100_000
"""Entries of a set that are told apart in an hour; by then it floods in any case."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """A picture met an entry; ``query_value`` is the hash of the picture that did."""

    set_name: str
    entry_number: int
    kind: str
    value: str
    query_value: str | None

    @classmethod
    def all_of(cls, result: LookupResult) -> list[Meeting]:
        """What counts of a look-up: matches and benign hits, each nearest first, and no leads."""
        return [
            cls(m.hash_set.name, m.entry.number, m.entry.kind, m.entry.value, m.query_value)
            for m in (*result.matches, *result.benign)
        ]


@dataclass(frozen=True, slots=True)
class Flood:
    """A set, or one entry of it, that meets so much that it is probably junk."""

    set_name: str
    reason: str
    """In figures, without hashes."""
    entry_number: int | None = None
    key: tuple[str, str] | None = None
    """Kind and value of the entry."""


class Tally:
    """Counts for the sets of a store; used by one thread of one process.

    A picture counts for the nearest entry of each set, and an entry once an hour: whoever sends
    one known picture over and over, or edits of it, adds one. The figures are written by
    :meth:`write`, a few times a minute at most.

    Parameters
    ----------
    store : SetStore
    sets : sequence of str, optional
        The sets that are looked in; all of them where it is left out.
    """

    def __init__(self, store: SetStore, *, sets: Sequence[str] | None = None) -> None:
        self._store = store
        self._sets = None if sets is None else frozenset(sets)
        self._radius: dict[str, int] = {}
        self._guard = FloodGuard()
        self._hour = _Hour(datetime.now(UTC))
        self._lookups = 0

    def count(self, met: Iterable[Meeting]) -> None:
        """Add one look-up, of a picture or of a hash that stands for one."""
        self._lookups += 1
        nearest: dict[str, Meeting] = {}
        for meeting in met:
            nearest.setdefault(meeting.set_name, meeting)
        for meeting in nearest.values():
            radius = self._radius.get(meeting.set_name, _USUAL_RADIUS)
            self._hour.add(meeting, radius_bits=radius)

    def write(self, *, now: datetime | None = None) -> list[Flood]:
        """Write down what was counted since the last time, and tell what floods: once an hour.

        Raises
        ------
        MatchError
            The store cannot be written. What was to be written is lost; counting can go on.
        """
        now = now or datetime.now(UTC)
        hour = self._hour
        found, hour.new = hour.new, Counter()
        lookups, self._lookups = self._lookups, 0
        suspects = list(self._written(found, lookups, now)) if lookups else []
        floods = [*hour.floods, *(flood for flood in suspects if flood.set_name not in hour.told)]
        hour.told.update(flood.set_name for flood in suspects)
        hour.floods.clear()
        if hour.is_over(now):
            self._hour = _Hour(now)
        return floods

    def _written(self, found: Counter[str], lookups: int, now: datetime) -> Iterator[Flood]:
        for hash_set in self._store.sets():
            name = hash_set.name
            self._radius[name] = hash_set.radius_bits
            # What is parked does not match; to count that as quiet hours would make it flood
            # in the first hour after its release.
            if hash_set.state is SetState.PARKED or (self._sets and name not in self._sets):
                continue
            self._store.count_matches(name, found[name], lookups, now=now)
            if found[name]:
                history = self._store.match_history(name, since=now - _HISTORY)
                if reason := self._guard.flood(history, now=now):
                    yield Flood(name, reason)


@dataclass(slots=True)
class _Hour:
    """What one hour has met."""

    begun: datetime
    entries: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    strangers: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    """By entry: hashes that met it and do not match one another."""
    new: Counter[str] = field(default_factory=Counter)
    """By set: entries that were met for the first time since the last time of writing."""
    floods: list[Flood] = field(default_factory=list)
    """Of entries, to be told at the next time of writing."""
    told: set[str] = field(default_factory=set)
    """Sets of which a flood was told."""

    def is_over(self, now: datetime) -> bool:
        return now - self.begun >= timedelta(hours=1) or now.hour != self.begun.hour

    def add(self, meeting: Meeting, *, radius_bits: int) -> None:
        known = self.entries[meeting.set_name]
        if meeting.entry_number not in known:
            if len(known) >= _MOST_REMEMBERED:
                return
            known.add(meeting.entry_number)
            self.new[meeting.set_name] += 1
        if meeting.kind == PDQ and meeting.query_value is not None:
            self._add_stranger(meeting, int(meeting.query_value, 16), radius_bits)

    def _add_stranger(self, meeting: Meeting, value: int, radius_bits: int) -> None:
        strangers = self.strangers[meeting.entry_number]
        if len(strangers) >= MOST_STRANGERS or any(
            (value ^ other).bit_count() <= radius_bits for other in strangers
        ):
            return
        strangers.append(value)
        if len(strangers) == MOST_STRANGERS:
            self.floods.append(
                Flood(
                    meeting.set_name,
                    f"met {MOST_STRANGERS} pictures in an hour that do not match one another",
                    meeting.entry_number,
                    (meeting.kind, meeting.value),
                )
            )
