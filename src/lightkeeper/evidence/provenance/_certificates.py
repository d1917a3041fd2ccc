"""The certificate behind a signature: when it is valid, what it is for, and how that is known.

The SDK judges certificates at the clock of the machine, and folds what it finds into one state.
Here the certificates of a manifest store are read from their COSE signatures, so that validity can
be judged at any time and told apart from everything else. Nothing here verifies a signature: that
stays with the SDK.

References
----------
.. [1] C2PA Technical Specification 2.2, sections "Digital Signatures", "Time-stamps" and
   "Certificate Profiles".
.. [2] RFC 9360, x5chain; RFC 8949, CBOR; ISO 19566-5, JUMBF.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.evidence.provenance._summary import (
    Certificate,
    CertificateStatus,
    TimeSource,
)
from lightkeeper.evidence.provenance._trust import EMAIL_PROTECTION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cryptography import x509

_MOST_CERTIFICATES = 16
_DEEPEST = 8
_X5CHAIN = (33, "x5chain")
_TIME_STAMP = "sigTst2"
"""Header of a time stamp over the signature. Its forerunner ``sigTst`` stamps the claim alone, so
that a claim stamped in time could be signed at any later one."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What a COSE signature carries along: certificates as DER, the signer's first."""

    chain: tuple[bytes, ...] = ()
    is_stamped: bool = False
    """It has a time stamp of the kind that covers the signature itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningTime:
    """What is known of when a manifest was signed."""

    stamped: datetime.datetime | None = None
    """By a time stamp that holds and whose authority traces to a trust anchor."""
    claimed: datetime.datetime | None = None
    """By anything else; nobody vouches for it."""


def read_signatures(store: bytes) -> dict[str, Signature]:
    """The signatures of a manifest store by the labels of their manifests.

    One that cannot be read is left out: what is odd about it is for the SDK to say.
    """
    try:
        return dict(_signatures(store))
    except (ValueError, IndexError, RecursionError):
        return {}


def judge(
    signature: Signature | None,
    *,
    at: datetime.datetime,
    signed: SigningTime,
    purposes: Sequence[str],
    found: Sequence[str],
) -> Certificate:
    """Say how a certificate stands, at the time that somebody vouches for.

    Parameters
    ----------
    signature : Signature, optional
        ``None`` where it could not be read.
    at : datetime
        Time of verification; it counts where no trusted time stamp says when it was signed.
    signed : SigningTime
        A claimed time never decides: it is compared with the validity, and shown.
    purposes : sequence of str
        Extended key usages that a signer may have.
    found : sequence of str
        The SDK's failure codes about this manifest.
    """
    path = _path(signature.chain) if signature is not None else []
    when = signed.stamped or at
    begins = max((c.not_valid_before_utc for c in path), default=None)
    ends = min((c.not_valid_after_utc for c in path), default=None)
    has, reasons = _purposes_of(path[0]) if path else ((), [])
    reasons += _unsuitable(path[0], has, purposes) if path else []
    if "signingCredential.invalid" in found and not reasons:
        reasons.append("it does not meet the C2PA certificate profile")
    if "signingCredential.ocsp.revoked" in found:
        status = CertificateStatus.REVOKED
    elif reasons:
        status = CertificateStatus.UNSUITABLE
    elif begins is None or ends is None:
        expired = "signingCredential.expired" in found
        status = CertificateStatus.EXPIRED if expired else CertificateStatus.UNKNOWN
    elif when > ends:
        status = CertificateStatus.EXPIRED
    elif when < begins:
        status = CertificateStatus.NOT_YET_VALID
    else:
        status = CertificateStatus.VALID
    claimed = signed.claimed
    within = begins <= claimed <= ends if begins and ends and claimed else None
    return Certificate(
        status=status,
        judged_at=_text(when),
        judged_by=TimeSource.TIME_STAMP if signed.stamped else TimeSource.VERIFICATION,
        not_before=_text(begins) if begins else None,
        not_after=_text(ends) if ends else None,
        claimed_time=_text(claimed) if claimed else None,
        claimed_within=within,
        purposes=has,
        reasons=tuple(reasons),
    )


def traces(signature: Signature, anchors_pem: str) -> bool:
    """Whether a certificate that is not valid now traced to an anchor while it was.

    The SDK asks at the machine's clock, and then calls an expired certificate untrusted too. Asked
    only for a certificate that is not valid now: of others the SDK's answer stands.
    """
    from cryptography import x509
    from cryptography.x509 import verification

    path = _path(signature.chain)
    if not path or not anchors_pem:
        return False
    begins = max(c.not_valid_before_utc for c in path)
    ends = min(c.not_valid_after_utc for c in path)
    if begins <= datetime.datetime.now(datetime.UTC) <= ends or begins > ends:
        return False
    authorities = verification.ExtensionPolicy.webpki_defaults_ca().may_be_present(
        # That of web servers would be asked for. The purpose of the signer is looked at by itself.
        x509.ExtendedKeyUsage,
        verification.Criticality.AGNOSTIC,
        None,
    )
    try:
        anchors = x509.load_pem_x509_certificates(anchors_pem.encode())
        verifier = (
            verification.PolicyBuilder()
            .store(verification.Store(anchors))
            .time(ends)
            .extension_policies(
                ca_policy=authorities, ee_policy=verification.ExtensionPolicy.permit_all()
            )
            .build_client_verifier()
        )
        verifier.verify(path[0], path[1:])
    except (ValueError, verification.VerificationError, x509.UnsupportedGeneralNameType):
        return False
    return True


def serial_number(signature: Signature) -> str | None:
    """Serial number of the signer's certificate, in decimal digits as the SDK writes it."""
    path = _path(signature.chain)
    return str(path[0].serial_number) if path else None


def _text(time: datetime.datetime) -> str:
    return time.astimezone(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


# --- certificates ---------------------------------------------------------------------------------


def _path(chain: Sequence[bytes]) -> list[x509.Certificate]:
    """The signer's certificate and those that issued it, without a self-signed one at the end.

    Others that lie beside them are no part of it: in older manifests anyone can add some. Empty
    where any of them cannot be read.
    """
    from cryptography import x509

    try:
        found = [x509.load_der_x509_certificate(der) for der in chain[:_MOST_CERTIFICATES]]
        path, rest = found[:1], found[1:]
        while issuer := next((c for c in rest if _issued(c, path[-1])), None):
            rest.remove(issuer)
            if issuer.issuer == issuer.subject:
                break
            path.append(issuer)
        # Fields are read when they are asked for: a damaged one shows here, and not later.
        if all(c.not_valid_before_utc <= c.not_valid_after_utc for c in path):
            return path
    except (ValueError, TypeError):
        pass
    return []


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _purposes_of(leaf: x509.Certificate) -> tuple[tuple[str, ...], list[str]]:
    from cryptography import x509

    try:
        found = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return (), ["it states no extended key usage"]
    except (ValueError, x509.DuplicateExtension):
        return (), ["its extensions are damaged"]
    return tuple(oid.dotted_string for oid in found), []


def _unsuitable(leaf: x509.Certificate, has: Sequence[str], purposes: Sequence[str]) -> list[str]:
    """Why a certificate is not one for signing claims. The SDK stops before this at an expired
    one, and takes one for time stamps.
    """
    from cryptography import x509

    reasons = []
    if has and not {*purposes, EMAIL_PROTECTION} & set(has):
        reasons.append(f"its extended key usage is for something else ({', '.join(has)})")
    try:
        extensions = leaf.extensions
    except (ValueError, x509.DuplicateExtension):
        return reasons
    for extension in extensions:
        value = extension.value
        if isinstance(value, x509.BasicConstraints) and value.ca:
            reasons.append("it is an authority's, not a signer's")
        if isinstance(value, x509.KeyUsage) and not value.digital_signature:
            reasons.append("its key usage lacks digitalSignature")
    return reasons


# --- JUMBF and COSE -------------------------------------------------------------------------------


def _signatures(store: bytes) -> Iterator[tuple[str, Signature]]:
    for _, content in _superboxes(store):
        for label, manifest in _superboxes(content):
            for name, box in _superboxes(manifest):
                if name == "c2pa.signature":
                    payload = next((b for kind, b in _boxes(box) if kind == b"cbor"), None)
                    signature = None if payload is None else _cose(payload)
                    if signature is not None:
                        yield label, signature


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size, kind, head = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16]), 16
        elif size == 0:
            size = len(data) - at
        if size < head or at + size > len(data):
            return
        yield kind, data[at + head : at + size]
        at += size


def _superboxes(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Labels and contents (description included) of the superboxes in a box."""
    for kind, content in _boxes(data):
        if kind != b"jumb":
            continue
        described = next(_boxes(content), None)
        if described is None or described[0] != b"jumd" or len(described[1]) < 18:
            continue
        label, _, _ = described[1][17:].partition(b"\0")
        yield label.decode("utf-8", "replace"), content


def _cose(payload: bytes) -> Signature | None:
    try:
        message, _ = _cbor(payload, 0)
        if not isinstance(message, list) or len(message) < 4:
            return None
        protected, unprotected = message[0], message[1]
        signed = _cbor(protected, 0)[0] if isinstance(protected, bytes) and protected else {}
    except (ValueError, IndexError):
        return None
    headers = [h for h in (signed, unprotected) if isinstance(h, dict)]
    # A certificate that the signature covers comes before one that anyone could have added.
    named = (h[key] for h in headers for key in _X5CHAIN if key in h)
    chain = next(named, None)
    certificates = [chain] if isinstance(chain, bytes) else chain
    if not isinstance(certificates, list) or not all(isinstance(c, bytes) for c in certificates):
        return None
    return Signature(tuple(certificates), any(_TIME_STAMP in h for h in headers))


def _cbor(data: bytes, at: int, depth: int = 0) -> tuple[object, int]:
    """One item of CBOR and where the next begins; raises ``ValueError`` or ``IndexError``.

    Definite lengths only, as signers write them. No more items are made than there are bytes.
    """
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    major, small = data[at] >> 5, data[at] & 31
    at += 1
    argument: int = small
    if small >= 24:
        width = {24: 1, 25: 2, 26: 4, 27: 8}.get(small)
        if width is None or at + width > len(data):
            raise ValueError("no definite length")
        argument, at = int.from_bytes(data[at : at + width]), at + width
    if major in (2, 3):
        end = at + argument
        if end > len(data):
            raise ValueError("cut short")
        raw = data[at:end]
        return (raw if major == 2 else raw.decode("utf-8", "replace")), end
    if major == 4:
        items = []
        for _ in range(argument):
            item, at = _cbor(data, at, depth + 1)
            items.append(item)
        return items, at
    if major == 5:
        table: dict[object, object] = {}
        for _ in range(argument):
            key, at = _cbor(data, at, depth + 1)
            value, at = _cbor(data, at, depth + 1)
            if isinstance(key, (int, str)):
                table[key] = value
        return table, at
    if major == 6:
        return _cbor(data, at, depth + 1)
    if major == 7:
        return {20: False, 21: True}.get(argument), at
    return (argument if major == 0 else -1 - argument), at
