"""The data base of marked pictures, as options of a command and of the settings name it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightkeeper.cli._settings import load_settings
from lightkeeper.errors import InvalidConfiguration

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from lightkeeper.storage.marks import SqlMarkRegistry

StoreOption = Annotated[
    str | None, typer.Option("--store", help="Data base of entries (URL) [default: setting].")
]
RegistryOption = Annotated[
    str, typer.Option("--registry", metavar="NAME", help="The registry; made by its first entry.")
]


def opened(option: str | None, *, create: bool = False) -> SqlMarkRegistry:
    """The data base of an option, or of the settings."""
    from lightkeeper.storage.marks import open_marks

    return open_marks(option or load_settings().mark_entries, create=create)


def signing_key(option: Path | None) -> Ed25519PrivateKey:
    """The key that registries are signed with: a PEM file, made where the default is not there.

    Raises
    ------
    InvalidConfiguration
        The file is not there, others may read it, or it holds no Ed25519 key.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    path = (option or load_settings().mark_key).expanduser()
    if option is None and not path.exists():
        _make_key(path)
    try:
        with path.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            content = stream.read(1 << 14)
    except OSError as error:
        raise InvalidConfiguration(f"signing key {path}: {error.strerror}") from error
    if stat.S_IMODE(mode) & 0o077:
        raise InvalidConfiguration(
            f"signing key {path} is open to others on this machine", hint=f"Run: chmod 600 {path}"
        )
    try:
        found = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Without its cause: that may repeat what the file holds.
        found = None
    if not isinstance(found, Ed25519PrivateKey):
        raise InvalidConfiguration(
            f"signing key {path} holds no Ed25519 key in PEM without a passphrase",
            hint="openssl genpkey -algorithm ed25519 -out FILE",
        )
    return found


def _make_key(path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    content = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    except FileExistsError:
        return
    except OSError as error:
        raise InvalidConfiguration(f"signing key {path}: {error.strerror}") from error
    typer.echo(f"made the signing key {path}: keep a copy, readers pin it", err=True)
