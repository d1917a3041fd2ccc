"""Text that no data base keeps, over the API: the same answer on every data base."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from lightkeeper.cases.desk import Desk, Rules
from lightkeeper.cases.people import Role
from lightkeeper.reporting.sending import ReportDesk
from lightkeeper.service._app import create_app
from lightkeeper.storage.cases import SqlCaseStore, open_cases
from lightkeeper.testing.cases._reader import AUDIT_KEY

from ...storage.conftest import postgresql  # noqa: F401
from ..conftest import Site, Visitor, plain_report


class House:
    """The service over a real data base, with those who use it."""

    def __init__(self, site: Any, store: SqlCaseStore) -> None:
        site.cases = site.accounts = store
        site.services = replace(
            site.services,
            cases=store,
            accounts=store,
            webhooks=store,
            desk=Desk(store, site.vault, clock=site.clock, rules=Rules()),
            reports=ReportDesk(store, site.vault, clock=site.clock, prepare=plain_report),
        )
        site.app = create_app(site.services, site.config)
        self.vault: dict[str, bytes] = site.vault.kept
        self.program: Visitor = site.program(Role.INTAKE)
        self.person: Visitor = site.signed_in(Role.LEAD, Role.AUDITOR, Role.REPORTER)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    url = f"sqlite:///{tmp_path_factory.mktemp('cases') / 'cases.db'}"
    if request.param == "postgresql":
        url = _new_database(request.getfixturevalue("postgresql"))
    with ExitStack() as stack:
        store = open_cases(url, audit_key=AUDIT_KEY)
        stack.callback(store.close)
        site = Site(stack.enter_context(start_blocking_portal()))
        stack.callback(site.close)
        yield House(site, store)


def _new_database(server: str) -> str:
    import psycopg

    name = f"lk_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return server.replace("/postgres?", f"/{name}?")


CASE = {"arising": "prompt-only", "subject": {"kind": "user", "identifier": "umbrella"}}


def opened(visitor: Visitor, **known: Any) -> str:
    answer = visitor.post("/api/v1/cases", json=CASE | known)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def refused(answer: Any) -> None:
    assert answer.status_code == 422, (answer.status_code, answer.text)
    assert set(answer.json()) == {"error"}


NUL = "um\0brella"


@pytest.mark.parametrize(
    "known",
    [
        {"subject": {"kind": "user", "identifier": NUL, "details": {}}},
        {"subject": {"kind": "user", "identifier": "a", "details": {NUL: NUL}}},
        {"source_id": NUL},
        {"note": NUL},
    ],
    ids=str,
)
def test_nul_in_a_case_is_kept_as_it_came(house: House, known: dict[str, Any]) -> None:
    program, reader = house.program, house.person
    case = opened(program, **known)
    kept = reader.get(f"/api/v1/cases/{case}").json()["case"]
    assert {name: kept[name] for name in known} == known
    found = reader.get("/api/v1/cases").json()["cases"]
    assert case in [each["id"] for each in found]


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "prompt", "text": NUL},
        {"kind": "prompt", "text": "a", "facts": {NUL: NUL}},
        {"kind": "model", "facts": {"model": NUL}},
    ],
    ids=str,
)
def test_nul_in_an_item_is_kept_as_it_came(house: House, body: dict[str, Any]) -> None:
    program, reader = house.program, house.person
    case = opened(program)
    for _ in range(2):
        assert program.post(f"/api/v1/cases/{case}/items", json=body).status_code == 201
    (item,) = reader.get(f"/api/v1/cases/{case}").json()["items"]
    assert {name: item[name] for name in body} == body


def test_nul_in_the_name_and_facts_of_a_file_is_kept(house: House) -> None:
    program, reader = house.program, house.person
    case = opened(program)
    headers = {
        "Lightkeeper-File-Name": "a%00b.png",
        "Lightkeeper-Facts": json.dumps({NUL: NUL}),
    }
    media = f"/api/v1/cases/{case}/media"
    assert program.post(media, content=b"umbrella", headers=headers).status_code == 201
    (item,) = reader.get(f"/api/v1/cases/{case}").json()["items"]
    assert item["file_name"] == "a\0b.png"
    assert item["facts"] == {NUL: NUL}


@pytest.mark.parametrize("facts", [{"location": "\ud83d"}, {"\ud83d": "a"}], ids=ascii)
def test_half_a_character_in_facts_is_refused_and_the_file_not_kept(
    house: House, facts: dict[str, str]
) -> None:
    program = house.program
    media = f"/api/v1/cases/{opened(program)}/media"
    headers = {"Lightkeeper-Facts": json.dumps(facts)}
    before = dict(house.vault)
    refused(program.post(media, content=b"umbrella", headers=headers))
    assert before == house.vault


def test_half_a_character_in_json_is_refused(house: House) -> None:
    program = house.program
    body = json.dumps(CASE | {"note": "\ud83d"})
    headers = {"Content-Type": "application/json"}
    refused(program.post("/api/v1/cases", content=body, headers=headers))


def test_a_queue_whose_name_holds_nul_is_refused(house: House) -> None:
    refused(house.program.post("/api/v1/cases", json=CASE | {"queue": NUL}))


@pytest.mark.parametrize(
    "path",
    ["/api/v1/cases?queue=a%00b", "/api/v1/cases/a%00b", "/?tab=a%00b", "/api/v1/audit?case=a%00b"],
)
def test_an_address_with_nul_is_refused(house: House, path: str) -> None:
    person = house.person
    assert person.get(path).status_code == 400


def test_reasons_with_nul_are_kept_and_a_name_with_nul_is_nobody(house: House) -> None:
    case = opened(house.program)
    person = house.person
    acts: list[tuple[str, Any, int]] = [
        ("claim", None, 200),
        ("hand-over", {"to": NUL, "because": "a"}, 409),
        ("hold", {"because": NUL}, 200),
        ("release-hold", {"because": NUL}, 200),
    ]
    for act, body, status in acts:
        answer = person.post(f"/api/v1/cases/{case}/{act}", json=body)
        assert answer.status_code == status, (act, answer.text)
    decision = {
        "version": answer.json()["version"],
        "outcome": "close",
        "confidence": "high",
        "comment": NUL,
    }
    answer = person.post(f"/api/v1/cases/{case}/decision", json=decision)
    assert answer.status_code == 201, answer.text
    kept = person.get(f"/api/v1/cases/{case}").json()["decisions"]
    assert [each["comment"] for each in kept] == [NUL]
