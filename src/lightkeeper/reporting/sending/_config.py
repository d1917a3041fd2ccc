"""Where reports go, and as whom."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from lightkeeper.errors import InvalidConfiguration


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverConfig:
    """The receiver's address and the account that it gave to the operator.

    There is no default: nothing is sent anywhere unless an operator says where.
    """

    base_url: str
    """Such as ``https://HOST/ispws``; plain ``http`` only to this machine."""
    user_name: str
    password: str = field(repr=False)
    proxy: str | None = field(default=None, repr=False)
    """URL of a proxy. Those that the environment names are not used."""
    timeout_seconds: float = 60.0
    """For connecting, and for every pause within a request."""

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.base_url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            host, parts = None, urlsplit("")
        if not host or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
            raise InvalidConfiguration(
                "the receiver's address is not one", hint="such as https://HOST/ispws"
            )
        if parts.username or parts.password:
            raise InvalidConfiguration("the receiver's address must not hold a password")
        if parts.scheme != "https" and not is_loopback(host):
            raise InvalidConfiguration(
                "reports are sent over https only", hint="http is for a stand-in on this machine"
            )
        if not self.user_name or not self.password:
            raise InvalidConfiguration("the receiver's account needs a user name and a password")
        if ":" in self.user_name:
            raise InvalidConfiguration("the receiver's user name must not hold a colon")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
