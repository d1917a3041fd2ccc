"""Numbers of the work, over the API."""

from __future__ import annotations

from lightkeeper.cases.item import ViewMode
from lightkeeper.cases.people import Role
from lightkeeper.testing.cases import person

from ..conftest import Site
from .test_api import opened, with_picture


def test_open_cases_are_told_by_queue_and_age(site: Site) -> None:
    intake = site.program(Role.INTAKE)
    opened(intake)
    site.clock.forward(hours=2)
    opened(intake, source_id="ticket-2", queue="urgent")
    found = site.signed_in(Role.LEAD).get("/api/v1/statistics/ages").json()
    assert found == [
        {"queue": "default", "age": "1h-1d", "cases": 1},
        {"queue": "urgent", "age": "under-1h", "cases": 1},
    ]


def test_a_lead_sees_what_each_has_looked_at(site: Site) -> None:
    _, item = with_picture(site, site.program(Role.INTAKE))
    site.services.desk.show(person("ida", Role.REVIEWER), item, ViewMode.CLEAR)
    found = site.signed_in(Role.LEAD).get("/api/v1/exposure/team").json()
    (ida,) = found.values()
    assert sum(ida["reveals"]) == 1
