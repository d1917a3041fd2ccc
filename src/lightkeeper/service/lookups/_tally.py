"""How often each set matches, written down, and what is done about a set that floods."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from lightkeeper.matching import SetState
from lightkeeper.matching._guards import FloodGuard

if TYPE_CHECKING:
    from lightkeeper.matching import HashSet, SetStore
    from lightkeeper.matching._lookup import LookupResult
    from lightkeeper.service.lookups._metrics import Metrics

_log = logging.getLogger("lightkeeper.service")
_HISTORY = timedelta(days=7)


class Tally:
    """Counts matches by set; used by one thread.

    A set that suddenly matches many times as often as it used to is parked, so that one bad entry
    cannot bury those who review its matches, and this is reported. It matches again when a person
    releases it. Whoever uploads the same known picture over and over can bring this about too:
    ``parks`` turns it off, and the report alone remains.
    """

    def __init__(self, store: SetStore, metrics: Metrics, *, parks: bool) -> None:
        self._store = store
        self._metrics = metrics
        self._parks = parks
        self._guard = FloodGuard()
        self._matches: Counter[str] = Counter()
        self._lookups = 0

    def count(self, result: LookupResult) -> None:
        """Add one look-up."""
        self._lookups += 1
        self._matches.update({match.hash_set.name for match in result.matches})

    def write(self) -> None:
        """Write down what was counted since the last time."""
        matches, lookups = self._matches, self._lookups
        self._matches, self._lookups = Counter(), 0
        if not lookups:
            return
        now = datetime.now(UTC)
        try:
            for hash_set in self._store.sets():
                found = matches[hash_set.name]
                self._store.count_matches(hash_set.name, found, lookups, now=now)
                if found and hash_set.state is SetState.ACTIVE:
                    self._check(hash_set, now)
        except Exception as error:
            # Look-ups go on over a store that is busy or cannot be written.
            _log.warning("match counts were not written: %s", type(error).__name__)

    def _check(self, hash_set: HashSet, now: datetime) -> None:
        history = self._store.match_history(hash_set.name, since=now - _HISTORY)
        reason = self._guard.flood(history, now=now)
        if reason is None:
            return
        self._metrics.floods.inc()
        if self._parks:
            self._store.set_state(hash_set.name, SetState.PARKED, reason=reason)
        done = "was parked" if self._parks else "floods"
        _log.warning("set %s %s: it %s", hash_set.name, done, reason)
