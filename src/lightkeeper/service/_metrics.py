"""Counters for Prometheus. No label names a person, a case, a hash or a path a client chose."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 10.0, 60.0)
_PREFIX = "lightkeeper"


class Metrics:
    """Counters of one app, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "requests",
            "Requests by route and status.",
            ("route", "method", "status"),
            namespace=_PREFIX,
            registry=self.registry,
        )
        self.seconds = Histogram(
            "request_seconds",
            "Time to answer.",
            ("route",),
            buckets=_SECONDS,
            namespace=_PREFIX,
            registry=self.registry,
        )

    def text(self) -> bytes:
        """Exposition format."""
        return generate_latest(self.registry)
