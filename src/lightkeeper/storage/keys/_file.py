"""The key file: JSON, for its owner alone, replaced in one step."""

from __future__ import annotations

import fcntl
import json
import os
import stat
from base64 import b64decode, b64encode
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.storage._durable import make_folder, write_durably

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SCHEMA: Final = "lightkeeper.keys/1"
_KEY_BYTES: Final = 32
_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterKey:
    """A key that wraps the data keys of the vault."""

    id: bytes
    created: datetime
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What the file holds. The last master key is the current one."""

    seed: bytes = field(repr=False)
    masters: tuple[MasterKey, ...]


def read_secrets(path: Path) -> Secrets:
    """Read the key file.

    Raises
    ------
    InvalidConfiguration
        It is not there, others may read it, or it is damaged.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            content = stream.read()
    except FileNotFoundError as error:
        raise InvalidConfiguration(
            f"there is no key file {path}",
            hint="The first start of the service makes it; restore it from your backup otherwise.",
        ) from error
    except OSError as error:
        raise InvalidConfiguration(f"key file {path}: {error.strerror}") from error
    if stat.S_IMODE(mode) & 0o077:
        raise InvalidConfiguration(
            f"key file {path} is open to others on this machine", hint=f"Run: chmod 600 {path}"
        )
    return _parse(path, content)


def write_secrets(path: Path, secrets: Secrets) -> None:
    """Replace the key file; durable when it returns.

    Raises
    ------
    InvalidConfiguration
        It cannot be written.
    """
    try:
        write_durably(path, _encode(secrets))
    except OSError as error:
        raise InvalidConfiguration(f"key file {path}: {error.strerror}") from error


def make_secrets(path: Path, secrets: Secrets) -> None:
    """Make the key file, unless it is there already.

    Raises
    ------
    InvalidConfiguration
        It cannot be written.
    """
    try:
        make_folder(path.parent)
    except OSError as error:
        raise InvalidConfiguration(f"key file {path}: {error.strerror}") from error
    with locked(path):
        if not path.exists():
            write_secrets(path, secrets)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes from changing the key file.

    Raises
    ------
    InvalidConfiguration
        The folder cannot be written to.
    """
    try:
        lock = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise InvalidConfiguration(f"key file {path}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _encode(secrets: Secrets) -> bytes:
    rows = [
        {"id": m.id.hex(), "created": m.created.isoformat(), "key": b64encode(m.key).decode()}
        for m in secrets.masters
    ]
    told = {"schema": _SCHEMA, "seed": b64encode(secrets.seed).decode(), "masters": rows}
    return json.dumps(told, indent=2).encode() + b"\n"


def _parse(path: Path, content: bytes) -> Secrets:
    try:
        told = json.loads(content)
        if told["schema"] != _SCHEMA:
            raise ValueError
        masters = tuple(_master(row) for row in told["masters"])
        seed = b64decode(told["seed"], validate=True)
        if len(seed) != _KEY_BYTES or not masters or len({m.id for m in masters}) < len(masters):
            raise ValueError
    except (ValueError, TypeError, KeyError, RecursionError):
        # Without its cause: that may repeat what the file holds.
        raise InvalidConfiguration(
            f"key file {path} is damaged", hint="Restore it from your backup."
        ) from None
    return Secrets(seed=seed, masters=masters)


def _master(row: dict[str, Any]) -> MasterKey:
    key = b64decode(row["key"], validate=True)
    identifier, created = bytes.fromhex(row["id"]), datetime.fromisoformat(row["created"])
    if len(key) != _KEY_BYTES or len(identifier) != _ID_BYTES or created.tzinfo is None:
        raise ValueError
    return MasterKey(id=identifier, created=created, key=key)
