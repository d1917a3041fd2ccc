"""What Prometheus is told of work that waits: asked anew whenever it asks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from lightkeeper.cases.triage import CaseFilter
from lightkeeper.service._log import log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lightkeeper.service._services import Services

_MOST: Final = 10_000


class Gauges(Collector):
    """Numbers of jobs, reports and cases. No label names a person, a case or a report.

    What cannot be asked now, such as a queue that is down, is left out: an absent number is an
    alert of its own, and the others still answer.
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    def describe(self) -> list[Metric]:
        """Nothing is asked before the first request."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        for ask in (self._jobs, self._stages, self._reports, self._cases):
            yield from _answered(ask)

    def _jobs(self) -> list[Metric]:
        if self._services.backlog is None:
            return []
        now = self._services.backlog()
        return [
            _gauge("jobs_queued", "Jobs that wait.", now.queued),
            CounterMetricFamily("lightkeeper_jobs_failed", "Jobs that failed.", now.failed),
            _gauge("jobs_oldest_seconds", "How long the next job has waited.", now.oldest_seconds),
        ]

    def _stages(self) -> list[Metric]:
        hour = self._services.hour
        if hour is None:
            return []
        runs, omitted, seconds = (
            GaugeMetricFamily(f"lightkeeper_detector_{name}", text, labels=("stage",))
            for name, text in (
                ("runs", "Items that a stage of the cascade examined in the past hour."),
                ("omitted", "Items that the hour's budget kept from a stage in the past hour."),
                ("seconds", "Seconds that a stage took in the past hour."),
            )
        )
        for use in hour.stages():
            runs.add_metric((use.stage,), use.runs)
            omitted.add_metric((use.stage,), use.omitted)
            seconds.add_metric((use.stage,), use.seconds)
        text = "Seconds that all stages may take in an hour."
        budget = [] if math.isinf(hour.seconds) else [
            _gauge("detector_budget_seconds", text, hour.seconds)
        ]  # fmt: skip
        return [runs, omitted, seconds, *budget]

    def _reports(self) -> list[Metric]:
        if self._services.outbox is None:
            return []
        found, now = self._services.outbox(), self._services.clock()
        counts = GaugeMetricFamily(
            "lightkeeper_reports",
            "Reports that are not finished; dead ones need a person.",
            labels=("state",),
        )
        for state in ("drafts", "waiting", "unfinished", "dead"):
            counts.add_metric((state,), getattr(found, state))
        age = (now - found.oldest).total_seconds() if found.oldest else 0.0
        late = max(0.0, (now - found.due).total_seconds()) if found.due else 0.0
        told: list[Metric] = [
            counts,
            _gauge("reports_late_seconds", "Since the first of them should have been sent.", late),
            _gauge("reports_oldest_seconds", "Since the oldest of them was confirmed.", age),
        ]
        if found.deadline is not None:
            left = (found.deadline - now).total_seconds()
            text = "Until the receiver deletes the first of them; below 0 it has."
            told.append(_gauge("reports_deadline_seconds", text, left))
        return told

    def _cases(self) -> list[Metric]:
        which = CaseFilter(past_retention=True)
        with self._services.cases.reading() as reader:
            due = reader.count(which, now=self._services.clock(), most=_MOST)
        text = "Cases whose retention is over, counted up to 10,000: a person decides about them."
        return [_gauge("cases_past_retention", text, due)]


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"lightkeeper_{name}", text, value=value)


def _answered(ask: Callable[[], list[Metric]]) -> list[Metric]:
    try:
        return ask()
    except Exception as error:  # Of the data base, Redis or the network: each has its own.
        log.warning("a metric cannot be read", error=type(error).__name__)
        return []
