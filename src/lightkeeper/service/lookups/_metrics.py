"""Counters for Prometheus. No label names a hash, a set, a key or a path that a client chose."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
_PREFIX = "lightkeeper"


class Metrics:
    """Counters of one app, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = self._counter(
            "http_requests", "Requests by route and status.", "route", "method", "status"
        )
        self.seconds = Histogram(
            "http_request_seconds",
            "Time to answer.",
            ("route",),
            buckets=_SECONDS,
            namespace=_PREFIX,
            registry=self._registry,
        )
        self.hashes = self._counter("lookup_hashes", "Hashes looked up.")
        self.results = self._counter(
            "lookup_results", "Hashes or pictures by their strongest result.", "result"
        )
        self.uploads = self._counter("uploads", "Uploads hashed, by how that ended.", "end")
        self.floods = self._counter("floods", "Sets and entries that matched far too much.")
        self.revision = self._gauge("index_revision", "Store revision that the index shows.")
        self.entries = self._gauge("index_entries", "Entries that may match.")

    def text(self) -> bytes:
        """Exposition format."""
        return generate_latest(self._registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, namespace=_PREFIX, registry=self._registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, namespace=_PREFIX, registry=self._registry)
