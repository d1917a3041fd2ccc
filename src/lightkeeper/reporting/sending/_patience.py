"""How often, and how long, sending is tried."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Waiting between attempts doubles, and a random part of it is waited ("full jitter")."""

    first: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(hours=1)
    attempts: int = 40
    """Failures of one submission before a person has to look; about a day at these settings."""
    lease: timedelta = timedelta(minutes=15)
    """How long one request may take before another worker believes that this one is dead."""
    overdue: timedelta = timedelta(hours=2)
    """Nothing waits so long where a worker runs. Whoever finds a report that is not opened and so
    late may be looking at a restored backup, in which the report was sent since."""

    def wait(self, failures: int, chance: float) -> timedelta:
        """How long to wait after so many failures; ``chance`` is drawn from [0, 1)."""
        doublings = min(max(failures - 1, 0), 20)
        return min(self.longest, self.first * (1 << doublings)) * chance
