"""Every route, for every role: the table of rights is what the service really does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from lightkeeper.cases.people import FOR_PEOPLE, GRANTS, Permission, Role
from lightkeeper.service._rights import RIGHTS, Access

from ..conftest import Site, Visitor

FILLED = {
    "case_id": "AAAAAAAAAAAAAAAA",
    "item_id": "AAAAAAAAAAAAAAAA",
    "view_id": "AAAAAAAAAAAAAAAA",
    "decision_id": "AAAAAAAAAAAAAAAA",
    "submission_id": "AAAAAAAAAAAAAAAA",
    "account_id": "AAAAAAAAAAAAAAAA",
    "webhook_id": "AAAAAAAAAAAAAAAA",
    "queue_id": "AAAAAAAAAAAAAAAA",
    "number": "1",
    "secret": "AAAAAAAAAAAAAAAA",
    "build": "x",
    "name:path": "page.css",
}
REFUSED = {401, 403}
ENTRANCES = {
    "POST /sign-out",
    "POST /sign-in",
    "POST /me/second-factor",
    "POST /me/sign-out",
    "POST /api/v1/me/sign-out",
}
"""They begin, end or change how one signs in, and have tests of their own."""


@pytest.fixture(scope="module")
def house() -> Iterator[tuple[Site, dict[str, Visitor]]]:
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())
        fast: Any = {"person_per_second": 1e5, "key_per_second": 1e5, "nobody_per_second": 1e5}
        site = Site(portal, **fast)
        stack.callback(site.close)
        visitors = {role.value: site.signed_in(role) for role in Role}
        visitors["nobody"] = site.visitor()
        visitors["key"] = site.program(*Role)
        visitors["without role"] = site.signed_in(name="new")
        yield site, visitors


def routes(site: Site) -> set[str]:
    found = set()
    pending = list(site.app.routes)
    while pending:
        route: Any = pending.pop()
        pending += getattr(getattr(route, "original_router", None), "routes", [])
        for method in getattr(route, "methods", None) or ():
            if method != "HEAD":
                found.add(f"{method} {route.path}")
    return found


def test_every_route_stands_in_the_table_and_every_line_is_a_route(
    house: tuple[Site, dict[str, Visitor]],
) -> None:
    site, _ = house
    assert RIGHTS.keys() == {r for r in routes(site) if " /" in r}


def permitted(needs: Permission | Access, who: str) -> bool:
    if needs is Access.ANYBODY:
        return True
    if who == "nobody":
        return False
    if who == "key":
        return needs is Access.KNOWN or (isinstance(needs, Permission) and needs not in FOR_PEOPLE)
    if not isinstance(needs, Permission):
        return True
    return who in set(Role) and needs in GRANTS[Role(who)]


@pytest.mark.parametrize("who", [*(role.value for role in Role), "nobody", "key", "without role"])
@pytest.mark.parametrize("route", sorted(RIGHTS.keys() - ENTRANCES))
def test_a_route_answers_whom_the_table_names_and_refuses_the_others(
    house: tuple[Site, dict[str, Visitor]], route: str, who: str
) -> None:
    _, visitors = house
    method, path = route.split(" ", 1)
    for name, value in FILLED.items():
        path = path.replace(f"{{{name}}}", value)
    assert "{" not in path
    visitor = visitors[who]
    headers = {"X-CSRF-Token": visitor.csrf} if visitor.csrf else {}
    answer = visitor.send(method, path, headers=headers)
    pages = not path.startswith(("/api/", "/metrics"))
    if permitted(RIGHTS[route], who):
        if who == "nobody" and method == "POST":
            return  # Without a form's token even what is open to anybody refuses.
        if who == "key" and pages:
            return  # A key opens no page, even where its roles would.
        assert answer.status_code not in REFUSED, answer.text
        assert answer.headers.get("location") != "/sign-in"
    elif pages and who in {"nobody", "key"}:
        assert answer.status_code in REFUSED | {303}
        if answer.status_code == 303:
            assert answer.headers["location"].startswith("/sign-in")
    else:
        assert answer.status_code in REFUSED, answer.text
