"""Pauses after failures to sign in, by who is meant and from where it is tried.

An account is guarded against each network apart, so that whoever knows a name and keeps guessing
makes nobody else wait. Far higher bars stand for one account from everywhere and for one network
against everybody. A browser that has signed in to the account before has a count of its own, and
none of the others stops it.

References
----------
.. [1] OWASP, "Slow down online guessing attacks with device cookies".
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from lightkeeper.cases.people._accounts import Attempts
from lightkeeper.service.accounts._digests import digest_of
from lightkeeper.service.accounts._networks import network_of

if TYPE_CHECKING:
    from lightkeeper.cases.people import Account, AccountUnit
    from lightkeeper.service._services import Services

FREE: Final = {"device": 5, "account and network": 5, "account": 50, "network": 50}
"""Failures before the first pause."""
_FIRST_PAUSE: Final = timedelta(seconds=15)
_LONGEST_PAUSE: Final = timedelta(minutes=15)
_FORGIVEN_EVERY: Final = timedelta(minutes=15)
_MOST_DOUBLINGS: Final = 6
_KEPT: Final = timedelta(days=1)
_MOST_ROWS: Final = 20_000
_BITS_OF_IPV4: Final = 24

Counts = dict[bytes, int]
"""Digest of who and from where, to the failures that are free."""


def counts_of(
    services: Services, account: Account | None, address: str, device: str | None
) -> Counts:
    """What an attempt counts against; ``device`` is the mark of a browser that is known."""
    network = network_of(address, bits_of_ipv4=_BITS_OF_IPV4)
    if account is not None and device is not None:
        named = {"device": f"{account.id} {device}"}
    elif account is not None:
        named = {
            "account and network": f"{account.id} {network}",
            "account": account.id,
            "network": network,
        }
    else:
        named = {"network": network}
    return {
        digest_of(services.keys, "attempt", f"{kind}: {who}"): FREE[kind]
        for kind, who in named.items()
    }


def own_code_counts(services: Services, account_id: str) -> Counts:
    """What a code counts against that somebody who is signed in gives for their own account."""
    return {digest_of(services.keys, "attempt", f"own code: {account_id}"): FREE["device"]}


def count_attempt(services: Services, counts: Counts, account: Account | None) -> bool:
    """Count an attempt as failed before it is made; false where it has to wait, uncounted.

    Whoever tries many passwords at the same moment is counted as often.
    """
    now = services.clock()
    with services.accounts.accounts() as unit:
        if account is not None:
            # Holds what concerns the account until the end of the transaction.
            unit.account(account.id)
        known = {key: _held(unit, key, now) for key in sorted(counts)}
        waits = any(now < tried.until for tried in known.values())
        for key, tried in known.items():
            if not waits:
                unit.save_attempts(_counted(tried, counts[key], now))
    if not all(tried.failures for tried in known.values()):
        _trim(services, now)
    return not waits


def forgive(unit: AccountUnit, counts: Counts) -> None:
    """Undo the count of an attempt that was right; where the bar is low, the count ends."""
    for key, free in sorted(counts.items()):
        tried = unit.attempts(key)
        if tried is not None and free >= FREE["account"]:
            one_less = max(tried.failures - 1, 0)
            unit.save_attempts(replace(tried, failures=one_less, until=tried.last))
        elif tried is not None:
            unit.end_attempts(key)


def use_once(services: Services, key: bytes, now: datetime) -> bool:
    """Mark something as used; false where it was already."""
    with services.accounts.accounts() as unit:
        first = unit.add_attempts(Attempts(key=key, failures=1, last=now, until=now))
    if first:
        _trim(services, now)
    return first


def _held(unit: AccountUnit, key: bytes, now: datetime) -> Attempts:
    """What was counted so far; nobody else counts it until the end of the transaction.

    They are taken in one order: whoever holds some must not wait for somebody who waits for them.
    """
    none = Attempts(key=key, failures=0, last=now, until=now)
    return none if unit.add_attempts(none) else unit.attempts(key) or none


def _trim(services: Services, now: datetime) -> None:
    with services.accounts.accounts() as unit:
        unit.trim_attempts(before=now - _KEPT, most=_MOST_ROWS)


def _counted(tried: Attempts, free: int, now: datetime) -> Attempts:
    forgiven = (now - tried.last) // _FORGIVEN_EVERY
    failures = min(max(tried.failures - forgiven, 0), free + _MOST_DOUBLINGS - 1) + 1
    doublings = failures - free
    pause = min(_FIRST_PAUSE * (1 << doublings), _LONGEST_PAUSE) if doublings >= 0 else timedelta()
    return Attempts(key=tried.key, failures=failures, last=now, until=now + pause)
