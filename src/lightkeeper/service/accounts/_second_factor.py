"""The second factor: a code of six digits that changes every half minute and works once."""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import TYPE_CHECKING, Final

import pyotp

if TYPE_CHECKING:
    from lightkeeper.cases.people import Account
    from lightkeeper.service._services import Keys

_STEP_SECONDS: Final = 30
_ISSUER: Final = "Lightkeeper"


def new_totp_secret() -> str:
    """A secret for an authenticator."""
    return pyotp.random_base32()


def seal_totp(keys: Keys, account: Account, secret: str) -> str:
    """The secret as it is kept: it opens for this account only."""
    return keys.encrypt_small(secret.encode(), context=_context(account)).hex()


def totp_uri(account: Account, secret: str) -> str:
    """What an authenticator reads from the picture."""
    return pyotp.TOTP(secret).provisioning_uri(name=account.name, issuer_name=_ISSUER)


def used_step(keys: Keys, account: Account, code: str, now: datetime) -> int | None:
    """The time step of a valid code that is newer than any used before, or ``None``."""
    if account.totp is None:
        return None
    secret = keys.decrypt_small(bytes.fromhex(account.totp), context=_context(account)).decode()
    return valid_step(secret, code, now, after=account.totp_step)


def valid_step(secret: str, code: str, now: datetime, *, after: int = 0) -> int | None:
    """The step of a code, one step early or late at most."""
    digits = code.replace(" ", "")
    if not digits.isascii() or not digits.isdecimal():
        return None
    totp = pyotp.TOTP(secret)
    current = int(now.timestamp()) // _STEP_SECONDS
    for step in (current - 1, current, current + 1):
        if step > after and hmac.compare_digest(totp.generate_otp(step), digits):
            return step
    return None


def _context(account: Account) -> bytes:
    return b"totp:" + account.id.encode()
