"""What matching needs from a store; implemented in ``storage``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from lightkeeper.matching._entry import Entry
    from lightkeeper.matching._set import HashSet, SetState


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that a set did not take: where it stood in the batch, and a reason code."""

    position: int
    reason: str


@dataclass(frozen=True, slots=True)
class UpsertCount:
    """What a batch did to a set."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class HourlyCount:
    """How often a set was asked in an hour, and how many of its entries matched."""

    hour: datetime
    matches: int
    """Different entries: one that matches over and over counts once."""
    lookups: int


@dataclass(frozen=True, slots=True)
class Change:
    """One step of the store's history, in the order in which it was committed.

    ``matches`` is true where the entry is to be found after it, false where it is not. Leads and
    what is parked are to be found too: a look-up asks the store for their states and shows them
    apart.
    """

    revision: int
    entry_number: int
    set_number: int
    kind: str
    value: str
    matches: bool


class SetStore(Protocol):
    """Hash sets and their entries. Every method that returns has made its effect durable."""

    def create_set(self, hash_set: HashSet) -> HashSet:
        """Store a new set and give it a number; MatchError where the name is taken."""

    def update_set(self, hash_set: HashSet) -> HashSet:
        """Replace what is known of a set (by name)."""

    def set_state(self, name: str, state: SetState, *, reason: str) -> HashSet:
        """Park or release a set: what a parked one holds is to be found, as leads."""

    def sets(self) -> Sequence[HashSet]:
        """All sets, by name."""

    def hash_set(self, name: str) -> HashSet:
        """One set; MatchError where there is none of this name."""

    def upsert(
        self, name: str, entries: Sequence[Entry], *, source: str, now: datetime
    ) -> UpsertCount:
        """Add entries or renew them, on behalf of one source, in one transaction.

        Entries of a set that needs confirmation start as ``seed`` and become active when a second
        source names them. What a source says replaces what is known; what it leaves out stays.
        Refused, with a reason: ``over-quota``, ``expired``, ``withdrawn`` (an entry given in that
        state), ``malformed-value`` and ``unstorable-text``. A withdrawn entry comes back only
        where a source names it that did not name it any more, or never had.
        """

    def compare(self, name: str, entries: Sequence[Entry], *, source: str) -> UpsertCount:
        """What :meth:`upsert` would do, without doing it."""

    def withdraw(
        self,
        name: str,
        keys: Sequence[tuple[str, str]],
        *,
        reason: str,
        now: datetime,
        source: str | None = None,
    ) -> int:
        """Withdraw entries by kind and value; returns how many were active or leads.

        On behalf of a ``source``, only its own mention ends, and with it entries that no other
        source names; it may name them again later. Without one it is a decision for the set:
        sources that name an entry already do not bring it back.
        """

    def withdraw_missing(self, name: str, *, source: str, before: datetime, now: datetime) -> int:
        """Withdraw what a source named in the past and did not name since ``before``.

        What another source names still stays.
        """

    def confirm(
        self, name: str, keys: Sequence[tuple[str, str]], *, person: str, now: datetime
    ) -> int:
        """Make leads active on a person's word, parked entries too."""

    def park(
        self, name: str, keys: Sequence[tuple[str, str]], *, reason: str, now: datetime
    ) -> int:
        """Make entries leads until a person confirms them, whoever else names them."""

    def vote(self, name: str, key: tuple[str, str], *, agree: bool, source: str) -> None:
        """Count feedback on an entry."""

    def entries(
        self, name: str, *, after: int = 0, since: datetime | None = None
    ) -> Iterator[Entry]:
        """Entries in the order of their numbers, streamed; ``since`` gives the delta."""

    def entries_by_number(self, numbers: Sequence[int]) -> Mapping[int, tuple[HashSet, Entry]]:
        """Entries and their sets, for showing matches."""

    def changes(self, *, after: int) -> Iterator[Change]:
        """History after a revision, streamed in order; expiry appears as changes too."""

    def last_revision(self) -> int:
        """Revision of the newest change, 0 where there is none."""

    def expire(self, *, now: datetime) -> int:
        """Withdraw what has expired."""

    def count_matches(self, name: str, matches: int, lookups: int, *, now: datetime) -> None:
        """Add to a set's match statistics, by hour: different entries met, and look-ups."""

    def match_history(self, name: str, *, since: datetime) -> Sequence[HourlyCount]:
        """Match statistics from the hour of ``since`` on, oldest first."""
