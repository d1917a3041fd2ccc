"""A certificate authority that lives as long as the process, for signing test media."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

ORGANISATION = "Lightkeeper throw-away test certificates"
_AUTHORITY_DAYS = 3650
_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@dataclass(frozen=True, slots=True)
class SigningCredentials:
    """PEM texts: the chain (end entity first), its key, and the anchor that makes it trusted."""

    chain_pem: str
    key_pem: str
    anchors_pem: str


def signing_credentials(
    name: str = "A",
    *,
    purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.EMAIL_PROTECTION,
    days: int = 30,
    starts: int | None = None,
) -> SigningCredentials:
    """Make an ES256 certificate that may sign C2PA claims, under an authority of its own.

    Each name has its own authority for the life of the process: ``signing_credentials("B")`` is a
    stranger to the anchors of ``signing_credentials("A")``. Nothing is written to disk.

    Parameters
    ----------
    name : str
        Tells authorities apart.
    purpose : x509.ObjectIdentifier
        Extended key usage of the end entity; C2PA accepts few.
    days : int
        Last day of the validity from today; a negative number makes a certificate that has
        expired.
    starts : int, optional
        Its first day from today; before today, and before the last, by default.
    """
    return _make(name, purpose, days, -abs(days) - 1 if starts is None else starts)


@cache
def _authority(name: str) -> tuple[EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(f"Test authority {name}")
    root = _builder(key, subject, subject, days=_AUTHORITY_DAYS, starts=-_AUTHORITY_DAYS, ca=True)
    return key, root.sign(key, hashes.SHA256())


@cache
def _make(name: str, purpose: x509.ObjectIdentifier, days: int, starts: int) -> SigningCredentials:
    root_key, root = _authority(name)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(f"Test signer {name}")
    leaf = _builder(key, subject, root.subject, days=days, starts=starts, ca=False)
    leaf = leaf.add_extension(
        x509.ExtendedKeyUsage([purpose]), critical=purpose == ExtendedKeyUsageOID.TIME_STAMPING
    )
    leaf = leaf.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False
    )
    anchor = _pem(root)
    return SigningCredentials(
        chain_pem=_pem(leaf.sign(root_key, hashes.SHA256())) + anchor,
        key_pem=key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode("ascii"),
        anchors_pem=anchor,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _builder(
    key: EllipticCurvePrivateKey,
    subject: x509.Name,
    issuer: x509.Name,
    *,
    days: int,
    starts: int,
    ca: bool,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    allowed = {"key_cert_sign", "crl_sign"} if ca else {"digital_signature"}
    usage = x509.KeyUsage(**{name: name in allowed for name in _USAGES})
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=starts))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")
