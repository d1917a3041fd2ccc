"""What is kept of a secret that is itself random: a keyed digest.

It has 256 random bits, so a fast hash keeps it as well as a slow one would; the key makes a copy
of the data base alone worth nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from lightkeeper.service._services import Keys

_BYTES = 32
_LONGEST = 256

Kind = Literal["session", "link", "api key", "attempt", "openid"]


def new_secret() -> str:
    """256 random bits, as text."""
    return secrets.token_urlsafe(_BYTES)


def digest_of(keys: Keys, kind: Kind, secret: str) -> bytes:
    """Digest of a secret; those of different kinds never meet."""
    text = secret[: _LONGEST + 1].encode("utf-8", "replace")
    return hashlib.blake2b(text, key=keys.derive(f"digest of {kind}"), digest_size=32).digest()
