"""A public Ed25519 key as an option gives it: digits, or a file."""

from __future__ import annotations

import base64
import json
import re
from typing import Final

from lightkeeper.errors import InvalidConfiguration

_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")
_LARGEST_KEY_FILE: Final = 1 << 14
_KEY_BYTES: Final = 32


def public_key(option: str) -> bytes:
    """The 32 bytes of ``--key``: 64 hexadecimal digits, a PEM file, or a key set of a service.

    Raises
    ------
    InvalidConfiguration
        It is none of them.
    """
    if _HEX.fullmatch(option):
        return bytes.fromhex(option)
    try:
        with open(option, "rb") as file:
            content = file.read(_LARGEST_KEY_FILE)
    except (OSError, ValueError) as error:
        raise InvalidConfiguration(
            "--key is neither 64 hexadecimal digits nor a file that can be read"
        ) from error
    return _of_file(content)


def _of_file(content: bytes) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    text = content.strip().decode("ascii", "replace")
    if _HEX.fullmatch(text):
        return bytes.fromhex(text)
    if text.startswith("{"):
        return _of_key_set(text)
    try:
        found = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidConfiguration("the file of --key holds no public key") from error
    if not isinstance(found, Ed25519PublicKey):
        raise InvalidConfiguration("the file of --key holds no Ed25519 key")
    return found.public_bytes_raw()


def _of_key_set(text: str) -> bytes:
    """The key of a JSON Web Key Set, as a service publishes it."""
    try:
        (key,) = json.loads(text)["keys"]
        public = base64.urlsafe_b64decode(key["x"] + "=")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InvalidConfiguration("the file of --key holds no set of one public key") from error
    if key.get("crv") != "Ed25519" or len(public) != _KEY_BYTES:
        raise InvalidConfiguration("the file of --key holds no Ed25519 key")
    return public
