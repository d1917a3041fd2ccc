"""The review service in this process, over stores in memory, and people who use it."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import APIRouter, FastAPI

from lightkeeper.cases.audit import Event
from lightkeeper.cases.desk import Desk, Rules
from lightkeeper.cases.people import Account, Role
from lightkeeper.errors import VaultError
from lightkeeper.reporting.outbox import PreparedReport
from lightkeeper.reporting.sending import ReportDesk
from lightkeeper.service._app import create_app
from lightkeeper.service._services import ServiceConfig, Services
from lightkeeper.service.accounts._digests import digest_of, new_secret
from lightkeeper.service.accounts._sessions import begin_session, cookie_name
from lightkeeper.service.openid._issuer import Issuer
from lightkeeper.testing.cases import MemoryAccounts, MemoryCases, MemoryVault, SettableClock
from lightkeeper.testing.cases._reader import AUDIT_KEY
from lightkeeper.testing.openid import StandInIssuer


class TestKeys:
    """The service's secrets, which are none."""

    __test__ = False

    def derive(self, label: str) -> bytes:
        return hashlib.sha256(label.encode()).digest()

    def audit_key(self) -> bytes:
        return AUDIT_KEY

    def signing_key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(b"a key for tests only".ljust(32, b"."))

    def encrypt_small(self, content: bytes, *, context: bytes = b"") -> bytes:
        return context + b":" + content[::-1]

    def decrypt_small(self, sealed: bytes, *, context: bytes = b"") -> bytes:
        if not sealed.startswith(context + b":"):
            raise VaultError("it was altered")
        return sealed[len(context) + 1 :][::-1]


class Visitor:
    """A browser or a program, from a synchronous test. Redirects are not followed."""

    def __init__(self, portal: BlockingPortal, client: httpx.AsyncClient) -> None:
        self._portal = portal
        self.client = client
        self.csrf = ""

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def request() -> httpx.Response:
            return await self.client.request(method, path, **options)

        return self._portal.call(request)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.send("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """As a page posts: with the token in its header."""
        headers = {"X-CSRF-Token": self.csrf} | options.pop("headers", {})
        return self.send("POST", path, headers=headers, **options)


class Site:
    """The service, its stores and its clock."""

    def __init__(
        self,
        portal: BlockingPortal,
        *,
        issued_by: StandInIssuer | None = None,
        **settings: Any,
    ) -> None:
        self._portal = portal
        self._visitors = contextlib.ExitStack()
        self.clock = SettableClock()
        self.cases = MemoryCases()
        self.accounts = MemoryAccounts(self.cases)
        self.vault = MemoryVault()
        self.config = ServiceConfig(**settings)
        self.examined: list[str] = []
        self.services = Services(
            cases=self.cases,
            accounts=self.accounts,
            # By chance one case in twenty would wait for a second opinion.
            desk=Desk(
                self.cases, self.vault, clock=self.clock, rules=Rules(second_opinion_share=0.0)
            ),
            reports=_reports(self),
            webhooks=self.cases,
            vault=self.vault,
            keys=TestKeys(),
            examine=self.examined.append,
            clock=self.clock,
            issuer=self._issuer(issued_by),
        )
        self.app = _app(self)

    def _issuer(self, issued_by: StandInIssuer | None) -> Issuer | None:
        if self.config.openid is None or issued_by is None:
            return None
        transport = httpx.MockTransport(issued_by.answer)
        return Issuer(self.config.openid, seconds=self.seconds, transport=transport)

    def seconds(self) -> float:
        return self.clock().timestamp()

    def close(self) -> None:
        self._visitors.close()

    def visitor(self, *, address: str = "127.0.0.1", **options: Any) -> Visitor:
        """Somebody whom nobody knows."""
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, client=(address, 1)),
            base_url=self.config.url,
            **options,
        )
        self._visitors.callback(lambda: self._portal.call(client.aclose))
        return Visitor(self._portal, client)

    def account(self, name: str, *roles: Role, **known: Any) -> Account:
        """Somebody's account."""
        account = Account(
            id=f"id-{name}",
            name=name,
            roles=frozenset(roles),
            created=self.clock(),
            **known,
        )
        with self.accounts.accounts() as unit:
            unit.add_account(account)
        return account

    def signed_in(self, *roles: Role, name: str = "", **known: Any) -> Visitor:
        """A person with roles, who has signed in."""
        account = self.account(name or "-".join(sorted(roles)) or "nothing", *roles, **known)
        return self.sign_in(account)

    def sign_in(self, account: Account) -> Visitor:
        """A browser of a person, without asking for a password."""
        visitor = self.visitor()
        with self.accounts.accounts() as unit:
            cookie = begin_session(unit, self.services, self.config, account)
            session = unit.session(digest_of(self.services.keys, "session", cookie))
        assert session is not None
        visitor.client.cookies.set(cookie_name(self.config), cookie)
        visitor.csrf = session.csrf
        return visitor

    def program(self, *roles: Role, name: str = "program", **known: Any) -> Visitor:
        """A program with a key."""
        key = new_secret()
        digest = digest_of(self.services.keys, "api key", key)
        self.account(name, *roles, is_person=False, key_digest=digest, **known)
        return self.visitor(headers={"Authorization": f"Bearer {key}"})

    def audit(self) -> list[Event]:
        """All that was written down."""
        with self.cases.reading() as reader:
            return list(reader.events())


_ROUTES: dict[tuple[int, int], list[Any]] = {}


def _app(site: Site) -> FastAPI:
    """An app of its own, with the routes of the first one.

    Making them takes longer than most tests, and they know no service but that of the request.
    """
    config = site.config
    limits = config.max_body_bytes, config.max_upload_bytes
    if limits not in _ROUTES:
        first = create_app(site.services, config, seconds=site.seconds)
        _ROUTES[limits] = first.router.routes[-2:]
        return first
    made: Any = {"page_routes": APIRouter, "api_routes": lambda _: APIRouter()}
    with mock.patch.multiple("lightkeeper.service._app", **made):
        app = create_app(site.services, config, seconds=site.seconds)
    app.router.routes.extend(_ROUTES[limits])
    return app


def _reports(site: Site) -> ReportDesk:
    return ReportDesk(site.cases, site.vault, clock=site.clock, prepare=plain_report)


def plain_report(*_: Any, **__: Any) -> PreparedReport:
    """What a report says does not matter here."""
    return PreparedReport(report_xml=b"<report/>", files=())


@pytest.fixture
def open_site() -> Iterator[Callable[..., Site]]:
    """Makes a service with settings of one's own."""
    with contextlib.ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())

        def make(**settings: Any) -> Site:
            site = Site(portal, **settings)
            stack.callback(site.close)
            return site

        yield make


@pytest.fixture
def site(open_site: Callable[..., Site]) -> Site:
    """A service with empty stores."""
    return open_site()
