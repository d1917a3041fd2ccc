"""Signing in with a name and a password."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lightkeeper.cases.audit import Action, EventDraft
from lightkeeper.service.accounts._device import device_of, new_device
from lightkeeper.service.accounts._passwords import is_password
from lightkeeper.service.accounts._pauses import Counts, count_attempt, counts_of, forgive
from lightkeeper.service.accounts._second_factor import used_step
from lightkeeper.service.accounts._sessions import begin_session

if TYPE_CHECKING:
    from lightkeeper.cases.people import Account
    from lightkeeper.service._services import ServiceConfig, Services


@dataclass(frozen=True, slots=True, kw_only=True)
class From:
    """Where somebody tries to sign in from: the address, and the browser's mark if it has one."""

    address: str
    device: str = ""


@dataclass(frozen=True, slots=True)
class Entrance:
    """What a browser gets that has signed in: two cookies, neither of which is kept."""

    session: str
    device: str


def sign_in(
    services: Services,
    config: ServiceConfig,
    *,
    name: str,
    password: str,
    code: str,
    where: From,
) -> Entrance | None:
    """A new session; ``None`` where anything of it is wrong, without saying what."""
    with services.accounts.reading_accounts() as unit:
        account = unit.account_named(name)
    now = services.clock()
    device = device_of(services.keys, account, where.device, now) if account else None
    counts = counts_of(services, account, where.address, device)
    tried = count_attempt(services, counts, account)
    may = tried and account is not None and account.active and account.is_person
    right = is_password(account.password if account and may else None, password)
    if account is None or not tried:
        return None
    step = used_step(services.keys, account, code, now) if account.totp else 0
    entrance = None
    if right and step is not None:
        entrance = _enter(services, config, account, step, counts)
    if entrance is None:
        with services.accounts.accounts() as unit:
            unit.append([sign_in_event(services, account, Action.SIGN_IN_FAILED)])
    return entrance


def _enter(
    services: Services, config: ServiceConfig, account: Account, step: int, counts: Counts
) -> Entrance | None:
    with services.accounts.accounts() as unit:
        known = unit.account(account.id)
        if known is None or not known.active:
            return None
        if (known.password, known.totp) != (account.password, account.totp):
            return None
        if step and known.totp_step >= step:
            # The same code has opened another session at this very moment.
            return None
        if step:
            known = unit.save_account(replace(known, totp_step=step))
        forgive(unit, counts)
        unit.append([sign_in_event(services, known, Action.SIGNED_IN)])
        return Entrance(
            begin_session(unit, services, config, known),
            new_device(services.keys, known, services.clock()),
        )


def sign_in_event(services: Services, account: Account, action: Action) -> EventDraft:
    """For the audit."""
    return EventDraft(
        at=services.clock(), actor=account.id, action=action, object=f"person:{account.id}"
    )
