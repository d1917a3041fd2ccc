"""Passwords: argon2id, few at a time, and the same work for a name that nobody has.

References
----------
.. [1] NIST SP 800-63B-4, section 3.1.1: length counts, composition rules do not help.
"""

from __future__ import annotations

import itertools
from functools import cache
from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST: Final = 12
LONGEST: Final = 256
_FEWEST_DIFFERENT: Final = 5
_AT_ONCE: Final = BoundedSemaphore(2)
"""Each check takes 64 MiB: a flood of sign-ins waits, and does not fill the memory."""
_HASHER: Final = PasswordHasher()


def hash_password(password: str) -> str:
    """What is kept of a password."""
    with _AT_ONCE:
        return _HASHER.hash(password)


def is_password(encoded: str | None, password: str) -> bool:
    """Whether it is the password; it takes as long where there is none to compare with."""
    password = password[: LONGEST + 1]
    with _AT_ONCE:
        try:
            return _HASHER.verify(encoded or _nobodys(), password) and encoded is not None
        except (VerificationError, InvalidHashError):
            return False


def weakness(password: str, name: str) -> str | None:
    """Why a password is refused; ``None`` where it is good enough."""
    if len(password) < SHORTEST:
        return f"Take at least {SHORTEST} characters; a few words are easier to keep."
    if len(password) > LONGEST:
        return f"Take at most {LONGEST} characters."
    plain = password.casefold()
    if len(set(plain)) < _FEWEST_DIFFERENT or _is_run(plain):
        return "It repeats or counts: others would try that first."
    if name.casefold() in plain or "lightkeeper" in plain:
        return "It holds your name or that of the service: others would try that first."
    return None


def _is_run(text: str) -> bool:
    """Neighbours of the alphabet or of the digits all along, such as ``abcdefghijkl``."""
    steps = {ord(b) - ord(a) for a, b in itertools.pairwise(text)}
    return steps <= {1, -9} or steps <= {-1, 9}


@cache
def _nobodys() -> str:
    return _HASHER.hash("a password of nobody")
