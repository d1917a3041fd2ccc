"""The mark of a browser that has signed in to an account before."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.responses import Response

    from lightkeeper.cases.people import Account
    from lightkeeper.service._services import Keys, ServiceConfig

_LASTS: Final = timedelta(days=180)
_LONGEST: Final = 200


def device_cookie_name(config: ServiceConfig) -> str:
    """Over TLS one that no other host of the domain can set."""
    return "__Host-device" if config.https else "device"


def new_device(keys: Keys, account: Account, now: datetime) -> str:
    """A cookie that proves an earlier sign-in, and opens nothing."""
    mark = f"{int((now + _LASTS).timestamp())}.{secrets.token_urlsafe(16)}"
    return f"{mark}.{_seal(keys, account, mark)}"


def device_of(keys: Keys, account: Account, cookie: str, now: datetime) -> str | None:
    """The mark of a browser, where it is genuine, for this account, and not too old."""
    mark, _, seal = cookie[:_LONGEST].rpartition(".")
    ends = mark.partition(".")[0]
    genuine = hmac.compare_digest(seal.encode(), _seal(keys, account, mark).encode())
    return mark if genuine and int(ends) > now.timestamp() else None


def set_device(response: Response, config: ServiceConfig, cookie: str) -> None:
    """Give it to a browser."""
    response.set_cookie(
        device_cookie_name(config),
        cookie,
        max_age=int(_LASTS.total_seconds()),
        httponly=True,
        secure=config.https,
        samesite="strict",
        path="/",
    )


def _seal(keys: Keys, account: Account, mark: str) -> str:
    key = keys.derive("device cookie")
    text = f"{account.id} {mark}".encode("utf-8", "replace")
    return hashlib.blake2b(text, key=key, digest_size=24).hexdigest()
