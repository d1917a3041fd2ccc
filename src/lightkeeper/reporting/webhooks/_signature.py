"""Notices are signed, so that a receiver knows who sent them and when."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

TIMESTAMP: Final = "Lightkeeper-Timestamp"
SIGNATURE: Final = "Lightkeeper-Signature"


def sign_notice(body: bytes, *, at: datetime, key: Ed25519PrivateKey) -> dict[str, str]:
    """Headers of a notice: the time, and an Ed25519 signature over ``TIME.BODY`` in base64."""
    timestamp = str(int(at.timestamp()))
    signature = key.sign(timestamp.encode() + b"." + body)
    return {TIMESTAMP: timestamp, SIGNATURE: base64.b64encode(signature).decode()}


def is_genuine(
    body: bytes,
    headers: Mapping[str, str],
    *,
    key: Ed25519PublicKey,
    now: datetime | None = None,
    tolerance: timedelta = timedelta(minutes=5),
) -> bool:
    """What a receiver checks: signed by this key, and not long ago.

    Parameters
    ----------
    body : bytes
        As it came, before anything parses it.
    headers : mapping
        Names in any case.
    """
    found = {name.lower(): value for name, value in headers.items()}
    timestamp, signature = found.get(TIMESTAMP.lower(), ""), found.get(SIGNATURE.lower(), "")
    try:
        sent = datetime.fromtimestamp(int(timestamp), UTC)
        key.verify(base64.b64decode(signature, validate=True), timestamp.encode() + b"." + body)
    except (ValueError, OverflowError, OSError, binascii.Error, InvalidSignature):
        return False
    return abs((now or datetime.now(UTC)) - sent) <= tolerance
