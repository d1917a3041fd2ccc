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
    _check_local(config)
    _check_name(name)
    with services.accounts.accounts() as unit:
        if unit.account_named(name) is not None:
            raise InvalidTransition("there is an account of this name already")
        account = new_account(name, frozenset(roles), services.clock(), queues=queues)
        unit.add_account(account)
        unit.append([people_changed(services, actor.id, account.id, "invited")])
        return new_link(unit, services, config, account)


def add_known(
    services: Services,
    actor: Actor,
    openid: str,
    *,
    name: str,
    roles: Iterable[Role],
    queues: frozenset[str] | None,
) -> Account:
    """A new person whom the issuer vouches for, without a password."""
    actor.require(Permission.MANAGE_PEOPLE)
    _check_name(name)
    with services.accounts.accounts() as unit:
        if unit.account_named(name) is not None:
            raise InvalidTransition("there is an account of this name already")
        _check_openid(unit, openid)
        made = new_account(name, frozenset(roles), services.clock(), queues=queues)
        account = replace(made, openid=openid)
        unit.add_account(account)
        unit.append([people_changed(services, actor.id, account.id, "added-with-issuer")])
        return account


def bind_openid(services: Services, actor: Actor, account_id: str, openid: str | None) -> Account:
    """Let the issuer vouch for somebody from now on, or no more; sessions and links end.

    A password goes with it: whoever leaves the issuer must not come back by one.
    """
    actor.require(Permission.MANAGE_PEOPLE)
    with services.accounts.accounts() as unit:
        account = _person(unit, account_id)
        if openid is not None:
            _check_openid(unit, openid)
        unit.end_sessions(account.id)
        unit.end_links(account.id)
        what = "issuer-ended" if openid is None else "issuer-set"
        unit.append([people_changed(services, actor.id, account.id, what)])
        password = account.password if openid is None else None
        return unit.save_account(replace(account, openid=openid, password=password))


def sign_out_everywhere(services: Services, actor: Actor, account_id: str) -> None:
    """End all sessions of a person: one's own, or anybody's for an administrator."""
    if account_id != actor.id:
        actor.require(Permission.MANAGE_PEOPLE)
    with services.accounts.accounts() as unit:
        account = _person(unit, account_id)
        unit.end_sessions(account.id)
        unit.append([people_changed(services, actor.id, account.id, "signed-out-everywhere")])


def end_second_factor(services: Services, actor: Actor, account_id: str) -> Account:
    """For somebody who has lost it; sessions end, the password stays."""
    actor.require(Permission.MANAGE_PEOPLE)
    with services.accounts.accounts() as unit:
        account = _person(unit, account_id)
        if account.totp is None:
            raise InvalidTransition("there is no second factor to end")
        unit.end_sessions(account.id)
        unit.append([people_changed(services, actor.id, account.id, "second-factor-reset")])
        return unit.save_account(replace(account, totp=None))


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
        if not active:
            unit.end_links(account.id)
        unit.append([people_changed(services, actor.id, account.id, "rights-changed")])
        return unit.save_account(changed)


def reset_link(services: Services, config: ServiceConfig, actor: Actor, account_id: str) -> str:
    """A link for somebody who cannot sign in any more, and the only way in until it is used.

    The second factor ends, so the password does too: whoever has that alone must not get in.
    """
    actor.require(Permission.MANAGE_PEOPLE)
    _check_local(config)
    with services.accounts.accounts() as unit:
        account = _person(unit, account_id)
        if account.openid is not None:
            raise InvalidTransition("the issuer vouches for this person, who needs no link")
        unit.end_sessions(account.id)
        account = unit.save_account(replace(account, totp=None, password=None))
        unit.append([people_changed(services, actor.id, account.id, "reset")])
        return new_link(unit, services, config, account)


def _known(unit: AccountUnit, account_id: str) -> Account:
    account = unit.account(account_id)
    if account is None:
        raise CaseNotFound("there is no such account")
    return account


def _person(unit: AccountUnit, account_id: str) -> Account:
    account = _known(unit, account_id)
    if not account.is_person:
        raise InvalidTransition("a program has a key, and no way to sign in")
    return account


def _check_openid(unit: AccountUnit, openid: str) -> None:
    if unit.account_of_openid(openid) is not None:
        raise InvalidTransition("the issuer vouches for another account by this identifier")


def _check_local(config: ServiceConfig) -> None:
    if not config.local:
        raise InvalidTransition("nobody has a password here: give the identifier at the issuer")


def _administers(account: Account) -> bool:
    return account.active and account.is_person and Role.ADMINISTRATOR in account.roles


def is_name(name: str) -> bool:
    """Whether an account may be called so."""
    return _NAME.fullmatch(name) is not None and name not in _RESERVED


def _check_name(name: str) -> None:
    if not is_name(name):
        raise InvalidTransition("names are 2 to 64 small letters, digits and . _ @ -")
