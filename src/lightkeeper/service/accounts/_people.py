"""Looking after people and programs: what an administrator may do, and what nobody may."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lightkeeper.cases.people import Permission, Role
from lightkeeper.errors import CaseNotFound, InvalidTransition, NotPermitted
from lightkeeper.service.accounts._digests import digest_of, new_secret
from lightkeeper.service.accounts._links import new_account, new_link, people_changed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lightkeeper.cases.people import Account, AccountUnit, Actor
    from lightkeeper.service._services import ServiceConfig, Services

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{0,62}[a-z0-9]")
_RESERVED: Final = frozenset({"lead", "service", "machine", "nobody"})
"""Words that stand for somebody else in a case or in the audit."""


def invite(
    services: Services,
    config: ServiceConfig,
    actor: Actor,
    *,
    name: str,
    roles: Iterable[Role],
    queues: frozenset[str] | None,
) -> str:
    """A new person; the link by which a password is set, to be handed over in person."""
    actor.require(Permission.MANAGE_PEOPLE)
    _check_name(name)
    with services.accounts.accounts() as unit:
        if unit.account_named(name) is not None:
            raise InvalidTransition("there is an account of this name already")
        account = new_account(name, frozenset(roles), services.clock(), queues=queues)
        unit.add_account(account)
        unit.append([people_changed(services, actor.id, account.id, "invited")])
        return new_link(unit, services, config, account)


def make_key(
    services: Services,
    actor: Actor,
    *,
    name: str,
    roles: Iterable[Role],
    queues: frozenset[str] | None,
) -> str:
    """A key for a program, shown this once. It can do nothing that needs a person."""
    actor.require(Permission.MANAGE_PEOPLE)
    _check_name(name)
    key = new_secret()
    with services.accounts.accounts() as unit:
        if unit.account_named(name) is not None:
            raise InvalidTransition("there is an account of this name already")
        account = replace(
            new_account(name, frozenset(roles), services.clock(), queues=queues),
            is_person=False,
            key_digest=digest_of(services.keys, "api key", key),
        )
        unit.add_account(account)
        unit.append([people_changed(services, actor.id, account.id, "key-made")])
    return key


def change_rights(
    services: Services,
    actor: Actor,
    account_id: str,
    *,
    roles: Iterable[Role],
    queues: frozenset[str] | None,
    active: bool,
) -> Account:
    """Other roles, other queues, or none of it any more; sessions end.

    Raises
    ------
    NotPermitted
        It is one's own account, or the last active administrator would be gone.
    """
    actor.require(Permission.MANAGE_PEOPLE)
    with services.accounts.accounts() as unit:
        account = _known(unit, account_id)
        if account.id == actor.id:
            raise NotPermitted("nobody changes their own rights: another administrator does")
        changed = replace(account, roles=frozenset(roles), queues=queues, active=active)
        others = [a for a in unit.accounts() if a.id != account.id]
        if not any(_administers(a) for a in (*others, changed)):
            raise NotPermitted("somebody has to administer the service")
        unit.end_sessions(account.id)
        unit.append([people_changed(services, actor.id, account.id, "rights-changed")])
        return unit.save_account(changed)


def reset_link(services: Services, config: ServiceConfig, actor: Actor, account_id: str) -> str:
    """A link for somebody who cannot sign in any more; it also ends the second factor."""
    actor.require(Permission.MANAGE_PEOPLE)
    with services.accounts.accounts() as unit:
        account = _known(unit, account_id)
        if not account.is_person:
            raise InvalidTransition("a program has a key, and no password")
        if account.totp is not None:
            account = unit.save_account(replace(account, totp=None))
        unit.append([people_changed(services, actor.id, account.id, "reset")])
        return new_link(unit, services, config, account)


def _known(unit: AccountUnit, account_id: str) -> Account:
    account = unit.account(account_id)
    if account is None:
        raise CaseNotFound("there is no such account")
    return account


def _administers(account: Account) -> bool:
    return account.active and account.is_person and Role.ADMINISTRATOR in account.roles


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or name in _RESERVED:
        raise InvalidTransition("names are 2 to 64 small letters, digits and . _ @ -")
