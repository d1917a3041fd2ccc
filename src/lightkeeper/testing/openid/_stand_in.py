"""The issuer: it describes itself, signs people in, and gives a token for a code."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

if TYPE_CHECKING:
    from lightkeeper.cases import Clock

_LASTS_SECONDS: Final = 300


class StandInIssuer:
    """Does what an issuer does, and whatever else a test asks of it.

    Parameters
    ----------
    clock : Clock
    url : str
        What it calls itself.
    client_id, client_secret : str
        Its only client.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        url: str = "https://issuer.example",
        client_id: str = "lightkeeper",
        client_secret: str = "not a secret",
    ) -> None:
        self.url, self.client_id, self.client_secret = url, client_id, client_secret
        self.key: RSAKey | ECKey = ECKey.generate_key("P-256", {"kid": "first"})
        self.person: dict[str, Any] = {"sub": "person-1", "preferred_username": "ida"}
        self.claims: dict[str, Any] = {}
        """In the place of what a token would say; ``None`` leaves a claim out."""
        self.described: dict[str, Any] = {}
        """In the place of what it would say of itself."""
        self.sign: Callable[[dict[str, Any]], str] = self.signed
        self.reply: Callable[[httpx.Request], httpx.Response | None] = lambda _: None
        """An answer in the place of its own."""
        self.asked: list[str] = []
        self._clock = clock
        self._codes: dict[str, dict[str, str]] = {}

    def visit(self, address: str) -> str:
        """A browser comes, and the person agrees; where it is sent back to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        answer = {"code": code, "state": asked["state"], "iss": self.url}
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    def answer(self, request: httpx.Request) -> httpx.Response:
        """What it answers to the service."""
        self.asked.append(request.url.path)
        own = self.reply(request)
        if own is not None:
            return own
        if request.url.path.endswith("/.well-known/openid-configuration"):
            return httpx.Response(200, json=self.description() | self.described)
        if request.url.path == "/keys":
            return httpx.Response(200, json={"keys": [self.key.as_dict(private=False)]})
        if request.url.path == "/token" and request.method == "POST":
            return self._exchange(request)
        return httpx.Response(404)

    def description(self) -> dict[str, Any]:
        """What it says of itself."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "end_session_endpoint": f"{self.url}/end",
            "authorization_response_iss_parameter_supported": True,
        }

    def signed(self, claims: dict[str, Any]) -> str:
        """A token with its own key."""
        algorithm = "ES256" if isinstance(self.key, ECKey) else "RS256"
        return jwt.encode(
            {"alg": algorithm, "kid": self.key.kid}, claims, self.key, algorithms=[algorithm]
        )

    def _exchange(self, request: httpx.Request) -> httpx.Response:
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        asked = self._codes.pop(form.get("code", ""), None)
        if asked is None or not self._is_client(request) or not _proves(asked, form):
            return httpx.Response(400, json={"error": "invalid_grant"})
        now = int(self._clock().timestamp())
        claims = {
            "iss": self.url,
            "aud": self.client_id,
            "iat": now,
            "exp": now + _LASTS_SECONDS,
            "nonce": asked["nonce"],
        } | self.person
        said = {n: v for n, v in (claims | self.claims).items() if v is not None}
        return httpx.Response(200, json={"token_type": "Bearer", "id_token": self.sign(said)})

    def _is_client(self, request: httpx.Request) -> bool:
        _, _, given = request.headers.get("authorization", "").partition(" ")
        known = urlencode({"": self.client_id})[1:], urlencode({"": self.client_secret})[1:]
        return bool(given == base64.b64encode(":".join(known).encode()).decode())


def _proves(asked: dict[str, str], form: dict[str, str]) -> bool:
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    same_place = form.get("redirect_uri") == asked["redirect_uri"]
    return same_place and asked.get("code_challenge") == challenge
