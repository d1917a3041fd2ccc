"""Which route needs which right: one table. A route that is not in it answers nobody."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from lightkeeper.cases.people import Permission


class Access(StrEnum):
    """Routes that need no particular right."""

    ANYBODY = "anybody"
    PERSON = "person"
    """Any person who has signed in."""
    KNOWN = "known"
    """Any person who has signed in, or a key."""


Needs = Permission | Access

_STATE: Final[dict[str, Needs]] = {
    "GET /healthz": Access.ANYBODY,
    "GET /readyz": Access.ANYBODY,
    "GET /metrics": Permission.READ_STATISTICS,
    "GET /static/{build}/{name:path}": Access.ANYBODY,
}

_ACCOUNTS: Final[dict[str, Needs]] = {
    "GET /sign-in": Access.ANYBODY,
    "POST /sign-in": Access.ANYBODY,
    "POST /sign-out": Access.PERSON,
}

_PAGES: Final[dict[str, Needs]] = {
    "GET /": Access.PERSON,
}

_API: Final[dict[str, Needs]] = {
    "GET /api/v1/openapi.json": Access.ANYBODY,
}

RIGHTS: Final[dict[str, Needs]] = {**_STATE, **_ACCOUNTS, **_PAGES, **_API}
"""By method and the route's path, as the route writes it. Routers have no prefix of their own."""
