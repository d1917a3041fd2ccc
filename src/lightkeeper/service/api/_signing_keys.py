"""The public key of what the service signs: notices to webhooks and certificates."""

from __future__ import annotations

import base64
import hashlib
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import APIRouter
from pydantic import BaseModel

from lightkeeper.service._acting import Serving


class SigningKeyView(BaseModel):
    """A public key as a JSON Web Key (RFC 8037)."""

    kid: str
    """Thumbprint of the key (RFC 7638): another key has another."""
    kty: str = "OKP"
    crv: str = "Ed25519"
    use: str = "sig"
    x: str
    """The 32 bytes of the key, in base64url without padding."""

    @classmethod
    def of(cls, key: Ed25519PublicKey) -> SigningKeyView:
        """From the key."""
        x = _base64url(key.public_bytes_raw())
        named = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":"))
        return cls(kid=_base64url(hashlib.sha256(named.encode()).digest()), x=x)


class SigningKeysView(BaseModel):
    """All keys that a receiver may meet."""

    keys: list[SigningKeyView]


def signing_key_routes() -> APIRouter:
    """What anybody needs who checks a signature."""
    router = APIRouter(tags=["oversight"])

    @router.get("/api/v1/signing-keys")
    def signing_keys(services: Serving) -> SigningKeysView:
        """Public keys of the service. They are no secret, and say nothing else."""
        public = services.keys.signing_key().public_key()
        return SigningKeysView(keys=[SigningKeyView.of(public)])

    return router


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
