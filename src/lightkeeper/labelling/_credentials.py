"""Whether a certificate and its key may sign C2PA claims, said before anything is signed.

The rules are those of the C2PA technical specification, section "X.509 Certificates" under
"Trust model"; c2pa-python checks them too, but its messages name neither the rule nor the cure.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtensionOID

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.provenance._adapter import Credentials
from lightkeeper.evidence.provenance._trust import (
    CLAIM_SIGNING,
    DOCUMENT_SIGNING,
    EMAIL_PROTECTION,
    MICROSOFT_SIGNING,
)

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

_PURPOSES = {
    EMAIL_PROTECTION: "emailProtection",
    DOCUMENT_SIGNING: "documentSigning",
    CLAIM_SIGNING: "C2PA claim signing",
    MICROSOFT_SIGNING: "Microsoft C2PA signing",
}
_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
_SMALLEST_RSA = 2048
_PROFILE = (
    "C2PA wants an end-entity certificate that is not self-signed, with key usage "
    "digitalSignature and one of the extended key usages " + ", ".join(_PURPOSES.values())
)


def load_credentials(
    certificate_chain_pem: str | bytes, private_key_pem: str | bytes
) -> Credentials:
    """Check a chain and its key against the C2PA certificate profile.

    Raises
    ------
    InvalidConfiguration
        One of them cannot be read, they do not belong together, or the profile is not met.
    """
    chain = _certificates(_to_bytes(certificate_chain_pem))
    key = _private_key(_to_bytes(private_key_pem))
    algorithm = _algorithm(key)
    leaf = chain[0]
    if _public_bytes(leaf) != key.public_key().public_bytes(*_SPKI):
        raise InvalidConfiguration(
            "the private key does not belong to the first certificate of the chain",
            hint="put the signer's own certificate first, then its issuers",
        )
    _check_profile(leaf)
    return Credentials(
        b"".join(c.public_bytes(serialization.Encoding.PEM) for c in chain),
        # c2pa-python reads PKCS #8 only.
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        algorithm,
    )


_SPKI = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _to_bytes(text: str | bytes) -> bytes:
    return text.encode("utf-8") if isinstance(text, str) else text


def _public_bytes(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(*_SPKI)


def _certificates(pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise InvalidConfiguration(
            "the certificate chain holds no readable PEM certificate", hint=_PROFILE
        ) from error


def _private_key(pem: bytes) -> PrivateKeyTypes:
    try:
        return serialization.load_pem_private_key(pem, password=None)
    except TypeError as error:
        raise InvalidConfiguration(
            "the private key is encrypted",
            hint="decrypt it first: openssl pkey -in key.pem -out plain.pem",
        ) from error
    except Exception as error:
        # cryptography raises ValueError or UnsupportedAlgorithm; neither says more than this.
        raise InvalidConfiguration("the private key is not a readable PEM key") from error


def _algorithm(key: PrivateKeyTypes) -> str:
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= _SMALLEST_RSA:
        return "ps256"
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    raise InvalidConfiguration(
        "C2PA cannot sign with this kind of key",
        hint=f"use EC P-256, P-384 or P-521, RSA of {_SMALLEST_RSA} bits or more, or Ed25519",
    )


def _check_profile(leaf: x509.Certificate) -> None:
    now = datetime.datetime.now(datetime.UTC)
    try:
        purposes = _purposes(leaf)
        wrong = [
            (leaf.issuer == leaf.subject, "it is self-signed"),
            (now < leaf.not_valid_before_utc, "it is not valid yet"),
            (now > leaf.not_valid_after_utc, "it has expired"),
            (_is_authority(leaf), "it is a certificate authority's, not a signer's"),
            (not _may_sign(leaf), "its key usage lacks digitalSignature"),
            (not purposes, "it has no extended key usage"),
            (not purposes & set(_PURPOSES), "its extended key usage is for something else"),
        ]
    except (ValueError, x509.DuplicateExtension) as error:
        raise InvalidConfiguration(
            "the signing certificate has damaged extensions", hint=_PROFILE
        ) from error
    if reason := next((text for failed, text in wrong if failed), None):
        raise InvalidConfiguration(
            f"the signing certificate does not meet the C2PA profile: {reason}", hint=_PROFILE
        )


def _purposes(leaf: x509.Certificate) -> set[str]:
    try:
        found = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return set()
    return {oid.dotted_string for oid in found}


def _is_authority(leaf: x509.Certificate) -> bool:
    try:
        return leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _may_sign(leaf: x509.Certificate) -> bool:
    try:
        found = leaf.extensions.get_extension_for_oid(ExtensionOID.KEY_USAGE).value
    except x509.ExtensionNotFound:
        return False
    return isinstance(found, x509.KeyUsage) and found.digital_signature
