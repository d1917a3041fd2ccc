from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from joserfc.jwk import OKPKey

from lightkeeper.reporting.webhooks import is_genuine, sign_notice

from ..conftest import Site


def test_anybody_gets_the_key_that_notices_are_signed_with_and_never_the_private_half(
    site: Site,
) -> None:
    (told,) = site.visitor().get("/api/v1/signing-keys").json()["keys"]
    x = base64.urlsafe_b64decode(told["x"] + "=")
    headers = sign_notice(b"{}", at=site.clock(), key=site.services.keys.signing_key())
    public = Ed25519PublicKey.from_public_bytes(x)
    assert is_genuine(b"{}", headers, key=public, now=site.clock())
    assert set(told) == {"kid", "kty", "crv", "use", "x"}


def test_the_key_has_the_name_that_its_thumbprint_is(site: Site) -> None:
    (told,) = site.visitor().get("/api/v1/signing-keys").json()["keys"]
    named = {name: told[name] for name in ("kty", "crv", "x")}
    assert told["kid"] == OKPKey.import_key(named).thumbprint()
