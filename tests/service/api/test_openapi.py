"""What the OpenAPI document promises, checked with requests that are made from it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
import uvicorn
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, settings
from schemathesis import checks

from lightkeeper.cases.people import Role
from lightkeeper.service.accounts._digests import digest_of, new_secret
from lightkeeper.service.accounts._sessions import begin_session, cookie_name
from lightkeeper.testing.cases import new_case, new_picture, person

from ..conftest import Site

checks.load_all_checks()
CHECKS = [
    checks.CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "unsupported_method",
    )
]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


PORT = _free_port()
_CLOSING = contextlib.ExitStack()
SITE = Site(
    _CLOSING.enter_context(start_blocking_portal()),
    url=f"http://127.0.0.1:{PORT}",
    person_per_second=100_000.0,
    key_per_second=100_000.0,
)
_CLOSING.callback(SITE.close)
schema = schemathesis.openapi.from_dict(SITE.app.openapi()).exclude(path="/api/v1/me/sign-out")
"""Whoever signs out could ask for nothing more."""


def _program() -> dict[str, str]:
    key = new_secret()
    digest = digest_of(SITE.services.keys, "api key", key)
    SITE.account("program", *Role, is_person=False, key_digest=digest)
    return {"Authorization": f"Bearer {key}"}


def _person() -> dict[str, str]:
    account = SITE.account("person", *Role)
    with SITE.accounts.accounts() as unit:
        cookie = begin_session(unit, SITE.services, SITE.config, account)
        session = unit.session(digest_of(SITE.services.keys, "session", cookie))
    assert session is not None
    return {"Cookie": f"{cookie_name(SITE.config)}={cookie}", "X-CSRF-Token": session.csrf}


@pytest.fixture(scope="session")
def callers() -> Iterator[list[dict[str, str]]]:
    desk = SITE.services.desk
    case = desk.open_case(person("intake", Role.INTAKE), new_case())
    desk.add_item(person("intake", Role.INTAKE), case.id, new_picture())
    config = uvicorn.Config(SITE.app, host="127.0.0.1", port=PORT, log_config=None, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield [_program(), _person()]
    server.should_exit = True
    thread.join()
    _CLOSING.close()


@schema.parametrize()
@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_answers_are_as_the_document_promises(
    case: schemathesis.Case, callers: list[dict[str, Any]]
) -> None:
    for headers in callers:
        answer = case.call(base_url=SITE.config.url, headers=headers, timeout=20)
        case.validate_response(answer, checks=CHECKS)
