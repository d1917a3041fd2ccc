"""A clock that stands still until it is set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class SettableClock:
    """Implements :class:`lightkeeper.cases.Clock`."""

    def __init__(self, now: datetime = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **time: float) -> datetime:
        """Go on by a time, as of ``timedelta``; the new time."""
        self.now += timedelta(**time)
        return self.now
