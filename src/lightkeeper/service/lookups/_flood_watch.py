"""What is done about a set or an entry that floods."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lightkeeper.matching._tally import Flood, Meeting, Tally

if TYPE_CHECKING:
    from lightkeeper.matching import SetStore
    from lightkeeper.matching._lookup import LookupResult
    from lightkeeper.service.lookups._metrics import Metrics

_log = logging.getLogger("lightkeeper.service")


class FloodWatch:
    """Counts look-ups, and parks an entry that is no picture's hash; used by one thread.

    What an entry meets is told as a lead from then on, until a person confirms it: one bad entry
    cannot bury those who review matches. ``parks`` turns that off, and the report alone remains.
    A set is only reported: whoever holds many pictures of it could take the whole set out of
    matching by sending them.
    """

    def __init__(self, store: SetStore, metrics: Metrics, *, parks: bool) -> None:
        self._store = store
        self._metrics = metrics
        self._parks = parks
        self._tally = Tally(store)

    def count(self, result: LookupResult) -> None:
        """Add one look-up."""
        self._tally.count(Meeting.all_of(result))

    def write(self) -> None:
        """Write down what was counted since the last time."""
        try:
            for flood in self._tally.write():
                self._report(flood)
        except Exception as error:
            # Look-ups go on over a store that is busy or cannot be written.
            _log.warning("match counts were not written: %s", type(error).__name__)

    def _report(self, flood: Flood) -> None:
        self._metrics.floods.inc()
        if flood.key is None:
            _log.warning("set %s floods: %s", flood.set_name, flood.reason)
            return
        if self._parks:
            now = datetime.now(UTC)
            self._store.park(flood.set_name, [flood.key], reason=flood.reason, now=now)
        done = "was parked" if self._parks else "floods"
        _log.warning(
            "entry %d of set %s %s: it %s", flood.entry_number, flood.set_name, done, flood.reason
        )
