"""Signing in with a browser: by an issuer and by a password, and everything that is around it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from lightkeeper.cases.desk import Desk, Rules
from lightkeeper.cases.people import Account, Role
from lightkeeper.reporting.sending import ReportDesk
from lightkeeper.service._app import create_app
from lightkeeper.service._services import ServiceConfig, Services
from lightkeeper.service.accounts._passwords import hash_password
from lightkeeper.service.openid._config import OpenIdConfig
from lightkeeper.service.openid._issuer import Issuer
from lightkeeper.storage.cases import open_cases
from lightkeeper.storage.keys import KeyRing
from lightkeeper.testing.cases import MemoryVault, SettableClock
from lightkeeper.testing.openid import StandInIssuer

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PASSWORD = "seven wet umbrellas"


@dataclass
class Door:
    services: Services
    config: ServiceConfig
    issuer: StandInIssuer

    def account(self, name: str, *roles: Role, **known: Any) -> None:
        created = self.services.clock()
        with self.services.accounts.accounts() as unit:
            unit.add_account(
                Account(id=name, name=name, roles=frozenset(roles), created=created, **known)
            )


@contextmanager
def served(issuer: StandInIssuer) -> Iterator[str]:
    """The issuer over HTTP: whoever comes to sign in is sent back at once."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/authorize?"):
                self.send_response(303)
                self.send_header("Location", issuer.visit(self.path))
                self.end_headers()
            elif self.path.startswith("/end?"):
                self._send(httpx.Response(200, text="<title>Out</title>You have signed out."))
            else:
                self._send(issuer.answer(httpx.Request("GET", issuer.url + self.path)))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            asked = httpx.Request(
                "POST", issuer.url + self.path, content=body, headers=dict(self.headers)
            )
            self._send(issuer.answer(asked))

        def _send(self, answer: httpx.Response) -> None:
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers.get("content-type", "text/html"))
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    clock = SettableClock()
    with ExitStack() as stack:
        stand_in = StandInIssuer(clock)
        stand_in.url = stack.enter_context(served(stand_in))
        ring = KeyRing.open(tmp_path / "keys", create=True)
        store = open_cases(f"sqlite:///{tmp_path / 'cases.db'}", audit_key=ring.audit_key())
        stack.callback(store.close)
        vault = MemoryVault()
        listening = socket.create_server(("127.0.0.1", 0))
        openid = OpenIdConfig(
            issuer=stand_in.url,
            client_id="lightkeeper",
            client_secret="not a secret",
            name="Example ID",
        )
        config = ServiceConfig(url=f"http://localhost:{listening.getsockname()[1]}", openid=openid)
        issuer = Issuer(openid)
        stack.callback(issuer.close)
        services = Services(
            cases=store,
            accounts=store,
            desk=Desk(store, vault, clock=clock, rules=Rules()),
            reports=ReportDesk(store, vault, clock=clock, prepare=lambda *_, **__: None),
            vault=vault,
            webhooks=store,
            keys=ring,
            examine=lambda _: None,
            clock=clock,
            issuer=issuer,
        )
        settings = uvicorn.Config(create_app(services, config), log_config=None, ws="none")
        server = uvicorn.Server(settings)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield Door(services, config, stand_in)
        server.should_exit = True
        thread.join()


@pytest.fixture
def visit(chromium: Browser, door: Door) -> Iterator[Callable[..., Page]]:
    with ExitStack() as stack:
        troubles: list[str] = []

        def new_page(**options: Any) -> Page:
            context = chromium.new_context(base_url=door.config.url, **options)
            stack.callback(context.close)
            page = context.new_page()
            page.on("pageerror", lambda error: troubles.append(str(error)))
            page.on(
                "console",
                lambda message: (
                    troubles.append(message.text)
                    if "Content Security Policy" in message.text
                    else None
                ),
            )
            return page

        yield new_page
        assert troubles == []


def test_a_person_comes_in_by_the_issuer_and_leaves_both(
    door: Door, visit: Callable[..., Page]
) -> None:
    door.account("ida", Role.REVIEWER, openid=f"{door.issuer.url} person-1")
    page = visit()
    page.goto("/settings")
    page.get_by_role("link", name="Sign in with Example ID").click()
    page.wait_for_url("**/settings")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in?out=here")
    page.get_by_role("link", name="sign out there as well").click()
    expect(page.get_by_text("You have signed out.")).to_be_visible()
    page.goto("/settings")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_person_comes_in_by_a_password_and_signs_out_everywhere(
    door: Door, visit: Callable[..., Page]
) -> None:
    door.account("ada", Role.ADMINISTRATOR, password=hash_password(PASSWORD))
    page = visit()
    page.goto("/sign-in?next=/me")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/me")
    expect(page.get_by_role("cell", name="this one")).to_be_visible()
    page.get_by_role("button", name="Sign out everywhere").click()
    page.wait_for_url("**/sign-in")
    page.goto("/me")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_around_signing_in_are_accessible(
    door: Door, visit: Callable[..., Page], scheme: str
) -> None:
    door.account("ada", Role.ADMINISTRATOR, password=hash_password(PASSWORD))
    door.account("bob", Role.REVIEWER, totp="00")
    door.account("ida", Role.REVIEWER, openid=f"{door.issuer.url} person-2")
    page = visit(color_scheme=scheme)
    found: dict[str, Any] = {}

    def look(path: str) -> None:
        page.goto(path)
        wrong = Axe().run(page).response["violations"]
        if wrong:
            found[path] = [(each["id"], each["nodes"][0]["html"]) for each in wrong]

    look("/sign-in?out=here")
    look("/sign-in/openid/done")
    page.goto("/sign-in")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{door.config.url}/")
    look("/people")
    look("/me")
    assert found == {}
