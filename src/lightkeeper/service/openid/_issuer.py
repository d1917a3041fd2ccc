"""What is asked of an issuer: its description, its keys, and a token for a code.

Nothing else is asked of anybody: addresses have to be of the issuer's host or of one that the
operator named, redirects are not followed, the environment's proxies are not used.

References
----------
.. [1] OpenID Connect Discovery 1.0, section 4.
.. [2] OpenID Connect Core 1.0, section 3.1.3.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any, Final
from urllib.parse import quote_plus

import httpx

from lightkeeper.service._log import log
from lightkeeper.service._refusal import Refusal
from lightkeeper.service.openid._config import OpenIdConfig

_SECONDS: Final = 5.0
_MOST_BYTES: Final = 256 * 1024
_AT_ONCE: Final = 4
"""Requests to the issuer: while it hangs, the other threads go on serving."""
_KEPT_SECONDS: Final = 3600.0
_AGAIN_SECONDS: Final = 60.0
"""Keys are asked for anew that often at most, whatever tokens say."""
_FAILED_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Description:
    """What an issuer says of itself."""

    authorization: str
    token: str
    keys: str
    end: str | None
    secret_in_form: bool
    names_itself: bool
    """Its answers carry ``iss`` (RFC 9207), so that no other issuer's can be slipped in."""


class Issuer:
    """The configured issuer. Any number of threads may use it.

    Parameters
    ----------
    config : OpenIdConfig
    seconds : callable, optional
        What times are measured with.
    transport : httpx.BaseTransport, optional
        In place of the network, for tests.
    """

    def __init__(
        self,
        config: OpenIdConfig,
        *,
        seconds: Callable[[], float] = time.monotonic,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.config = config
        self._seconds = seconds
        self._calls = BoundedSemaphore(_AT_ONCE)
        self._description: tuple[float, Description] | None = None
        self._keys: tuple[float, list[dict[str, Any]]] | None = None
        self._failed = -_FAILED_SECONDS
        self._client = httpx.Client(
            timeout=_SECONDS,
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            headers={
                "User-Agent": "Lightkeeper",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
            },
        )

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def description(self) -> Description:
        """What it says of itself; asked once in an hour.

        Raises
        ------
        Refusal
            It cannot be reached, or says what cannot be used.
        """
        now = self._seconds()
        if self._description is None or now - self._description[0] >= _KEPT_SECONDS:
            if now - self._failed < _FAILED_SECONDS:
                raise unavailable("asked-lately")
            try:
                found = self._described()
            except Refusal:
                self._failed = self._seconds()
                raise
            self._description = (now, found)
        return self._description[1]

    def keys(self, *, anew: bool = False) -> list[dict[str, Any]]:
        """Its public keys; ``anew`` for a token of a key that is not among them."""
        now = self._seconds()
        lasts = _AGAIN_SECONDS if anew else _KEPT_SECONDS
        if self._keys is None or now - self._keys[0] >= lasts:
            found = self._ask("GET", self.description().keys).get("keys")
            if not isinstance(found, list):
                raise unavailable("no-keys")
            self._keys = (now, [key for key in found if isinstance(key, dict)])
        return self._keys[1]

    def id_token(self, *, code: str, verifier: str, back: str) -> str:
        """The ID token that a code stands for.

        Raises
        ------
        Refusal
            The issuer refuses the code, or cannot be reached.
        """
        config, described = self.config, self.description()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": back,
        }
        options: dict[str, Any] = {}
        if config.client_secret is None:
            form["client_id"] = config.client_id
        elif described.secret_in_form:
            form |= {"client_id": config.client_id, "client_secret": config.client_secret}
        else:
            quoted = quote_plus(config.client_id), quote_plus(config.client_secret)
            options["auth"] = httpx.BasicAuth(*quoted)
        token = self._ask("POST", described.token, data=form, **options).get("id_token")
        if not isinstance(token, str):
            raise refused("no-token")
        return token

    def _described(self) -> Description:
        address = f"{self.config.issuer.rstrip('/')}/.well-known/openid-configuration"
        said = self._ask("GET", address)
        if said.get("issuer") != self.config.issuer:
            raise unavailable("other-issuer")
        ways = said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        end = said.get("end_session_endpoint")
        return Description(
            authorization=self._address(said, "authorization_endpoint"),
            token=self._address(said, "token_endpoint"),
            keys=self._address(said, "jwks_uri"),
            end=self._address(said, "end_session_endpoint") if end else None,
            secret_in_form="client_secret_basic" not in ways,
            names_itself=said.get("authorization_response_iss_parameter_supported") is True,
        )

    def _address(self, said: dict[str, Any], name: str) -> str:
        url = said.get(name)
        if not isinstance(url, str) or not self.config.reaches(url):
            raise unavailable("other-host")
        return url

    def _ask(self, method: str, url: str, **options: Any) -> dict[str, Any]:
        if not self._calls.acquire(blocking=False):
            raise unavailable("busy")
        try:
            status, body = self._read(method, url, **options)
        except (httpx.HTTPError, httpx.InvalidURL):
            raise unavailable("unreachable") from None
        finally:
            self._calls.release()
        if method == "POST" and 400 <= status < 500:
            raise refused("code")
        if status != 200:
            raise unavailable("status")
        try:
            said = json.loads(body)
        except (ValueError, RecursionError):
            raise unavailable("no-json") from None
        if not isinstance(said, dict):
            raise unavailable("no-json")
        return said

    def _read(self, method: str, url: str, **options: Any) -> tuple[int, bytes]:
        until = time.monotonic() + _SECONDS
        body = bytearray()
        with self._client.stream(method, url, **options) as response:
            if response.headers.get("content-encoding"):
                # It was not asked for, and may unpack to far more than was sent.
                raise unavailable("packed")
            for part in response.iter_bytes():
                body += part
                if len(body) > _MOST_BYTES or time.monotonic() > until:
                    raise unavailable("too-much")
            return response.status_code, bytes(body)


def unavailable(reason: str) -> Refusal:
    """The issuer is no help at the moment."""
    log.warning("issuer unavailable", reason=reason)
    return Refusal(
        503,
        "issuer-unavailable",
        "Signing in elsewhere does not work at the moment. Try again in a minute, or ask an "
        "administrator. Nobody who has signed in is affected.",
    )


def refused(reason: str) -> Refusal:
    """What came back proves nothing. The log says why; whoever asks does not learn it."""
    log.warning("sign-in elsewhere refused", reason=reason)
    return Refusal(403, "sign-in-refused", "That did not prove who you are. Sign in once more.")
