"""Sessions: begun at sign-in, found at every request, and over after a while."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from lightkeeper.cases.people import Account, Session
from lightkeeper.service.accounts._digests import digest_of, new_secret

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.responses import Response

    from lightkeeper.cases.people import AccountUnit
    from lightkeeper.service._services import ServiceConfig, Services

_SEEN_EVERY: Final = timedelta(minutes=1)
"""Writing down every request would have every page wait for the data base's only writer."""


def cookie_name(config: ServiceConfig) -> str:
    """Over TLS one that no other host of the domain can set."""
    return "__Host-session" if config.https else "session"


def begin_session(
    unit: AccountUnit, services: Services, config: ServiceConfig, account: Account
) -> str:
    """A new session of a person who has proved to be one; the cookie, which is kept nowhere."""
    cookie = new_secret()
    now = services.clock()
    unit.save_session(
        Session(
            digest=digest_of(services.keys, "session", cookie),
            account=account.id,
            csrf=secrets.token_urlsafe(24),
            started=now,
            seen=now,
            expires=now + config.session_lasts,
        )
    )
    return cookie


def find_session(
    services: Services, config: ServiceConfig, cookie: str
) -> tuple[Session, Account] | None:
    """The session of a cookie and whose it is, unless it is over."""
    digest = digest_of(services.keys, "session", cookie)
    now = services.clock()
    with services.accounts.reading_accounts() as unit:
        session = unit.session(digest)
        if session is None or _over(session, config, now):
            return None
        account = unit.account(session.account)
    if account is None or not account.active or not account.is_person:
        return None
    if now - session.seen >= _SEEN_EVERY:
        _see(services, digest, now)
    return session, account


def current_sessions(services: Services, config: ServiceConfig, account_id: str) -> list[Session]:
    """Where somebody is signed in, the one seen last first."""
    now = services.clock()
    with services.accounts.reading_accounts() as unit:
        kept = unit.sessions_of(account_id)
    return [session for session in kept if not _over(session, config, now)]


def _over(session: Session, config: ServiceConfig, now: datetime) -> bool:
    return now >= session.expires or now - session.seen >= config.session_idle


def _see(services: Services, digest: bytes, now: datetime) -> None:
    with services.accounts.accounts() as unit:
        # It may have ended in between, and must not come back.
        session = unit.session(digest)
        if session is not None:
            unit.save_session(replace(session, seen=max(session.seen, now)))


def set_cookie(response: Response, config: ServiceConfig, cookie: str) -> None:
    """Give a session to a browser.

    ``Lax`` and not ``Strict``: a link to a case in a message must find its reader signed in. What
    changes anything needs a token beside it.
    """
    response.set_cookie(
        cookie_name(config), cookie, httponly=True, secure=config.https, samesite="lax", path="/"
    )


def drop_cookie(response: Response, config: ServiceConfig) -> None:
    """Take it back."""
    response.delete_cookie(
        cookie_name(config), httponly=True, secure=config.https, samesite="lax", path="/"
    )
