"""API keys: random, shown once, kept as keyed digests.

A key has 256 random bits, so a fast hash keeps it as well as a slow one would, and costs a
request microseconds.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lightkeeper.errors import InvalidConfiguration

if TYPE_CHECKING:
    from pathlib import Path

_PREFIX = "lk_"
_KEY_BYTES = 32
_SALT_BYTES = 16
_LONGEST_KEY = 256
_LONGEST_NAME = 64
_FIELDS = {"name", "salt", "digest", "created", "requests_per_second"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What is kept of a key."""

    name: str
    salt: bytes
    digest: bytes
    requests_per_second: float | None = None

    def fits(self, key: str) -> bool:
        """Whether this is the key, in a time that does not depend on how much of it is right."""
        return hmac.compare_digest(_digest(key, self.salt), self.digest)


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """The keys that open a service; none where it is open to everyone on this machine."""

    known: tuple[ApiKey, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.known)

    def find(self, key: str) -> ApiKey | None:
        """The key of this text; every known key is compared, whichever it is."""
        if len(key) > _LONGEST_KEY:
            return None
        fitting = [known for known in self.known if known.fits(key)]
        return fitting[0] if fitting else None


def read_keys(path: Path) -> ApiKeys:
    """Read a key file.

    Raises
    ------
    InvalidConfiguration
        It cannot be read, holds no key or a wrong one.
    """
    keys = ApiKeys(tuple(_parse(path, row) for row in _rows(path)))
    names = [key.name for key in keys.known]
    if not names:
        raise InvalidConfiguration(
            f"key file {path} holds no key", hint="Make one with: lightkeeper serve --make-key"
        )
    if len(set(names)) < len(names):
        raise InvalidConfiguration(f"key file {path} holds a name twice")
    return keys


def make_key(path: Path, name: str) -> str:
    """Make a key, add its digest to a file, and return the key, which is kept nowhere.

    The file is made readable for its owner only.

    Raises
    ------
    InvalidConfiguration
        The name is taken or unusable, or the file cannot be written.
    """
    if not name or len(name) > _LONGEST_NAME or not name.replace("-", "").isalnum():
        raise InvalidConfiguration(f"'{name}' is no name for a key: letters, digits and hyphens")
    if path.exists() and name in {row.get("name") for row in _rows(path)}:
        raise InvalidConfiguration(f"key file {path} has a key '{name}' already")
    key = _PREFIX + secrets.token_urlsafe(_KEY_BYTES)
    salt = secrets.token_bytes(_SALT_BYTES)
    stanza = (
        f'[[keys]]\nname = "{name}"\nsalt = "{salt.hex()}"\n'
        f'digest = "{_digest(key, salt).hex()}"\n'
        f"created = {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n\n"
    )
    _append(path, stanza)
    return key


def _append(path: Path, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise InvalidConfiguration(f"key file {path}: {error.strerror}") from error


def _digest(key: str, salt: bytes) -> bytes:
    return hashlib.blake2b(key.encode("utf-8", "replace"), key=salt, digest_size=32).digest()


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        with path.open("rb") as stream:
            content = tomllib.load(stream)
    except (OSError, ValueError) as error:
        raise InvalidConfiguration(f"key file {path}: {error}") from error
    rows = content.pop("keys", [])
    if content or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidConfiguration(f"key file {path} may hold [[keys]] only")
    return rows


def _parse(path: Path, row: dict[str, Any]) -> ApiKey:
    try:
        if unknown := row.keys() - _FIELDS:
            raise ValueError(f"unknown field '{min(unknown)}'")
        rate = row.get("requests_per_second")
        key = ApiKey(
            name=str(row["name"]),
            salt=bytes.fromhex(row["salt"]),
            digest=bytes.fromhex(row["digest"]),
            requests_per_second=None if rate is None else float(rate),
        )
        if len(key.salt) != _SALT_BYTES or len(key.digest) != _KEY_BYTES:
            raise ValueError("salt or digest has the wrong length")
        if rate is not None and not float(rate) > 0:
            raise ValueError("requests_per_second must be above 0")
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidConfiguration(f"key file {path}: a key is wrong: {error}") from error
    return key
