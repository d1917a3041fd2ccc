"""Who vouches for people in the place of a password."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, urlsplit

from lightkeeper.cases.people import Role
from lightkeeper.errors import InvalidConfiguration

_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIdConfig:
    """An issuer of OpenID Connect, and how its word becomes roles."""

    issuer: str
    """As its tokens write it, to the letter."""
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    """``None`` for a client that has none: the proof key (PKCE) stands for it."""
    name: str = ""
    """What the button says; the issuer's host otherwise."""
    scopes: tuple[str, ...] = ("openid", "profile")
    hosts: frozenset[str] = frozenset()
    """Hosts, besides the issuer's own, that its description may send the service to."""
    claim: str = "groups"
    """Claim of the ID token that ``roles`` are looked up with."""
    roles: Mapping[str, frozenset[Role]] = field(default_factory=dict)
    """Value of the claim to roles; without it people have to be added by an administrator."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.issuer)
        if not is_safe(parts) or parts.query or parts.fragment:
            raise InvalidConfiguration(
                "the issuer must be an https address", hint="Such as https://id.example.org/realm"
            )
        if not self.client_id or "openid" not in self.scopes:
            raise InvalidConfiguration("an issuer needs a client, and 'openid' among its scopes")

    @property
    def host(self) -> str:
        """Of the issuer, with its port where it writes one."""
        return urlsplit(self.issuer).netloc.lower()

    @property
    def label(self) -> str:
        """What people know the issuer by."""
        return self.name or self.host

    def reaches(self, url: str) -> bool:
        """Whether the service may go to an address."""
        parts = urlsplit(url)
        return is_safe(parts) and parts.netloc.lower() in {self.host, *self.hosts}


def is_safe(parts: SplitResult) -> bool:
    """Over TLS, or on this machine; and without a password in it."""
    if not parts.hostname or parts.username or parts.password:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)
