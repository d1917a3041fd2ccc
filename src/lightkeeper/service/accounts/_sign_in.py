"""Signing in with a name and a password.

After a few failures an account answers only after a pause, which doubles with each further one
up to a quarter of an hour and ends by itself. Nobody is locked out for good, but whoever knows a
name and keeps guessing can make that person wait again and again. Guessing at many accounts from
one address is bounded by the rate of requests that nobody's address has.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from lightkeeper.cases.audit import Action, EventDraft
from lightkeeper.errors import StaleCase
from lightkeeper.service.accounts._passwords import is_password
from lightkeeper.service.accounts._second_factor import used_step
from lightkeeper.service.accounts._sessions import begin_session

if TYPE_CHECKING:
    from lightkeeper.cases.people import Account
    from lightkeeper.service._services import ServiceConfig, Services

_FREE_FAILURES: Final = 5
_FIRST_PAUSE: Final = timedelta(seconds=15)
_LONGEST_PAUSE: Final = timedelta(minutes=15)


def sign_in(
    services: Services, config: ServiceConfig, *, name: str, password: str, code: str
) -> str | None:
    """A new session's cookie; ``None`` where anything of it is wrong, without saying what."""
    with services.accounts.reading_accounts() as unit:
        account = unit.account_named(name)
    may_try = account is not None and _may_try(services, account)
    right = is_password(account.password if account and may_try else None, password)
    if account is None:
        return None
    step = used_step(services.keys, account, code, services.clock()) if account.totp else 0
    if not right or step is None:
        _failed(services, account)
        return None
    with services.accounts.accounts() as unit:
        known = unit.account(account.id)
        if known is None or known.password != account.password:
            return None
        if step and known.totp_step >= step:
            # The same code has opened another session at this very moment.
            return None
        unit.save_account(
            replace(known, failures=0, locked_until=None, totp_step=step or known.totp_step)
        )
        unit.append([_event(services, known, Action.SIGNED_IN)])
        return begin_session(unit, services, config, known)


def _may_try(services: Services, account: Account) -> bool:
    locked = account.locked_until is not None and services.clock() < account.locked_until
    return account.active and account.is_person and not locked


def _failed(services: Services, account: Account) -> None:
    try:
        with services.accounts.accounts() as unit:
            known = unit.account(account.id)
            if known is None:
                return
            failures = known.failures + 1
            pause = _FIRST_PAUSE * (1 << min(max(failures - _FREE_FAILURES, 0), 10))
            locked = failures >= _FREE_FAILURES and _may_try(services, known)
            until = services.clock() + min(pause, _LONGEST_PAUSE) if locked else known.locked_until
            unit.save_account(replace(known, failures=failures, locked_until=until))
            unit.append([_event(services, known, Action.SIGN_IN_FAILED)])
    except StaleCase:
        # Another failure of the same moment was counted.
        return


def _event(services: Services, account: Account, action: Action) -> EventDraft:
    return EventDraft(
        at=services.clock(), actor=account.id, action=action, object=f"person:{account.id}"
    )
