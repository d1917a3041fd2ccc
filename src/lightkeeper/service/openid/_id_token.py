"""Whether an ID token is what it claims to be.

References
----------
.. [1] OpenID Connect Core 1.0, section 3.1.3.7.
.. [2] RFC 8725, JSON Web Token best current practices.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import import_key

from lightkeeper.service.openid._issuer import refused

if TYPE_CHECKING:
    from lightkeeper.service.openid._issuer import Issuer

_KEY_TYPES: Final = {
    "RS256": "RSA",
    "PS256": "RSA",
    "ES256": "EC",
    "ES384": "EC",
    "ES512": "EC",
    "EdDSA": "OKP",
    "Ed25519": "OKP",
}
"""Algorithms that are taken, and the keys that they need: no ``none``, and no shared secret that
a public key could be passed off as."""
_LEEWAY_SECONDS: Final = 60
_OLDEST_SECONDS: Final = 600
_LONGEST_SUBJECT: Final = 255
_SHORTEST_MODULUS: Final = 342
"""Base64 digits of a modulus of 2048 bits."""


def verified_claims(issuer: Issuer, token: str, *, nonce: str, now: datetime) -> dict[str, Any]:
    """What the token says.

    Raises
    ------
    Refusal
        It is of somebody else, for somebody else, of another sign-in, too old, or altered.
    """
    header = _header(token)
    algorithm = str(header.get("alg"))
    if algorithm not in _KEY_TYPES:
        raise refused("algorithm")
    key = _key(issuer, header, algorithm)
    try:
        claims = jwt.decode(token, import_key(key), algorithms=[algorithm]).claims
    except (JoseError, ValueError, TypeError, KeyError):
        raise refused("signature") from None
    for name, holds in _CHECKS.items():
        if not holds(claims, issuer, now):
            raise refused(name)
    if not hmac.compare_digest(str(claims.get("nonce")).encode(), nonce.encode()):
        raise refused("nonce")
    return claims


def _header(token: str) -> dict[str, Any]:
    first = token.partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except (ValueError, RecursionError):
        raise refused("header") from None
    if not isinstance(header, dict):
        raise refused("header")
    return header


def _key(issuer: Issuer, header: dict[str, Any], algorithm: str) -> dict[str, Any]:
    for anew in (False, True):
        fit = [key for key in issuer.keys(anew=anew) if _fits(key, header, algorithm)]
        if len(fit) == 1:
            return fit[0]
    raise refused("key")


def _fits(key: dict[str, Any], header: dict[str, Any], algorithm: str) -> bool:
    if key.get("kty") != _KEY_TYPES[algorithm] or key.get("use", "sig") != "sig":
        return False
    if key["kty"] == "RSA" and len(str(key.get("n", ""))) < _SHORTEST_MODULUS:
        return False
    wanted = header.get("kid")
    return key.get("alg", algorithm) == algorithm and wanted in {None, key.get("kid")}


def _is_for_us(claims: dict[str, Any], issuer: Issuer, _: datetime) -> bool:
    audience, us = claims.get("aud"), issuer.config.client_id
    everybody = audience if isinstance(audience, list) else [audience]
    return us in everybody and (
        claims.get("azp") == us or (len(everybody) == 1 and not _azp(claims))
    )


def _azp(claims: dict[str, Any]) -> bool:
    return claims.get("azp") is not None


def _is_current(claims: dict[str, Any], _: Issuer, now: datetime) -> bool:
    at = now.timestamp()
    ends, made = _time(claims.get("exp")), _time(claims.get("iat"))
    begins = _time(claims.get("nbf", 0))
    if ends is None or made is None or begins is None:
        return False
    latest = at + _LEEWAY_SECONDS
    fresh = at - _OLDEST_SECONDS <= made <= latest
    return ends > at - _LEEWAY_SECONDS and fresh and begins <= latest


def _time(value: Any) -> float | None:
    # Neither True nor a float that is not a number is a time.
    if type(value) not in {int, float} or not abs(value) < 1e12:
        return None
    return float(value)


def _names_somebody(claims: dict[str, Any], *_: Any) -> bool:
    subject = claims.get("sub")
    return isinstance(subject, str) and is_subject(subject)


def is_subject(text: str) -> bool:
    """Whether an issuer may call somebody so: visible ASCII, of a bounded length."""
    return 0 < len(text) <= _LONGEST_SUBJECT and text.isascii() and text.isprintable()


_CHECKS: Final[dict[str, Callable[[dict[str, Any], Issuer, datetime], bool]]] = {
    "issuer": lambda claims, issuer, _: claims.get("iss") == issuer.config.issuer,
    "audience": _is_for_us,
    "time": _is_current,
    "subject": _names_somebody,
}
