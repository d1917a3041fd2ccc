"""Numbers about the work, never about a person's speed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse

from lightkeeper.cases.audit import Action
from lightkeeper.cases.decision import Agreement, agreement
from lightkeeper.cases.exposure import team_exposure
from lightkeeper.cases.record import Arising
from lightkeeper.cases.triage import CaseFilter, Sort
from lightkeeper.service._acting import Acting, Granting, Serving
from lightkeeper.service._words import named
from lightkeeper.service.pages._frame import framed
from lightkeeper.service.pages._match_rates import WINDOW, match_rates
from lightkeeper.service.pages._plots import Bar, Plot, bars

if TYPE_CHECKING:
    from datetime import datetime

    from lightkeeper.cases import CaseReader
    from lightkeeper.cases.item import Item
    from lightkeeper.service._services import Services

_DAYS: Final = 14
_BANDS: Final = {
    "under-1h": "Under 1 hour",
    "1h-1d": "1 hour to 1 day",
    "1d-3d": "1 to 3 days",
    "over-3d": "Over 3 days",
}
_CASES_LOOKED_AT: Final = 300
_EVENTS_LOOKED_AT: Final = 20_000


def statistics_routes() -> APIRouter:
    """One page of numbers."""
    router = APIRouter(include_in_schema=False)

    @router.get("/statistics")
    def statistics(
        request: Request, actor: Acting, services: Serving, config: Granting
    ) -> HTMLResponse:
        now = services.clock()
        with services.cases.reading() as reader:
            ages = _ages(reader, now)
            arrivals = _arrivals(reader, now)
            files = _files(reader, now)
            rates = match_rates(reader, files, services.sets, now=now)
            agreed = _agreement(reader)
        return framed(
            request,
            actor,
            services,
            config,
            "statistics.html",
            ages=ages,
            arrivals=arrivals,
            rates=rates,
            counted=services.sets is not None,
            window=WINDOW,
            files=len(files),
            agreed=agreed,
            seen=_exposure(services, now),
            looked_at=_CASES_LOOKED_AT,
        )

    return router


def _ages(reader: CaseReader, now: datetime) -> Plot:
    found = reader.ages(now=now)
    queues = sorted({queue for queue, _ in found})
    rows = tuple(
        Bar(f"{queue}: {words}" if len(queues) > 1 else words, found.get((queue, band), 0))
        for queue in queues
        for band, words in _BANDS.items()
    )
    return bars("Open cases by age", rows)


def _arrivals(reader: CaseReader, now: datetime) -> list[Plot]:
    """A plot for each way of arising: they are never added up."""
    first = (now - timedelta(days=_DAYS - 1)).date()
    since = now - timedelta(days=_DAYS)
    found = reader.opened_by_day(since=since)
    days = [(first + timedelta(days=n)).isoformat() for n in range(_DAYS)]
    return [
        bars(
            named(arising),
            tuple(Bar(day[5:], found.get((day, arising.value), 0)) for day in days),
            upright=True,
        )
        for arising in Arising
    ]


def _files(reader: CaseReader, now: datetime) -> list[Item]:
    """Of the newest cases."""
    page = reader.page(CaseFilter(), sort=Sort.NEWEST, now=now, limit=_CASES_LOOKED_AT)
    items = reader.items_of([case.id for case in page.cases])
    return [item for item in items if item.media is not None]


def _agreement(reader: CaseReader) -> tuple[Agreement, ...]:
    head = reader.head()
    after = max((head.sequence if head else 0) - _EVENTS_LOOKED_AT, 0)
    cases = dict.fromkeys(
        event.case
        for event in reader.events(after=after)
        if event.action == Action.DECIDED and event.details.get("second") and event.case
    )
    return agreement(decision for case in cases for decision in reader.decisions(case))


def _exposure(services: Services, now: datetime) -> Plot:
    """Reveals of this shift by severity, of everybody together."""
    with services.cases.reading() as reader:
        views = list(reader.views_since(now - services.budget.shift))
    people = team_exposure(views, now=now, budget=services.budget).values()
    totals = [sum(person.reveals[level] for person in people) for level in range(4)]
    rows = tuple(Bar(f"Severity {level}", total) for level, total in enumerate(totals))
    return bars("Reveals in this shift", rows)
