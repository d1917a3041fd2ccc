"""Signing in elsewhere: the way to the issuer and back.

Between the two the browser keeps everything in one sealed cookie; nothing is kept here. The state
binds the answer to this browser, the nonce binds the token to this answer, and the proof key
(PKCE) makes a code worth nothing to anybody else.

References
----------
.. [1] RFC 9700, best current practice for OAuth 2.0 security.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from lightkeeper.errors import VaultError
from lightkeeper.service.accounts._digests import digest_of
from lightkeeper.service.accounts._openid_people import enter_as
from lightkeeper.service.accounts._pauses import use_once
from lightkeeper.service.openid._id_token import verified_claims
from lightkeeper.service.openid._issuer import refused

if TYPE_CHECKING:
    from lightkeeper.service._services import Keys, ServiceConfig, Services
    from lightkeeper.service.openid._issuer import Issuer

LASTS_SECONDS: Final = 600
_CONTEXT: Final = b"openid sign-in"
_LONGEST: Final = 4_000


@dataclass(frozen=True, slots=True)
class _Flow:
    state: str
    nonce: str
    verifier: str
    wanted: str
    ends: float


def flow_cookie_name(config: ServiceConfig) -> str:
    """Over TLS one that no other host of the domain can set."""
    return "__Host-openid" if config.https else "openid"


def way_out(
    services: Services, config: ServiceConfig, issuer: Issuer, wanted: str
) -> tuple[str, str]:
    """Where the browser goes to, and the cookie that it takes along.

    Raises
    ------
    Refusal
        The issuer cannot be reached.
    """
    flow = _Flow(
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        wanted=wanted[:1_000],
        ends=services.clock().timestamp() + LASTS_SECONDS,
    )
    challenge = base64.urlsafe_b64encode(hashlib.sha256(flow.verifier.encode()).digest())
    query = urlencode(
        {
            "response_type": "code",
            "client_id": issuer.config.client_id,
            "redirect_uri": _back(config),
            "scope": " ".join(issuer.config.scopes),
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": challenge.decode().rstrip("="),
            "code_challenge_method": "S256",
        }
    )
    address = issuer.description().authorization
    return f"{address}{'&' if '?' in address else '?'}{query}", _sealed(services.keys, flow)


def way_in(
    services: Services,
    config: ServiceConfig,
    issuer: Issuer,
    *,
    answer: Mapping[str, str],
    cookie: str,
) -> tuple[str, str]:
    """A new session's cookie, and where its person wanted to go.

    Raises
    ------
    Refusal
        The answer is not for this browser, of another issuer, used already, or proves nothing; or
        the person is not known here.
    """
    now = services.clock()
    flow = _opened(services.keys, cookie)
    if flow is None or flow.ends <= now.timestamp():
        raise refused("no-flow")
    if not hmac.compare_digest(answer.get("state", "").encode(), flow.state.encode()):
        raise refused("state")
    named = answer.get("iss")
    if named != issuer.config.issuer and (named or issuer.description().names_itself):
        raise refused("answer-of-other-issuer")
    if not use_once(services, digest_of(services.keys, "openid", flow.state), now):
        raise refused("used-already")
    code = answer.get("code", "")
    if not code or len(code) > _LONGEST:
        raise refused("no-code")
    token = issuer.id_token(code=code, verifier=flow.verifier, back=_back(config))
    claims = verified_claims(issuer, token, nonce=flow.nonce, now=now)
    return enter_as(services, config, issuer.config, claims), flow.wanted


def way_to_end(config: ServiceConfig, issuer: Issuer) -> str | None:
    """Where the session at the issuer is ended, if it offers that."""
    address = issuer.description().end
    if address is None:
        return None
    query = urlencode(
        {
            "client_id": issuer.config.client_id,
            "post_logout_redirect_uri": f"{config.origin}/sign-in",
        }
    )
    return f"{address}{'&' if '?' in address else '?'}{query}"


def _back(config: ServiceConfig) -> str:
    return f"{config.origin}/sign-in/openid/done"


def _sealed(keys: Keys, flow: _Flow) -> str:
    told = json.dumps([flow.state, flow.nonce, flow.verifier, flow.wanted, flow.ends])
    sealed = keys.encrypt_small(told.encode(), context=_CONTEXT)
    return base64.urlsafe_b64encode(sealed).decode()


def _opened(keys: Keys, cookie: str) -> _Flow | None:
    try:
        sealed = base64.urlsafe_b64decode(cookie[:_LONGEST].encode())
        told: list[Any] = json.loads(keys.decrypt_small(sealed, context=_CONTEXT))
        return _Flow(*told)
    except (ValueError, TypeError, VaultError):
        return None
