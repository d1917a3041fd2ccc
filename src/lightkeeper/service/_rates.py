"""How often somebody may ask."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_BURST_SECONDS = 5.0
_MOST_BUCKETS = 10_000


class Rates:
    """Tokens that refill at a rate, one for each request, for each of many who ask.

    Used by one thread. Who has not asked for longest is forgotten first, and begins afresh.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str, *, per_second: float) -> float:
        """Take a token; seconds to wait where there is none."""
        now = self._seconds()
        burst = max(1.0, per_second * _BURST_SECONDS)
        tokens, at = self._buckets.pop(who, (burst, now))
        tokens = min(burst, tokens + (now - at) * per_second)
        wait = 0.0 if tokens >= 1 else (1 - tokens) / per_second
        self._buckets[who] = (tokens if wait else tokens - 1, now)
        if len(self._buckets) > _MOST_BUCKETS:
            self._buckets.popitem(last=False)
        return wait
