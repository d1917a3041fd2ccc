"""From what an issuer says of somebody to an account here."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from lightkeeper.cases.audit import Action, EventDraft
from lightkeeper.cases.people import SERVICE, Role
from lightkeeper.errors import InvalidTransition, StaleCase
from lightkeeper.service._refusal import Refusal
from lightkeeper.service.accounts._links import new_account, people_changed
from lightkeeper.service.accounts._people import is_name
from lightkeeper.service.accounts._sessions import begin_session
from lightkeeper.service.accounts._sign_in import sign_in_event

if TYPE_CHECKING:
    from lightkeeper.cases.people import Account, AccountUnit
    from lightkeeper.service._services import ServiceConfig, Services
    from lightkeeper.service.openid._config import OpenIdConfig

_UNFIT: Final = re.compile(r"[^a-z0-9._@-]+")


def enter_as(
    services: Services, config: ServiceConfig, openid: OpenIdConfig, claims: dict[str, Any]
) -> str:
    """A new session's cookie for whom the claims name.

    Raises
    ------
    Refusal
        Nobody is known by that name, or the account is switched off.
    """
    try:
        return _enter(services, config, openid, claims)
    except (InvalidTransition, StaleCase):
        # Another sign-in of the same person has made or changed the account at this very moment.
        return _enter(services, config, openid, claims)


def _enter(
    services: Services, config: ServiceConfig, openid: OpenIdConfig, claims: dict[str, Any]
) -> str:
    known_as = openid_of(openid, claims["sub"])
    with services.accounts.accounts() as unit:
        account = unit.account_of_openid(known_as)
        granted = _granted(openid, claims)
        if account is None and granted:
            account = _made(unit, services, claims, known_as, granted)
        elif account is not None and openid.roles and account.password is None:
            account = _with_roles(unit, services, account, granted)
        if account is not None and account.active and account.is_person:
            unit.append([sign_in_event(services, account, Action.SIGNED_IN)])
            return begin_session(unit, services, config, account)
        unit.append([_refused(services, account)])
    raise Refusal(
        403,
        "not-known-here",
        "Your organisation has signed you in, but nothing here is open to you. Ask an "
        "administrator of this service.",
    )


def openid_of(openid: OpenIdConfig, subject: str) -> str:
    """What an account keeps of somebody of the issuer."""
    return f"{openid.issuer} {subject}"


def _granted(openid: OpenIdConfig, claims: dict[str, Any]) -> frozenset[Role]:
    said = claims.get(openid.claim)
    values = said if isinstance(said, list) else [said]
    found = (openid.roles.get(value) for value in values if isinstance(value, str))
    return frozenset(role for roles in found if roles for role in roles)


def _made(
    unit: AccountUnit,
    services: Services,
    claims: dict[str, Any],
    known_as: str,
    roles: frozenset[Role],
) -> Account:
    """A new account without a password. It never becomes that of somebody who is here already."""
    account = replace(
        new_account(_free_name(unit, claims), roles, services.clock()), openid=known_as
    )
    unit.add_account(account)
    unit.append([people_changed(services, SERVICE.id, account.id, "made-by-issuer")])
    return account


def _with_roles(
    unit: AccountUnit, services: Services, account: Account, roles: frozenset[Role]
) -> Account:
    """Where claims decide, they decide at every sign-in; without any role nobody gets in."""
    if account.roles != roles:
        account = unit.save_account(replace(account, roles=roles))
        unit.end_sessions(account.id)
        unit.append([people_changed(services, SERVICE.id, account.id, "rights-by-issuer")])
    return account if roles else replace(account, active=False)


def _free_name(unit: AccountUnit, claims: dict[str, Any]) -> str:
    said = claims.get("preferred_username") or claims.get("email") or ""
    wished = _UNFIT.sub("-", str(said).casefold())[:48].strip("._@-")
    if is_name(wished) and unit.account_named(wished) is None:
        return wished
    return f"{wished or 'person'}-{secrets.token_hex(4)}"


def _refused(services: Services, account: Account | None) -> EventDraft:
    if account is not None:
        return sign_in_event(services, account, Action.SIGN_IN_FAILED)
    return EventDraft(
        at=services.clock(),
        actor=SERVICE.id,
        action=Action.SIGN_IN_FAILED,
        object="service",
        details={"reason": "not-known-here"},
    )
