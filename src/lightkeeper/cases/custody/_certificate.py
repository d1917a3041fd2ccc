"""The certificate of destruction: what is gone, when, by whom, on whose request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidSignature

from lightkeeper.cases.audit._canonical import canonical
from lightkeeper.cases.audit._chain import keepable
from lightkeeper.cases.item import Item
from lightkeeper.cases.people import Actor
from lightkeeper.cases.record import Case
from lightkeeper.errors import CaseError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

_SCHEMA: Final = "lightkeeper.destruction/1"
_SIGNED: Final = b"lightkeeper.destruction/1\n"
_REMAINS: Final = (
    "the record of the case, without its media and texts",
    "identifiers, sizes and digests of its files",
    "decisions and views, by person and time",
    "reports that were submitted, and their receipts",
    "the audit",
)


def certificate(
    case: Case, items: Iterable[Item], *, actor: Actor, at: datetime, request: str
) -> dict[str, Any]:
    """What was destroyed of a case, as plain JSON values.

    Parameters
    ----------
    case : Case
        As it was before.
    items : iterable of Item
        As they were before, media and texts.
    actor : Actor
        Whoever destroyed it.
    at : datetime
        When the last of it was gone.
    request : str
        On whose demand, as the actor stated it.
    """
    return {
        "schema": _SCHEMA,
        "case": case.id,
        "destroyed": at.astimezone(UTC).isoformat(timespec="seconds"),
        "by": {"id": actor.id, "name": keepable(actor.name)},
        "request": keepable(request),
        "items": [_gone(item) for item in items if item.media or item.text is not None],
        "remains": list(_REMAINS),
    }


def sign_certificate(certificate: Mapping[str, Any], key: Ed25519PrivateKey) -> dict[str, Any]:
    """The certificate with the service's signature over its canonical form."""
    unsigned = _unsigned(certificate)
    signature = key.sign(_SIGNED + canonical(unsigned))
    return {**unsigned, "signature": {"algorithm": "Ed25519", "value": signature.hex()}}


def verify_certificate(certificate: Mapping[str, Any], key: Ed25519PublicKey) -> None:
    """Pass where every field is as it was signed by the owner of this key.

    Raises
    ------
    CaseError
        It was changed, or signed by another, or not at all.
    """
    try:
        signature = certificate["signature"]
        if signature["algorithm"] != "Ed25519":
            raise ValueError
        value = bytes.fromhex(signature["value"])
        key.verify(value, _SIGNED + canonical(_unsigned(certificate)))
    except (KeyError, TypeError, ValueError, InvalidSignature) as error:
        raise CaseError(
            "the certificate was changed, or this key did not sign it",
            hint="Compare with the key that the service shows as its signing key.",
        ) from error


def _unsigned(certificate: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in certificate.items() if name != "signature"}


def _gone(item: Item) -> dict[str, Any]:
    row: dict[str, Any] = {
        "item": item.id,
        "kind": item.kind.value,
        "added": item.added.astimezone(UTC).isoformat(timespec="seconds"),
    }
    if item.media is not None:
        row |= {"size_bytes": item.media.size_bytes, "sha256": item.media.sha256}
    if item.text is not None:
        # No digest: whoever guesses a short text could confirm it by one.
        row["text_bytes"] = len(item.text.encode("utf-8", "replace"))
    return row
