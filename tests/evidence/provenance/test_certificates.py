"""Certificates that no honest signer would use, and the time that they are judged at.

The SDK signs with none of them, so the claim of a manifest that it wrote is signed anew here: COSE
(RFC 9052), a time stamp (RFC 3161) and an OCSP response (RFC 6960) of authorities that these tests
make.
"""

from __future__ import annotations

import datetime
import hashlib
import io
import struct
import zlib
from collections.abc import Sequence

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lightkeeper.assessment import Origin, assess
from lightkeeper.evidence import Basis, Claim, Finding, Hypothesis
from lightkeeper.evidence.provenance import (
    ManifestState,
    ManifestSummary,
    ProvenanceExaminer,
    Trust,
    read_manifest,
)
from lightkeeper.evidence.provenance._adapter import Credentials, write_manifest
from lightkeeper.evidence.provenance._certificates import read_signatures
from lightkeeper.evidence.provenance._summary import CertificateStatus, Check, TimeSource
from lightkeeper.media import open_media
from lightkeeper.testing import SigningCredentials, photo_like, signing_credentials

NOW = datetime.datetime.now(datetime.UTC)
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
EXPIRED = signing_credentials("old", days=-30, starts=-400)
FRESH = signing_credentials("old")
FUTURE = signing_credentials("old", days=400, starts=30)
STAMPER = signing_credentials("clock", purpose=ExtendedKeyUsageOID.TIME_STAMPING, starts=-1000)
TRUST = Trust(anchors=EXPIRED.anchors_pem + STAMPER.anchors_pem)
WITHOUT_CLOCK = Trust(anchors=EXPIRED.anchors_pem)


def days(number: float) -> datetime.datetime:
    return NOW + datetime.timedelta(days=number)


# --- signing anew ---------------------------------------------------------------------------------


def cbor(value: object) -> bytes:
    match value:
        case int():
            return head(0, value) if value >= 0 else head(1, -1 - value)
        case bytes():
            return head(2, len(value)) + value
        case str():
            return head(3, len(value.encode())) + value.encode()
        case list():
            return head(4, len(value)) + b"".join(map(cbor, value))
        case dict():
            return head(5, len(value)) + b"".join(cbor(k) + cbor(v) for k, v in value.items())
    assert value is None
    return b"\xf6"


def head(major: int, argument: int) -> bytes:
    for width, code, form in ((1 << 8, 24, ">B"), (1 << 16, 25, ">H"), (1 << 32, 26, ">I")):
        if argument < 24:
            return bytes([major << 5 | argument])
        if argument < width:
            return bytes([major << 5 | code]) + struct.pack(form, argument)
    raise AssertionError


def boxes(data: bytes, at: int, end: int) -> list[tuple[bytes, int, int]]:
    found = []
    while at < end:
        size = int.from_bytes(data[at : at + 4])
        found.append((data[at + 4 : at + 8], at + 8, at + size))
        at += size
    return found


def labelled(data: bytes, at: int, end: int) -> dict[str, tuple[int, int]]:
    found = {}
    for kind, start, stop in boxes(data, at, end):
        if kind == b"jumb":
            _, begins, ends = boxes(data, start, stop)[0]
            found[data[begins + 17 : ends].split(b"\0")[0].decode()] = (start, stop)
    return found


def key_of(credentials: SigningCredentials) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(credentials.key_pem.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def chain_of(credentials: SigningCredentials) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(credentials.chain_pem.encode())


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def resigned(
    png: bytes,
    credentials: SigningCredentials,
    *,
    stamp: tuple[SigningCredentials, datetime.datetime] | None = None,
    stamp_header: str = "sigTst2",
    ocsp_response: bytes | None = None,
    chain: Sequence[x509.Certificate] | None = None,
) -> bytes:
    """A PNG whose active manifest is signed anew, with the same claim."""
    at = png.index(b"caBX")
    size = int.from_bytes(png[at - 4 : at])
    data = bytearray(png[at + 4 : at + 4 + size])
    store = labelled(data, 0, size)["c2pa"]
    active = list(labelled(data, *store).values())[-1]
    parts = labelled(data, *active)
    claim = next(box for label, box in parts.items() if label.startswith("c2pa.claim"))
    _, begins, ends = boxes(data, *claim)[1]
    _, start, stop = boxes(data, *parts["c2pa.signature"])[1]
    certificates = [der(c) for c in chain or chain_of(credentials)]
    message = cose(
        bytes(data[begins:ends]), stop - start, certificates, credentials, stamp, stamp_header,
        ocsp_response,
    )  # fmt: skip
    data[start:stop] = message
    chunk = b"caBX" + bytes(data)
    return png[: at - 4] + struct.pack(">I", size) + chunk + struct.pack(
        ">I", zlib.crc32(chunk)
    ) + png[at + 8 + size :]  # fmt: skip


def cose(
    claim: bytes,
    size: int,
    certificates: list[bytes],
    credentials: SigningCredentials,
    stamp: tuple[SigningCredentials, datetime.datetime] | None,
    stamp_header: str,
    ocsp_response: bytes | None,
) -> bytes:
    protected = cbor({1: -7, 33: certificates})
    tbs = cbor(["Signature1", protected, b"", claim])
    r, s = decode_dss_signature(key_of(credentials).sign(tbs, ec.ECDSA(hashes.SHA256())))
    signature = r.to_bytes(32) + s.to_bytes(32)
    headers: dict[str, object] = {}
    if stamp is not None:
        over = cbor(signature) if stamp_header == "sigTst2" else claim
        token = time_stamp(cbor(["CounterSignature", protected, b"", over]), *stamp)
        headers[stamp_header] = {"tstTokens": [{"val": token}]}
    if ocsp_response is not None:
        headers["rVals"] = {"ocspVals": [ocsp_response]}
    for padding in range(size):
        pad = {"pad": b"\0" * (size - padding)}
        message = b"\xd2" + cbor([protected, headers | pad, None, signature])
        if len(message) == size:
            return message
    raise AssertionError("the signature has no room")


def tlv(tag: int, *content: bytes) -> bytes:
    body = b"".join(content)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8)
    return bytes([tag, 128 | len(length)]) + length + body


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    body = b""
    for number in (first * 40 + second, *rest):
        digits = [number & 127]
        while number := number >> 7:
            digits.append(128 | number & 127)
        body += bytes(reversed(digits))
    return tlv(6, body)


SHA256 = tlv(0x30, oid("2.16.840.1.101.3.4.2.1"), b"\x05\x00")
TST_INFO = "1.2.840.113549.1.9.16.1.4"


def time_stamp(data: bytes, authority: SigningCredentials, when: datetime.datetime) -> bytes:
    """A time-stamp token (RFC 3161) over ``data``."""
    certificate, root = chain_of(authority)
    info = tlv(
        0x30,
        tlv(2, b"\x01"),
        oid("1.2.3.4"),
        tlv(0x30, SHA256, tlv(4, hashlib.sha256(data).digest())),
        tlv(2, b"\x2a"),
        tlv(0x18, when.strftime("%Y%m%d%H%M%SZ").encode()),
    )
    attributes = tlv(0x30, oid("1.2.840.113549.1.9.3"), tlv(0x31, oid(TST_INFO))) + tlv(
        0x30,
        oid("1.2.840.113549.1.9.4"),
        tlv(0x31, tlv(4, hashlib.sha256(info).digest())),
    )
    signature = key_of(authority).sign(tlv(0x31, attributes), ec.ECDSA(hashes.SHA256()))
    signer = tlv(
        0x30,
        tlv(2, b"\x01"),
        tlv(
            0x30,
            certificate.issuer.public_bytes(),
            tlv(2, certificate.serial_number.to_bytes(21).lstrip(b"\0").rjust(20, b"\0")),
        ),
        SHA256,
        tlv(0xA0, attributes),
        tlv(0x30, oid("1.2.840.10045.4.3.2")),
        tlv(4, signature),
    )
    signed = tlv(
        0x30,
        tlv(2, b"\x03"),
        tlv(0x31, SHA256),
        tlv(0x30, oid(TST_INFO), tlv(0xA0, tlv(4, info))),
        tlv(0xA0, der(certificate), der(root)),
        tlv(0x31, signer),
    )
    return tlv(0x30, oid("1.2.840.113549.1.7.2"), tlv(0xA0, signed))


def revocation(credentials: SigningCredentials, when: datetime.datetime) -> bytes:
    """An OCSP response that says that a certificate was taken back."""
    leaf, root = chain_of(credentials)
    responder = signing_credentials("old", purpose=ExtendedKeyUsageOID.OCSP_SIGNING, starts=-1000)
    its_own = chain_of(responder)[0]
    response = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=leaf,
            issuer=root,
            algorithm=hashes.SHA1(),
            cert_status=ocsp.OCSPCertStatus.REVOKED,
            this_update=days(-1),
            next_update=days(30),
            revocation_time=when,
            revocation_reason=x509.ReasonFlags.key_compromise,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, its_own)
        .certificates([its_own])
        .sign(key_of(responder), hashes.SHA256())
    )
    return response.public_bytes(serialization.Encoding.DER)


@pytest.fixture(scope="module")
def signed() -> bytes:
    return written("trainedAlgorithmicMedia")


def written(source_type: str, *, claim_version: int = 2, when: str | None = None) -> bytes:
    """A PNG that the SDK signed with a certificate that is valid today."""
    buffer = io.BytesIO()
    Image.fromarray(photo_like(11, width=48, height=40)).save(buffer, "PNG")
    action = {"action": "c2pa.created", "digitalSourceType": SOURCE_TYPES + source_type}
    if when is not None:
        action["when"] = when
    definition = {
        "claim_version": claim_version,
        "claim_generator_info": [{"name": "Umbrella painter"}],
        "assertions": [{"label": "c2pa.actions", "data": {"actions": [action]}, "created": True}],
    }
    # Certificates that are in nobody's way leave room for what is put in later.
    chain = FRESH.chain_pem + FRESH.anchors_pem * 12
    pem = Credentials(chain.encode(), FRESH.key_pem.encode(), "es256")
    return write_manifest(buffer.getvalue(), "image/png", definition, credentials=pem).content


def read(
    content: bytes, trust: Trust | None = TRUST, at: datetime.datetime | None = None
) -> ManifestSummary:
    return read_manifest(open_media(content), trust=trust, at=at or NOW)


def status(summary: ManifestSummary) -> CertificateStatus:
    assert summary.checks is not None
    return summary.checks.certificate.status


def examine(
    content: bytes, trust: Trust | None = TRUST, at: datetime.datetime | None = None
) -> tuple[Finding, ...]:
    return ProvenanceExaminer(trust=trust, at=at or NOW).examine(open_media(content))


# --- tests ----------------------------------------------------------------------------------------


def test_what_is_signed_anew_is_what_the_sdk_would_have_signed(signed: bytes) -> None:
    summary = read(resigned(signed, FRESH))
    assert summary.state is ManifestState.TRUSTED
    assert summary.failures == ()
    assert summary.checks is not None
    assert (
        summary.checks.bytes_intact,
        summary.checks.signature_verifies,
        summary.checks.issuer_trusted,
    ) == (Check.YES, Check.YES, Check.YES)


def test_an_expired_certificate_costs_trust_in_the_key_and_not_the_origin(signed: bytes) -> None:
    content = resigned(signed, EXPIRED)
    summary = read(content)
    assert summary.state is ManifestState.LAPSED
    assert status(summary) is CertificateStatus.EXPIRED
    assert summary.checks is not None
    assert summary.checks.signature_verifies is Check.YES
    assert summary.checks.issuer_trusted is Check.YES
    (finding,) = examine(content)
    assert (finding.claim, finding.basis) == (Claim.GENERATED, Basis.SIGNED)
    assert finding.limits == ("certificate-expired",)
    assert finding.conflict is None
    assert "ran out on" in finding.summary
    lapsed, sound = assess([finding]), assess(examine(content, at=days(-100)))
    assert lapsed.origin is sound.origin is Origin.GENERATED
    assert lapsed.conflicts == ()
    assert lapsed.routing.priority == sound.routing.priority
    assert lapsed.log10_lr is not None
    assert sound.log10_lr is not None
    assert lapsed.log10_lr < sound.log10_lr


def test_a_certificate_is_judged_at_the_time_of_verification(signed: bytes) -> None:
    content = resigned(signed, EXPIRED)
    told = {
        number: (status(read(content, at=days(number))), read(content, at=days(number)).state)
        for number in (-500, -100, 0)
    }
    assert told == {
        -500: (CertificateStatus.NOT_YET_VALID, ManifestState.LAPSED),
        -100: (CertificateStatus.VALID, ManifestState.TRUSTED),
        0: (CertificateStatus.EXPIRED, ManifestState.LAPSED),
    }
    assert read(content, at=days(-100)).verified_at == days(-100).isoformat(
        timespec="seconds"
    ).replace("+00:00", "Z")


def test_a_certificate_of_the_future_is_no_damage_either(signed: bytes) -> None:
    (finding,) = examine(resigned(signed, FUTURE))
    assert (finding.claim, finding.limits) == (Claim.GENERATED, ("certificate-not-yet-valid",))


def test_tampered_stays_damaged_whatever_the_certificate_and_the_time(signed: bytes) -> None:
    content = bytearray(resigned(signed, EXPIRED))
    at = content.index(b"IDAT") + 20
    content[at] ^= 1
    crc = content.index(b"IDAT")
    size = int.from_bytes(content[crc - 4 : crc])
    content[crc + 4 + size : crc + 8 + size] = struct.pack(
        ">I", zlib.crc32(content[crc : crc + 4 + size])
    )
    for when in (-500, -100, 0):
        summary = read(bytes(content), at=days(when))
        assert summary.state is ManifestState.INVALID
        assert summary.checks is not None
        assert summary.checks.bytes_intact is Check.NO
        (finding,) = examine(bytes(content), at=days(when))
        assert (finding.claim, finding.supports) == (Claim.DAMAGED, None)
        assert finding.conflict == "edited-after-signing"


def test_a_signature_by_another_key_does_not_verify_at_any_time(signed: bytes) -> None:
    content = resigned(signed, FUTURE, chain=chain_of(EXPIRED))
    summary = read(content, at=days(-100))
    assert summary.state is ManifestState.INVALID
    assert summary.checks is not None
    assert summary.checks.signature_verifies is not Check.YES
    assert all(f.supports is None for f in examine(content))


def test_a_trusted_time_stamp_says_when_the_certificate_was_used(signed: bytes) -> None:
    content = resigned(signed, EXPIRED, stamp=(STAMPER, days(-100)))
    for at in (-500, 0, 4000):
        summary = read(content, at=days(at))
        assert summary.state is ManifestState.TRUSTED
        assert summary.signer is not None
        assert summary.signer.time_stamp == "trusted"
        assert summary.signer.time_stamp_authority == "Test signer clock"
        assert summary.checks is not None
        certificate = summary.checks.certificate
        assert certificate.judged_by is TimeSource.TIME_STAMP
        assert certificate.judged_at[:10] == days(-100).isoformat()[:10]
        assert certificate.status is CertificateStatus.VALID
    (finding,) = examine(content)
    assert finding.limits == ()


def test_a_time_stamp_of_an_authority_that_nobody_trusts_is_a_claim(signed: bytes) -> None:
    content = resigned(signed, EXPIRED, stamp=(STAMPER, days(-100)))
    summary = read(content, WITHOUT_CLOCK)
    assert summary.state is ManifestState.LAPSED
    assert summary.checks is not None
    certificate = summary.checks.certificate
    assert certificate.judged_by is TimeSource.VERIFICATION
    assert certificate.status is CertificateStatus.EXPIRED
    assert certificate.claimed_time is not None
    assert certificate.claimed_within is True
    (finding,) = examine(content, WITHOUT_CLOCK)
    assert "certificate-expired" in finding.limits
    assert "nobody vouches for that" in finding.summary


def test_an_old_time_stamp_that_the_sdk_calls_trusted_is_a_claim_too() -> None:
    # Of version 1 claims the SDK trusts every authority, those of a forger's making included.
    old = written("trainedAlgorithmicMedia", claim_version=1)
    content = resigned(old, EXPIRED, stamp=(STAMPER, days(-100)), stamp_header="sigTst")
    summary = read(content, WITHOUT_CLOCK)
    assert summary.signer is not None
    assert summary.signer.time_stamp == "not-traced"
    assert status(summary) is CertificateStatus.EXPIRED
    assert summary.state is ManifestState.LAPSED


def test_a_stamp_over_the_claim_alone_does_not_say_when_it_was_signed(signed: bytes) -> None:
    content = resigned(signed, EXPIRED, stamp=(STAMPER, days(-100)), stamp_header="sigTst")
    assert status(read(content)) is CertificateStatus.EXPIRED


@pytest.mark.parametrize("when", [-100, -1000, 100])
def test_a_backdated_claim_gains_nothing(when: int) -> None:
    plain = resigned(written("trainedAlgorithmicMedia"), EXPIRED)
    dated = resigned(written("trainedAlgorithmicMedia", when=days(when).isoformat()), EXPIRED)
    (undated,), (claimed,) = examine(plain), examine(dated)
    assert (undated.basis, undated.limits) == (claimed.basis, claimed.limits)
    assert assess([undated]).log10_lr == assess([claimed]).log10_lr
    summary = read(dated)
    assert summary.checks is not None
    assert summary.checks.certificate.claimed_within is (when == -100)


def test_a_revoked_certificate_is_another_thing_than_an_expired_one(signed: bytes) -> None:
    content = resigned(signed, FRESH, ocsp_response=revocation(FRESH, days(-10)))
    summary = read(content)
    assert status(summary) is CertificateStatus.REVOKED
    assert summary.state is ManifestState.VALID
    statement, told = examine(content)
    assert (statement.claim, statement.basis) == (Claim.GENERATED, Basis.ASSERTED)
    assert statement.limits == ("signer-not-trusted", "certificate-revoked")
    assert (told.claim, told.conflict) == (Claim.CONTRADICTION, "certificate-revoked")


@pytest.mark.parametrize("credentials_days", [30, -30])
def test_a_certificate_for_something_else_is_shown_and_never_trusted(
    signed: bytes, credentials_days: int
) -> None:
    # The SDK looks no further at an expired certificate, so the purpose is looked at here.
    other = signing_credentials(
        "old", purpose=ExtendedKeyUsageOID.SERVER_AUTH, days=credentials_days, starts=-400
    )
    content = resigned(signed, other)
    summary = read(content)
    assert status(summary) is CertificateStatus.UNSUITABLE
    assert summary.state is ManifestState.VALID
    assert summary.checks is not None
    assert summary.checks.certificate.purposes == ("1.3.6.1.5.5.7.3.1",)
    (finding,) = examine(content)
    assert (finding.basis, finding.conflict) == (Basis.ASSERTED, None)
    assert "certificate-unsuitable" in finding.limits
    assert "1.3.6.1.5.5.7.3.1" in finding.summary


def test_a_time_stampers_certificate_signs_no_pictures(signed: bytes) -> None:
    # The SDK calls it trusted.
    content = resigned(signed, STAMPER)
    assert status(read(content)) is CertificateStatus.UNSUITABLE
    assert read(content).state is ManifestState.VALID


CAMERA = Finding(
    claim=Claim.CAPTURED,
    basis=Basis.ASSERTED,
    summary="Camera fields.",
    examiner="test",
    version="1",
    source="exif",
    supports=Hypothesis.CAPTURED,
)
PARAMETERS = Finding(
    claim=Claim.PARAMETERS,
    basis=Basis.ASSERTED,
    summary="Generation parameters.",
    examiner="test",
    version="1",
    source="png:tEXt:parameters",
    supports=Hypothesis.GENERATED,
)
MARK = Finding(
    claim=Claim.CARRIES_MARK,
    basis=Basis.PUBLIC_MARK,
    summary="A mark.",
    examiner="test",
    version="1",
    source="pixels:u-plane",
    supports=Hypothesis.GENERATED,
)
_made: dict[tuple[str, str], bytes] = {}


def made(source_type: str, signer: str) -> bytes:
    if (source_type, signer) not in _made:
        credentials = {"expired": EXPIRED, "fresh": FRESH, "future": FUTURE}[signer]
        _made[source_type, signer] = resigned(written(source_type), credentials)
    return _made[source_type, signer]


@settings(deadline=None)
@given(
    st.sampled_from(
        ["trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "digitalCapture"]
    ),
    st.sampled_from(["expired", "fresh", "future"]),
    st.booleans(),
    st.floats(-5000, 5000),
    st.floats(-5000, 5000),
    st.sets(st.sampled_from([CAMERA, PARAMETERS, MARK])),
)
def test_the_origin_does_not_depend_on_the_time_of_verification(
    source_type: str,
    signer: str,
    trusting: bool,
    one: float,
    other: float,
    beside: set[Finding],
) -> None:
    content = made(source_type, signer)
    trust = TRUST if trusting else None
    told = []
    for at in (one, other):
        findings = examine(content, trust, at=days(at))
        told.append(
            (
                assess([*findings, *sorted(beside, key=lambda f: f.source)]).origin,
                [(f.claim, f.basis, f.supports, f.conflict) for f in findings],
            )
        )
    assert told[0] == told[1]


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_store_makes_the_reader_of_signatures_fail(data: bytes) -> None:
    read_signatures(data)
    read_signatures(struct.pack(">I4s", len(data) + 8, b"jumb") + data)


@settings(deadline=None)
@given(st.integers(0, 20_000), st.integers(0, 255))
def test_a_damaged_store_never_makes_it_fail(at: int, byte: int) -> None:
    whole = bytearray(STORE[0])
    whole[at % len(whole)] = byte
    for signature in read_signatures(bytes(whole)).values():
        assert all(isinstance(certificate, bytes) for certificate in signature.chain)


def _store() -> bytes:
    png = resigned(written("trainedAlgorithmicMedia"), FRESH)
    at = png.index(b"caBX")
    return png[at + 4 : at + 4 + int.from_bytes(png[at - 4 : at])]


STORE = [_store()]
