"""Links that work once: the first administrator's, invitations and resets."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from lightkeeper.cases.audit import Action, EventDraft
from lightkeeper.cases.people import SERVICE, Account, OneTimeLink, Role
from lightkeeper.service.accounts._digests import digest_of, new_secret
from lightkeeper.service.accounts._passwords import hash_password
from lightkeeper.service.accounts._sessions import begin_session

if TYPE_CHECKING:
    from lightkeeper.cases.people import AccountReader, AccountUnit
    from lightkeeper.service._services import ServiceConfig, Services

FIRST_LASTS: Final = timedelta(hours=1)
FIRST_NAME: Final = "admin"


def first_administrator(services: Services, config: ServiceConfig) -> str | None:
    """A link for the first administrator, where nobody can sign in who administers the service.

    It works once and for an hour; starting the service again makes a new one.
    """
    with services.accounts.accounts() as unit:
        administrators = [a for a in unit.accounts() if Role.ADMINISTRATOR in a.roles and a.active]
        if any(_has_a_way_in(a, config) for a in administrators):
            return None
        account = next((a for a in administrators if _is_first(a)), None)
        if account is None:
            # Whoever is called so already, and administers nothing, must not keep others out.
            taken = unit.account_named(FIRST_NAME) is not None
            name = f"{FIRST_NAME}-{secrets.token_hex(4)}" if taken else FIRST_NAME
            account = new_account(name, frozenset({Role.ADMINISTRATOR}), services.clock())
            unit.add_account(account)
            unit.append([people_changed(services, SERVICE.id, account.id, "first-administrator")])
        return new_link(unit, services, config, account, lasts=FIRST_LASTS)


def _has_a_way_in(account: Account, config: ServiceConfig) -> bool:
    if account.openid is not None:
        return config.openid is not None and account.openid.startswith(f"{config.openid.issuer} ")
    return config.local and account.password is not None


def _is_first(account: Account) -> bool:
    named = account.name == FIRST_NAME or account.name.startswith(f"{FIRST_NAME}-")
    return named and account.is_person and account.openid is None


def new_account(
    name: str,
    roles: frozenset[Role],
    created: datetime,
    *,
    queues: frozenset[str] | None = None,
) -> Account:
    """A person who cannot sign in until a link has been used."""
    identifier = secrets.token_urlsafe(12)
    return Account(id=identifier, name=name, roles=roles, queues=queues, created=created)


def new_link(
    unit: AccountUnit,
    services: Services,
    config: ServiceConfig,
    account: Account,
    *,
    lasts: timedelta | None = None,
) -> str:
    """A link by which a person sets a password; an earlier one ends."""
    secret = new_secret()
    unit.save_link(
        OneTimeLink(
            digest=digest_of(services.keys, "link", secret),
            account=account.id,
            expires=services.clock() + (lasts or config.link_lasts),
        )
    )
    return f"{config.origin}/welcome/{secret}"


def account_of_link(unit: AccountReader, services: Services, secret: str) -> Account | None:
    """Whose link it is, as long as it works."""
    link = unit.link(digest_of(services.keys, "link", secret))
    if link is None or link.expires <= services.clock():
        return None
    account = unit.account(link.account)
    # Whom an issuer vouches for must not get a password by an older link.
    works = account is not None and account.active and account.openid is None
    return account if works else None


def use_link(services: Services, secret: str, password: str) -> Account | None:
    """Set a password by a link, which is gone then, as are all sessions of the person."""
    encoded = hash_password(password)
    with services.accounts.accounts() as unit:
        account = account_of_link(unit, services, secret)
        if account is None:
            return None
        unit.take_link(digest_of(services.keys, "link", secret), now=services.clock())
        unit.end_sessions(account.id)
        unit.append([people_changed(services, account.id, account.id, "password-set")])
        return unit.save_account(replace(account, password=encoded))


def enter_by_link(services: Services, config: ServiceConfig, secret: str) -> str | None:
    """A new session's cookie for a link, which is gone then, where no password may be set.

    It is the first administrator's way in, and nobody else's: others come from the issuer.
    """
    with services.accounts.accounts() as unit:
        account = account_of_link(unit, services, secret)
        if account is None or Role.ADMINISTRATOR not in account.roles:
            return None
        unit.take_link(digest_of(services.keys, "link", secret), now=services.clock())
        unit.append([people_changed(services, account.id, account.id, "entered-by-link")])
        return begin_session(unit, services, config, account)


def people_changed(services: Services, actor: str, person: str, change: str) -> EventDraft:
    """For the audit."""
    return EventDraft(
        at=services.clock(),
        actor=actor,
        action=Action.PEOPLE_CHANGED,
        object=f"person:{person}",
        details={"change": change},
    )
