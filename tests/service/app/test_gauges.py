"""What Prometheus is told of work that waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lightkeeper.assessment.policy._hour_book import StageUse
from lightkeeper.cases.people import Role
from lightkeeper.reporting.outbox import PreparedReport, Submission, SubmissionState
from lightkeeper.reporting.sending._standing import Standing, standing
from lightkeeper.service._gauges import Gauges
from lightkeeper.service.examine._hour import Hour
from lightkeeper.service.jobs._backlog import Backlog
from lightkeeper.testing.cases import SettableClock, new_case

from ..conftest import Site

NOW = SettableClock()()
HOUR = timedelta(hours=1)


def numbers(site: Site, **services: Any) -> dict[tuple[str, ...], float]:
    """Every number, by its name and its labels' values."""
    gauges = Gauges(replace(site.services, **services))
    return {
        (sample.name, *sample.labels.values()): sample.value
        for metric in gauges.collect()
        for sample in metric.samples
    }


def a_submission(state: SubmissionState, **known: Any) -> Submission:
    return Submission(
        id=f"s-{state}",
        case="c",
        state=state,
        prepared=PreparedReport(report_xml=b"", files=()),
        prepared_by="rob",
        prepared_at=NOW,
        **known,
    )


def opened(state: SubmissionState, *, ago: timedelta) -> Submission:
    return a_submission(state, confirmed_at=NOW - ago, report_id="1", opened_at=NOW - ago)


def test_jobs_are_told_with_their_age_and_failures(site: Site) -> None:
    told = numbers(site, backlog=lambda: Backlog(queued=3, failed=2, oldest_seconds=61.5))
    assert told["lightkeeper_jobs_queued",] == 3
    assert told["lightkeeper_jobs_failed_total",] == 2
    assert told["lightkeeper_jobs_oldest_seconds",] == 61.5


def test_stages_are_told_with_the_budget_that_they_share(site: Site) -> None:
    class Book:
        def stages(self, now: Any) -> tuple[StageUse, ...]:
            assert now == NOW
            return (StageUse("plugin:umbrella", 4, 2, 8.5),)

    hour = Hour(book=Book(), rules=None, seconds=600.0, clock=lambda: NOW)  # type: ignore[arg-type]
    told = numbers(site, hour=hour)
    assert told["lightkeeper_detector_runs", "plugin:umbrella"] == 4
    assert told["lightkeeper_detector_omitted", "plugin:umbrella"] == 2
    assert told["lightkeeper_detector_seconds", "plugin:umbrella"] == 8.5
    assert told["lightkeeper_detector_budget_seconds",] == 600
    assert not any("detector" in key[0] for key in numbers(site, hour=None))


def test_reports_are_told_by_what_they_wait_for(site: Site) -> None:
    found = standing(
        [
            a_submission(SubmissionState.DRAFT),
            a_submission(SubmissionState.CONFIRMED, confirmed_at=NOW),
            opened(SubmissionState.CONFIRMED, ago=2 * HOUR),
            opened(SubmissionState.DEAD, ago=5 * HOUR),
            opened(SubmissionState.FINISHED, ago=50 * HOUR),
        ]
    )
    told = numbers(site, outbox=lambda: found, clock=lambda: NOW)
    counts = {key[1]: value for key, value in told.items() if key[0] == "lightkeeper_reports"}
    assert counts == {"drafts": 1, "waiting": 1, "unfinished": 1, "dead": 1}
    assert told["lightkeeper_reports_oldest_seconds",] == 5 * 3600
    assert told["lightkeeper_reports_deadline_seconds",] == 19 * 3600


@pytest.mark.parametrize(("due", "late"), [(-3 * HOUR, 3 * 3600), (HOUR, 0)])
def test_a_report_that_nobody_sends_is_told_as_late(
    site: Site, due: timedelta, late: float
) -> None:
    waits = a_submission(SubmissionState.CONFIRMED, confirmed_at=NOW, next_attempt=NOW + due)
    told = numbers(site, outbox=lambda: standing([waits]), clock=lambda: NOW)
    assert told["lightkeeper_reports_late_seconds",] == late
    assert standing([waits]).is_overdue(NOW) is (late > 2 * 3600)


def test_an_empty_outbox_has_no_deadline(site: Site) -> None:
    told = numbers(site, outbox=lambda: standing([]))
    assert ("lightkeeper_reports_deadline_seconds",) not in told
    assert told["lightkeeper_reports", "dead"] == 0
    assert told["lightkeeper_reports_late_seconds",] == 0


def test_a_person_is_needed_for_what_stands_still_or_is_lost_soon() -> None:
    quiet = standing([opened(SubmissionState.CONFIRMED, ago=HOUR)])
    assert not quiet.needs_person(NOW)
    assert quiet.needs_person(NOW + 22 * HOUR)
    for state in (SubmissionState.DRAFT, SubmissionState.DEAD):
        assert standing([a_submission(state)]).needs_person(NOW)
    assert isinstance(quiet, Standing)


def test_cases_past_their_retention_are_counted(site: Site) -> None:
    case = site.services.desk.open_case(_program(), new_case())
    with site.cases.writing() as writer:
        writer.save_case(replace(case, preserve_until=site.clock() + timedelta(days=1)))
    assert numbers(site)["lightkeeper_cases_past_retention",] == 0
    site.clock.forward(days=2)
    assert numbers(site)["lightkeeper_cases_past_retention",] == 1


def test_a_number_that_cannot_be_asked_leaves_the_others(site: Site) -> None:
    def down() -> Backlog:
        raise ConnectionError

    told = numbers(site, backlog=down)
    assert not any("jobs" in key[0] for key in told)
    assert ("lightkeeper_cases_past_retention",) in told


def test_metrics_name_no_case_and_no_person(open_site: Callable[..., Site]) -> None:
    site = open_site()
    case = site.services.desk.open_case(_program(), new_case())
    text = site.signed_in(Role.AUDITOR, name="aud").get("/metrics").text
    assert "lightkeeper_cases_past_retention 0.0" in text
    assert case.id not in text
    assert "aud" not in text.replace("audit", "")


def _program() -> Any:
    from lightkeeper.cases.people import Actor

    return Actor(id="p", name="p", roles=frozenset({Role.INTAKE}), is_person=False)
