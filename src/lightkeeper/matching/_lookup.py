"""Look hashes up in hash sets: which entries match, which are leads, what is known benign."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import numpy as np

from lightkeeper.errors import MatchError
from lightkeeper.matching._entry import Entry, EntryState
from lightkeeper.matching._match import Match
from lightkeeper.matching._set import HashSet, SetState
from lightkeeper.plain import to_plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from lightkeeper.matching._ports import SetStore

PDQ = "pdq"
_PDQ_DIGITS = 64
_FRESH_SECONDS = 1.0
"""How long what is known of the sets themselves is kept between look-ups."""
_MOST_HITS = 1_000
"""Nearest entries of one set that are shown for one hash: a set may hold one picture a million
times."""


class Hits(Protocol):
    """Entries that an index found, in parallel arrays."""

    @property
    def query(self) -> NDArray[np.integer]:
        """Position of the query."""

    @property
    def entry_number(self) -> NDArray[np.integer]:
        """Number of the entry."""

    @property
    def set_number(self) -> NDArray[np.integer]:
        """Number of its set."""

    @property
    def distance(self) -> NDArray[np.integer]:
        """Hamming distance in bits; 0 for kinds that match by equality."""


class IndexState(Protocol):
    """What an index says of itself."""

    @property
    def revision(self) -> int:
        """Of the store's last change that is visible."""


class HashIndex(Protocol):
    """What a look-up needs from an index over the entries that may match."""

    def stats(self) -> IndexState:
        """What the index holds now."""

    def search(self, queries: NDArray[np.uint64], *, radius_bits: int) -> Hits:
        """All PDQ entries within a radius of queries, shape (Q, 4), first word first."""

    def find(self, kind: str, values: Sequence[str]) -> Hits:
        """All entries of a kind that equal a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HashQuery:
    """A hash to look up; ``transform`` and ``variant`` are handed on to its matches."""

    kind: str
    value: str
    quality: int | None = None
    """PDQ quality, 0-100; an unknown one excludes nothing."""
    variant: str | None = None
    transform: str = "identity"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupResult:
    """What a hash or a picture met, each list nearest first.

    A benign hit suppresses every near match that is not nearer than itself: a look-alike of a
    known benign picture is benign, the same picture in another set is not. Matches by equality of
    a cryptographic digest are never suppressed.
    """

    matches: tuple[Match, ...] = ()
    leads: tuple[Match, ...] = ()
    """Entries that nobody has confirmed or that were parked: where to look, never a match."""
    benign: tuple[Match, ...] = ()
    """Entries of negative sets."""
    suppressed: tuple[Match, ...] = ()


class Lookup:
    """Looks up in all sets of a store, or in those named.

    Parameters
    ----------
    store : SetStore
    index : HashIndex
        Built from the same store.
    sets : sequence of str, optional
        Names of the sets to look in by default; all of them where it is left out. Negative sets
        suppress only where they are among them.

    Raises
    ------
    MatchError
        There is no set of a name.
    """

    def __init__(
        self, store: SetStore, index: HashIndex, *, sets: Sequence[str] | None = None
    ) -> None:
        self._store = store
        self._index = index
        self._names = None if sets is None else tuple(sets)
        self._known: dict[str, HashSet] = {}
        self._read_at = -_FRESH_SECONDS
        self._selected(None)

    def revision(self) -> str:
        """Identify everything that the answers depend on: the index and what is said of the sets.

        Two look-ups with the same revision give the same matches.
        """
        sets = sorted(self._selected(None).values(), key=lambda s: s.name)
        text = json.dumps(to_plain(sets), sort_keys=True)
        digest = hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
        return f"{self._index.stats().revision}-{digest}"

    def hashes(
        self, queries: Sequence[HashQuery], *, sets: Sequence[str] | None = None
    ) -> list[LookupResult]:
        """Look up hashes in one batch, each for itself.

        Raises
        ------
        MatchError
            There is no set of a name, or a PDQ hash does not have 64 hexadecimal digits.
        """
        return [sift(found) for found in self.found(queries, sets=sets)]

    def found(
        self, queries: Sequence[HashQuery], *, sets: Sequence[str] | None = None
    ) -> list[list[Match]]:
        """Everything within each set's own radius and quality, before :func:`sift`."""
        selected = self._selected(sets)
        found: list[list[Match]] = [[] for _ in queries]
        if not selected or not queries:
            return found
        hits = list(self._hits(queries, selected))
        numbers = sorted({number for _, number, _ in hits})
        entries = self._store.entries_by_number(numbers) if numbers else {}
        now = datetime.now(UTC)
        for position, number, distance in hits:
            known = entries.get(number)
            if known is not None and _may_match(*known, queries[position], distance, now):
                found[position].append(_match(*known, queries[position], distance))
        return found

    def _hits(
        self, queries: Sequence[HashQuery], selected: Mapping[int, HashSet]
    ) -> Iterable[tuple[int, int, int]]:
        positions: dict[str, list[int]] = defaultdict(list)
        for position, query in enumerate(queries):
            positions[query.kind].append(position)
        for kind, places in positions.items():
            values = [queries[place].value for place in places]
            if kind == PDQ:
                radius = max(s.radius_bits for s in selected.values())
                hits = self._index.search(_words(values), radius_bits=radius)
            else:
                hits = self._index.find(kind, values)
            for row in _nearest(hits, selected):
                place = places[int(hits.query[row])]
                yield place, int(hits.entry_number[row]), int(hits.distance[row])

    def _selected(self, names: Sequence[str] | None) -> dict[int, HashSet]:
        """Sets by number; parked ones too, of which leads come."""
        wanted = self._names if names is None else names
        is_old = time.monotonic() - self._read_at >= _FRESH_SECONDS
        if is_old or not self._known.keys() >= set(wanted or ()):
            self._known = {s.name: s for s in self._store.sets()}
            self._read_at = time.monotonic()
        for name in wanted or ():
            if name not in self._known:
                known = ", ".join(self._known) or "none"
                raise MatchError(f"there is no set '{name}'", hint=f"Sets: {known}.")
        chosen = self._known.values() if wanted is None else (self._known[n] for n in wanted)
        return {s.number: s for s in chosen}


def sift(found: Iterable[Match], *, benign: Sequence[Match] = ()) -> LookupResult:
    """Sort what one picture met into matches, leads, and what is benign or suppressed.

    Parameters
    ----------
    found : iterable of Match
        Of any number of hashes of the same picture; each entry is kept once, at its nearest.
    benign : sequence of Match
        Benign hits of the same file by other hashes; they are listed where they suppress.
    """
    nearest: dict[int, Match] = {}
    for match in found:
        known = nearest.get(match.entry.number)
        if known is None or match.distance_bits < known.distance_bits:
            nearest[match.entry.number] = match
    ordered = sorted(nearest.values(), key=_nearness)
    firm = [m for m in ordered if not m.is_lead]
    # A set that was merged into another one is parked, and would tell the same again.
    told = {(m.entry.kind, m.entry.value) for m in firm}
    leads = [
        m
        for m in ordered
        if m.is_lead
        and (m.hash_set.state is SetState.ACTIVE or (m.entry.kind, m.entry.value) not in told)
    ]
    harmless = [m for m in firm if m.hash_set.negative]
    floor = min((m.distance_bits for m in (*harmless, *benign)), default=None)
    matches: list[Match] = []
    suppressed: list[Match] = []
    for match in (m for m in firm if not m.hash_set.negative):
        is_near = match.entry.kind == PDQ
        hidden = is_near and floor is not None and match.distance_bits >= floor
        (suppressed if hidden else matches).append(match)
    return LookupResult(
        matches=tuple(matches),
        leads=tuple(leads),
        benign=tuple(harmless or (benign if suppressed else ())),
        suppressed=tuple(suppressed),
    )


def _nearest(hits: Hits, selected: Mapping[int, HashSet]) -> Iterator[int]:
    """Rows within each set's own radius; of many in one set, the nearest for each query."""
    numbers = np.array(sorted(selected))
    radii = np.array([selected[number].radius_bits for number in numbers.tolist()])
    where = np.minimum(np.searchsorted(numbers, hits.set_number), len(numbers) - 1)
    chosen = (numbers[where] == hits.set_number) & (hits.distance <= radii[where])
    rows = np.flatnonzero(chosen)
    seen: Counter[tuple[int, int]] = Counter()
    for row in rows[np.argsort(hits.distance[rows], kind="stable")].tolist():
        key = int(hits.query[row]), int(hits.set_number[row])
        seen[key] += 1
        if seen[key] <= _MOST_HITS:
            yield row


def _nearness(match: Match) -> tuple[int, bool, str, int]:
    is_near = match.entry.kind == PDQ
    return match.distance_bits, is_near, match.hash_set.name, match.entry.number


def _may_match(
    hash_set: HashSet, entry: Entry, query: HashQuery, distance: int, now: datetime
) -> bool:
    # The index may be a moment behind the store: what the store says of an entry decides.
    if entry.state is EntryState.WITHDRAWN:
        return False
    if entry.expires is not None and entry.expires <= now:
        return False
    if entry.kind != PDQ:
        # Opaque kinds stand in an index as digests that could collide.
        return (entry.kind, entry.value) == (query.kind, query.value)
    qualities = (q for q in (query.quality, entry.quality) if q is not None)
    return distance <= hash_set.radius_bits and all(
        q >= hash_set.minimum_quality for q in qualities
    )


def _match(hash_set: HashSet, entry: Entry, query: HashQuery, distance: int) -> Match:
    return Match(
        hash_set=hash_set,
        entry=entry,
        distance_bits=distance,
        transform=query.transform,
        query_quality=query.quality,
        query_variant=query.variant,
        query_value=query.value,
    )


def _words(values: Sequence[str]) -> NDArray[np.uint64]:
    for value in values:
        if len(value) != _PDQ_DIGITS or not value.isalnum():
            raise MatchError(f"'{value[:80]}' is not a PDQ hash: 64 hexadecimal digits")
    try:
        whole = bytes.fromhex("".join(values))
    except ValueError as error:
        raise MatchError(f"not a PDQ hash: {error}") from error
    return np.frombuffer(whole, ">u8").astype(np.uint64).reshape(-1, 4)
