"""From intake to receipt, with everything real but the receiver, which is a stand-in."""

from __future__ import annotations

import contextlib
import io
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from PIL import Image

from lightkeeper.cases.audit import Action, verify
from lightkeeper.cases.desk import Rules
from lightkeeper.cases.item import ItemState, ViewMode
from lightkeeper.cases.people import Account, Actor, Role
from lightkeeper.cases.record import CaseState
from lightkeeper.reporting.cybertipline import ReporterAnswers
from lightkeeper.reporting.outbox import Step, SubmissionState
from lightkeeper.reporting.sending import ReceiverConfig
from lightkeeper.scan import Policy, default_examiners
from lightkeeper.service._house import House, HousePlan, now, open_house
from lightkeeper.service._services import ServiceConfig
from lightkeeper.service.accounts._digests import digest_of, new_secret
from lightkeeper.service.accounts._sessions import begin_session, cookie_name
from lightkeeper.testing._draw import photo_like
from lightkeeper.testing.cybertipline import StandIn, serve_stand_in
from lightkeeper.testing.demo import PROFILE
from lightkeeper.testing.gallery import PICTURES

from ..storage.conftest import postgresql  # noqa: F401
from .conftest import Visitor

CONFIG = ServiceConfig()
ANSWERS = ReporterAnswers(note="A benign stand-in.")


@dataclass
class Office:
    """A service that is open, and those who work with it."""

    house: House
    portal: BlockingPortal
    receiver: StandIn
    stack: contextlib.ExitStack
    people: dict[Role, Actor] = field(default_factory=dict)

    def visitor(self, **options: Any) -> Visitor:
        transport = httpx.ASGITransport(self.house.app)
        client = httpx.AsyncClient(transport=transport, base_url=CONFIG.url, **options)
        self.stack.callback(lambda: self.portal.call(client.aclose))
        return Visitor(self.portal, client)

    def person(self, role: Role) -> Visitor:
        services, visitor = self.house.services, self.visitor()
        account = Account(
            id=f"id-{role}", name=role.value, roles=frozenset({role}), created=services.clock()
        )
        with services.accounts.accounts() as unit:
            unit.add_account(account)
            cookie = begin_session(unit, services, CONFIG, account)
            session = unit.session(digest_of(services.keys, "session", cookie))
        assert session is not None
        visitor.client.cookies.set(cookie_name(CONFIG), cookie)
        visitor.csrf = session.csrf
        self.people[role] = account.actor()
        return visitor

    def program(self, role: Role) -> Visitor:
        services, key = self.house.services, new_secret()
        account = Account(
            id=f"key-{role}",
            name=f"{role} key",
            roles=frozenset({role}),
            created=services.clock(),
            is_person=False,
            key_digest=digest_of(services.keys, "api key", key),
        )
        with services.accounts.accounts() as unit:
            unit.add_account(account)
        return self.visitor(headers={"Authorization": f"Bearer {key}"})

    def work(self) -> None:
        """Do every job in the queue, in this thread."""
        queue = self.house.jobs._queue
        while (task := queue.dequeue()) is not None:
            queue.execute(task)

    def upload(self, intake: Visitor, case_id: str, name: str, content: bytes) -> str:
        answer = intake.post(
            f"/api/v1/cases/{case_id}/media",
            content=content,
            headers={"Lightkeeper-File-Name": name},
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgresql"])
def office(
    request: pytest.FixtureRequest, tmp_path: Path, portal: BlockingPortal
) -> Iterator[Office]:
    url = f"sqlite:///{tmp_path / 'cases.db'}"
    if request.param == "postgresql":
        url = _new_database(request.getfixturevalue("postgresql"))
    with contextlib.ExitStack() as stack:
        receiver = StandIn(user_name="desk", password="for tests")
        address = stack.enter_context(serve_stand_in(receiver, quiet=True))
        plan = HousePlan(
            cases=url,
            vault=str(tmp_path / "vault"),
            keys=tmp_path / "service.keys",
            jobs=f"sqlite:///{tmp_path / 'jobs.db'}",
            policy=Policy(),
            build=default_examiners,
            config=CONFIG,
            rules=Rules(second_opinion_share=0.0),
            receiver=ReceiverConfig(base_url=address, user_name="desk", password="for tests"),
            profile=PROFILE,
            threads=0,
        )
        house = stack.enter_context(open_house(plan))
        yield Office(house, portal, receiver, stack)


def _new_database(server: str) -> str:
    name = f"lk_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return server.replace("/postgres?", f"/{name}?")


def go_the_whole_way(office: Office, pictures: dict[str, bytes]) -> None:
    """One case, from its intake to its receipt."""
    intake, reviewer = office.program(Role.INTAKE), office.person(Role.REVIEWER)
    office.person(Role.REPORTER)
    case_id = _taken_in(office, intake, pictures)
    file = _decided(office, reviewer, case_id)
    submission = _reported(office, case_id)
    _check_receipts(office, submission, len(file["items"]))
    _check_trace(office, case_id)


def _taken_in(office: Office, intake: Visitor, pictures: dict[str, bytes]) -> str:
    opened = intake.post(
        "/api/v1/cases",
        json={
            "arising": "uploaded",
            "subject": {"kind": "user", "identifier": "user-17"},
            "occurred": now().isoformat(),
            "source_id": "ticket-1",
        },
    )
    assert opened.status_code == 201, opened.text
    case_id = str(opened.json()["id"])
    for name, content in pictures.items():
        office.upload(intake, case_id, name, content)
    office.work()
    return case_id


def _decided(office: Office, reviewer: Visitor, case_id: str) -> dict[str, Any]:
    taken = reviewer.post("/api/v1/cases/next")
    assert taken.status_code == 200, taken.text
    assert taken.json()["id"] == case_id
    assert taken.json()["triage"]["reasons"]
    assert taken.json()["outline"]["waiting"] == 0
    file: dict[str, Any] = reviewer.get(f"/api/v1/cases/{case_id}").json()
    assert {item["state"] for item in file["items"]} == {"examined"}
    for item in file["items"]:
        _look(office, item["id"])
    labels = {"industry_class": {"value": "A1"}, "computer_generated": {"value": True}}
    answer = reviewer.post(
        f"/api/v1/cases/{case_id}/decision",
        json={
            "version": file["case"]["version"],
            "outcome": "report",
            "confidence": "high",
            "items": [{"item": item["id"], "labels": labels} for item in file["items"]],
        },
    )
    assert answer.status_code == 201, answer.text
    return file


def _look(office: Office, item_id: str) -> None:
    desk, person = office.house.services.desk, office.people[Role.REVIEWER]
    blurred = desk.show(person, item_id, ViewMode.OBSCURED)
    clear = desk.show(person, item_id, ViewMode.CLEAR)
    with Image.open(io.BytesIO(blurred.content)) as picture:
        assert (picture.mode, max(picture.size) <= 96) == ("L", True)
    assert clear.media_type == "image/jpeg"
    desk.end_view(person, clear.view.id, seconds=2.0, entire=True)


def _reported(office: Office, case_id: str) -> str:
    services, reporter = office.house.services, office.people[Role.REPORTER]
    with services.cases.reading() as reader:
        case = reader.case(case_id)
    assert case is not None
    assert case.state is CaseState.TO_REPORT
    draft = services.reports.prepare(reporter, case_id, ANSWERS)
    assert office.receiver.reports == ()
    services.reports.confirm(reporter, draft.id)
    office.house.jobs.sweep()
    office.work()
    return draft.id


def _check_receipts(office: Office, submission_id: str, files: int) -> None:
    services, reporter = office.house.services, office.people[Role.REPORTER]
    sent = services.reports.submission(reporter, submission_id)
    assert sent.state is SubmissionState.FINISHED
    (held,) = office.receiver.finished
    assert held.id == sent.report_id
    assert len(held.files) == files
    receipts = services.reports.receipts(reporter, submission_id)
    assert [r.step for r in receipts if r.step is Step.UPLOAD] == [Step.UPLOAD] * files
    assert [r.step for r in receipts if r.step is Step.FILE_INFO] == [Step.FILE_INFO] * files
    assert (receipts[0].step, receipts[-1].step) == (Step.SUBMIT, Step.FINISH)
    assert {(r.status, r.code) for r in receipts} == {(200, 0)}
    assert all(b"<fileViewedByEsp>true</fileViewedByEsp>" in (f.details or b"") for f in held.files)
    assert all(b"<generativeAi>true</generativeAi>" in (f.details or b"") for f in held.files)


def _check_trace(office: Office, case_id: str) -> None:
    services = office.house.services
    with services.cases.reading() as reader:
        case = reader.case(case_id)
        report = verify(reader.events(), reader.head(), services.keys.audit_key())  # type: ignore[attr-defined]
        actions = [event.action for event in reader.events(case=case_id)]
    assert case is not None
    assert case.state is CaseState.REPORTED
    assert case.preserve_until is not None
    assert (report.intact, report.sealed) == (True, True)
    steps = (
        Action.OPENED,
        Action.ITEM_ADDED,
        Action.CLAIMED,
        Action.READ,
        Action.REVEALED,
        Action.DECIDED,
        Action.REPORT_PREPARED,
        Action.REPORT_CONFIRMED,
    )
    places = [actions.index(step) for step in steps]
    assert places == sorted(places)


def test_a_case_goes_from_intake_to_its_receipt(office: Office) -> None:
    drawn = io.BytesIO()
    Image.fromarray(photo_like(5, width=320, height=240)).save(drawn, "JPEG", quality=90)
    go_the_whole_way(
        office,
        {"output.png": PICTURES["umbrella-infotext.png"](), "street.jpg": drawn.getvalue()},
    )


@pytest.mark.shared
def test_pictures_of_others_go_the_whole_way(office: Office, shared: Path) -> None:
    endings = (".png", ".jpg", ".jpeg", ".webp")
    found = [
        path
        for path in sorted((shared / "metadata").rglob("*"))
        if path.suffix.lower() in endings and 1_000 < path.stat().st_size < 2_000_000
    ]
    chosen = [*found[:: max(1, len(found) // 6)][:6], *sorted((shared / "photos").iterdir())[:4]]
    assert len(chosen) == 10
    go_the_whole_way(office, {f"{n}{p.suffix}": p.read_bytes() for n, p in enumerate(chosen)})


@pytest.mark.shared
def test_malformed_files_leave_the_service_healthy(office: Office, shared: Path) -> None:
    intake, nobody = office.program(Role.INTAKE), office.visitor()
    body = {"arising": "uploaded", "subject": {"kind": "user", "identifier": "user-17"}}
    case_id = intake.post("/api/v1/cases", json=body).json()["id"]
    files = [p for p in sorted((shared / "malformed").rglob("*")) if p.is_file()]
    sent = {
        office.upload(intake, case_id, f"{number}{path.suffix}", content): path.name
        for number, path in enumerate(files)
        if (content := path.read_bytes())
    }
    assert sent
    office.work()
    with office.house.services.cases.reading() as reader:
        states = {sent[item.id]: item.state for item in reader.items(case_id)}
    waiting = {name for name, state in states.items() if state is ItemState.WAITING}
    assert waiting == set()
    assert nobody.get("/healthz").status_code == 200
    assert nobody.get("/readyz").status_code == 200
    umbrella = PICTURES["umbrella-infotext.png"]()
    after = office.upload(intake, case_id, "after.png", umbrella)
    office.work()
    with office.house.services.cases.reading() as reader:
        item = reader.item(after)
    assert item is not None
    assert item.state is ItemState.EXAMINED
