"""Run look-ups beside the event loop, and put what they find into JSON."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from lightkeeper.errors import MatchError
from lightkeeper.matching._lookup import HashIndex, HashQuery, Lookup, LookupResult, sift
from lightkeeper.matching.formats._fields import checked_hash
from lightkeeper.matching.formats._row import RejectedRowError
from lightkeeper.plain import to_plain
from lightkeeper.service._refusal import Refusal
from lightkeeper.service.lookups._failures import refusal_of
from lightkeeper.service.lookups._flood_watch import FloodWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lightkeeper.matching import HashSet, Match, SetStore
    from lightkeeper.service.lookups._metrics import Metrics

    Plain = dict[str, Any]

T = TypeVar("T")
LISTS = ("matches", "leads", "benign", "suppressed")
_STRONGEST = {"matches": "match", "leads": "lead", "benign": "benign", "suppressed": "benign"}
_TALLY_SECONDS = 10.0


class Stats(Protocol):
    """Where an index stands and how much it holds."""

    @property
    def revision(self) -> int:
        """Revision of the store up to which changes are visible."""

    @property
    def entries(self) -> Mapping[str, int]:
        """Entries that may match, by kind; all opaque kinds together."""


class CountedIndex(HashIndex, Protocol):
    """An index that knows how much it holds."""

    def stats(self) -> Stats:
        """What it holds now."""


class Answers:
    """Look-ups for the routes, made by one thread: more would only take turns."""

    def __init__(
        self, store: SetStore, index: CountedIndex, metrics: Metrics, *, park: bool
    ) -> None:
        self._store = store
        self._index = index
        self._metrics = metrics
        self._lookup = Lookup(store, index)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lookup")
        self._watch = FloodWatch(store, metrics, parks=park)

    def stop(self) -> None:
        """Write down what was counted, and end the thread."""
        self._thread.submit(self._watch.write).result()
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def keep_tally(self) -> None:
        """Write down every few seconds how often each set matched; ends by being cancelled."""
        while True:
            await asyncio.sleep(_TALLY_SECONDS)
            await self._run(self._watch.write)

    async def results(
        self, queries: Sequence[HashQuery], sets: Sequence[str] | None
    ) -> tuple[int, list[Plain]]:
        """The revision that the index shows at least, and results in the order of the queries."""

        def work() -> tuple[int, list[Plain]]:
            revision = self._index.stats().revision
            return revision, [plain_result(found) for found in self._looked_up(queries, sets)]

        return await self._run(work)

    async def found(
        self, queries: Sequence[HashQuery], sets: Sequence[str] | None
    ) -> list[LookupResult]:
        """The same, before it is put into JSON."""
        return await self._run(lambda: self._looked_up(queries, sets))

    async def picture(
        self,
        digests: Sequence[HashQuery],
        pictures: Sequence[HashQuery],
        sets: Sequence[str] | None,
    ) -> Plain:
        """What one upload met by its digests and by the hashes of its picture."""
        return await self._run(lambda: self._picture(digests, pictures, sets))

    async def sets(self) -> list[HashSet]:
        """All sets."""
        return list(await self._run(self._store.sets))

    async def status(self) -> Plain:
        """Where the index stands."""
        return await self._run(self._status)

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except MatchError as error:
            raise refusal_of(error) from None

    def _looked_up(
        self, queries: Sequence[HashQuery], sets: Sequence[str] | None
    ) -> list[LookupResult]:
        results = self._lookup.hashes(queries, sets=sets)
        self._metrics.hashes.inc(len(queries))
        for result in results:
            self._count(result)
        return results

    def _picture(
        self,
        digests: Sequence[HashQuery],
        pictures: Sequence[HashQuery],
        sets: Sequence[str] | None,
    ) -> Plain:
        revision = self._index.stats().revision
        found = self._lookup.found([*digests, *pictures], sets=sets)
        by_digest = sift(match for matches in found[: len(digests)] for match in matches)
        near = (match for matches in found[len(digests) :] for match in matches)
        by_picture = sift(near, benign=by_digest.benign)
        self._metrics.hashes.inc(len(found))
        whole = LookupResult(
            **{name: getattr(by_digest, name) + getattr(by_picture, name) for name in LISTS}
        )
        self._count(whole)
        return {"revision": revision, **plain_result(whole)}

    def _count(self, result: LookupResult) -> None:
        strongest = next((name for name in LISTS if getattr(result, name)), None)
        self._metrics.results.labels(_STRONGEST[strongest] if strongest else "none").inc()
        self._watch.count(result)

    def _status(self) -> Plain:
        stats = self._index.stats()
        behind = max(0, self._store.last_revision() - stats.revision)
        self._metrics.revision.set(stats.revision)
        self._metrics.entries.set(sum(stats.entries.values()))
        return {"revision": stats.revision, "behind": behind, "entries": dict(stats.entries)}


def query_of(kind: str, value: str, *, quality: int | None = None) -> HashQuery:
    """A hash as a client wrote it.

    Raises
    ------
    Refusal
        It is no hash of this kind.
    """
    try:
        kind, value = checked_hash(kind, value)
    except RejectedRowError as error:
        raise Refusal(400, error.reason, f"This is no {kind[:32]} hash.") from None
    return HashQuery(kind=kind, value=value, quality=quality)


def plain_result(result: LookupResult) -> Plain:
    """Lists of matches as JSON."""
    return {name: [_plain_match(match) for match in getattr(result, name)] for name in LISTS}


def _plain_match(match: Match) -> Plain:
    entry = match.entry
    return {
        "set": match.hash_set.name,
        "origin": match.hash_set.origin.value,
        "handling": match.hash_set.handling.value,
        "entry": entry.number,
        "kind": entry.kind,
        "state": entry.state.value,
        "set_state": match.hash_set.state.value,
        "distance_bits": match.distance_bits,
        "transform": match.transform,
        "variant": entry.variant,
        "quality": entry.quality,
        "query_quality": match.query_quality,
        "labels": to_plain(entry.labels),
        "mentions": [
            {"source": m.source, "source_id": m.source_id, "added": _time(m.added)}
            for m in entry.mentions
        ],
        "added": _time(entry.added),
        "seen": _time(entry.seen),
        "expires": _time(entry.expires),
        "votes_for": entry.votes_for,
        "votes_against": entry.votes_against,
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()
