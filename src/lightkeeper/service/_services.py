"""What the service stands on, and what it grants."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from lightkeeper.cases.exposure import Budget
from lightkeeper.errors import InvalidConfiguration

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from lightkeeper.cases import CaseStore, Clock
    from lightkeeper.cases.custody import Vault
    from lightkeeper.cases.desk import Desk
    from lightkeeper.cases.people import AccountStore
    from lightkeeper.matching import SetStore
    from lightkeeper.reporting.package._organisation import Organisation
    from lightkeeper.reporting.sending import ReportDesk
    from lightkeeper.reporting.sending._standing import Standing
    from lightkeeper.reporting.webhooks import WebhookStore
    from lightkeeper.service.examine._hour import Hour
    from lightkeeper.service.jobs._backlog import Backlog
    from lightkeeper.service.openid._config import OpenIdConfig
    from lightkeeper.service.openid._issuer import Issuer

_MIB = 1 << 20
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class Keys(Protocol):
    """The service's own secrets: a :class:`lightkeeper.storage.keys.KeyRing`."""

    def derive(self, label: str) -> bytes:
        """32 bytes for one purpose."""

    def audit_key(self) -> bytes:
        """What the end of the audit is sealed with."""

    def encrypt_small(self, content: bytes, *, context: bytes = b"") -> bytes:
        """For a field of the data base; it opens under the same ``context`` only."""

    def signing_key(self) -> Ed25519PrivateKey:
        """Signs notices and certificates."""

    def decrypt_small(self, sealed: bytes, *, context: bytes = b"") -> bytes:
        """What was encrypted.

        Raises
        ------
        VaultError
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the routes work with."""

    cases: CaseStore
    accounts: AccountStore
    desk: Desk
    reports: ReportDesk
    vault: Vault
    keys: Keys
    webhooks: WebhookStore
    examine: Callable[[str], None]
    """Have an item examined soon; returns at once."""
    clock: Clock
    budget: Budget = field(default_factory=Budget)
    """What one shift of a person may hold."""
    issuer: Issuer | None = None
    """Who vouches for people, where ``ServiceConfig.openid`` names one."""
    backlog: Callable[[], Backlog] | None = None
    """How far behind the jobs are, where there is a queue of them."""
    hour: Hour | None = None
    """The hour's budget of the cascade, where the examination has one."""
    outbox: Callable[[], Standing] | None = None
    """Where the reports stand, in numbers."""
    sender: Organisation | None = None
    """Who hands evidence out."""
    receiver: str | None = None
    """Host that reports go to; nothing is sent where there is none."""
    sets: SetStore | None = None
    """The hash sets that uploads are looked up in, where there are any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceConfig:
    """How the service is reached, and its limits."""

    url: str = "http://localhost:8400"
    """Under which browsers reach it, as they write it: scheme, host and port."""
    proxies: tuple[str, ...] = ()
    """Addresses and networks of the proxies in front of it: their ``X-Forwarded-For`` is believed,
    and nobody else's."""
    session_idle: timedelta = timedelta(minutes=60)
    session_lasts: timedelta = timedelta(hours=12)
    link_lasts: timedelta = timedelta(hours=72)
    """Of invitations and resets; the first administrator's works for one hour."""
    max_body_bytes: int = 1 * _MIB
    """Of a request that does not upload; less of somebody who has not signed in."""
    max_upload_bytes: int = 64 * _MIB
    idle_seconds: float = 20.0
    """Longest wait for the next bytes of a request."""
    request_seconds: float = 120.0
    """Longest time to an answer, and from one piece of a download to the next; a package may take
    an hour to begin."""
    nobody_per_second: float = 10.0
    """Requests of one address from people who have not signed in."""
    person_per_second: float = 30.0
    key_per_second: float = 200.0
    local: bool = True
    """People may sign in with a name and a password that this service keeps."""
    openid: OpenIdConfig | None = None
    """Who else may vouch for people."""
    break_reminders: bool = True
    """Suggest breaks; whoever looks may still turn that off."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/"):
            raise InvalidConfiguration(
                "the service's URL must have a scheme and a host, and no path",
                hint="Such as https://review.example.org",
            )
        if not self.local and self.openid is None:
            raise InvalidConfiguration("without passwords, people need an issuer to sign in with")
        for proxy in self.proxies:
            try:
                ipaddress.ip_network(proxy, strict=False)
            except ValueError:
                raise InvalidConfiguration(
                    "a proxy is named by its address or network", hint="Such as 127.0.0.1"
                ) from None

    @property
    def https(self) -> bool:
        """Whether browsers reach it over TLS."""
        return urlsplit(self.url).scheme == "https"

    @property
    def origin(self) -> str:
        """The URL as browsers write an origin."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.lower()}"

    @property
    def hosts(self) -> frozenset[str]:
        """Host names it answers to, without a port."""
        host = str(urlsplit(self.url).hostname)
        return _LOCAL if host in _LOCAL else frozenset({host})
