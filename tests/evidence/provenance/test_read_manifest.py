from __future__ import annotations

import io
import socket
import struct
from collections.abc import Callable

import pytest
from cryptography.x509 import ObjectIdentifier
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from lightkeeper.errors import InvalidConfiguration, LightkeeperError, MediaError
from lightkeeper.evidence import Claim
from lightkeeper.evidence.provenance import (
    ManifestState,
    ManifestSummary,
    SoftBinding,
    Trust,
    read_manifest,
)
from lightkeeper.evidence.provenance import _adapter as adapter
from lightkeeper.evidence.provenance import _read as reader
from lightkeeper.evidence.provenance._summary import CertificateStatus
from lightkeeper.evidence.provenance._trust import EMAIL_PROTECTION, PURPOSES
from lightkeeper.labelling import sign_generated
from lightkeeper.media import open_media
from lightkeeper.testing import signing_credentials

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF")


def read(content: bytes, trust: Trust | None = None) -> ManifestSummary:
    return read_manifest(open_media(content), trust=trust)


def codes(summary: ManifestSummary) -> list[str]:
    return [f.code for f in summary.failures]


def jpeg_manifest_span(content: bytes) -> tuple[int, int]:
    """Where the APP11 segments of a JPEG begin and end."""
    position, found = 2, []
    while content[position + 1] != 0xDA:
        size = 2 + struct.unpack(">H", content[position + 2 : position + 4])[0]
        if content[position + 1] == 0xEB:
            found.append((position, position + size))
        position += size
    return found[0][0], found[-1][1]


@pytest.mark.parametrize("form", FORMATS)
def test_what_was_signed_is_read_again_in_every_format(
    form: str, draw: Callable[..., bytes], sign: Callable[..., bytes], trust: Trust
) -> None:
    summary = read(sign(draw(form), soft_binding=SoftBinding("com.example.mark.1", "ab")), trust)
    assert summary.state is ManifestState.TRUSTED
    assert summary.failures == ()
    (claim,) = summary.claims
    assert (claim.claim, claim.relation) == (Claim.GENERATED, "active")
    assert (claim.action, claim.digital_source_type) == ("c2pa.created", "trainedAlgorithmicMedia")
    assert claim.attested
    assert claim.trusted
    assert summary.soft_bindings == (SoftBinding("com.example.mark.1", "ab"),)
    (generator,) = summary.claim_generators
    assert (generator.name, generator.version) == ("Umbrella painter", "1.2")
    (disclosure,) = summary.manifests[0].ai_assertions
    assert disclosure.data["modelName"] == "Umbrella painter"


def test_the_signer_is_named_with_serial_number_and_algorithm(signed: bytes) -> None:
    signer = read(signed).signer
    assert signer is not None
    assert signer.common_name == "Test signer A"
    assert signer.algorithm == "Es256"
    assert signer.serial_number is not None
    assert signer.serial_number.isdigit()
    assert (signer.time, signer.time_stamp) == (None, None)


def test_without_anchors_or_with_those_of_a_stranger_a_signature_is_only_valid(
    signed: bytes, trust: Trust
) -> None:
    stranger = Trust(anchors=signing_credentials("B").anchors_pem)
    assert read(signed, trust).state is ManifestState.TRUSTED
    for other in (None, stranger):
        summary = read(signed, other)
        assert summary.state is ManifestState.VALID
        assert codes(summary) == ["signingCredential.untrusted"]
        assert not summary.claims[0].trusted


def test_a_changed_pixel_is_a_data_hash_mismatch(signed: bytes, trust: Trust) -> None:
    content = bytearray(signed)
    content[-40] ^= 1
    summary = read(bytes(content), trust)
    assert summary.state is ManifestState.INVALID
    assert "assertion.dataHash.mismatch" in codes(summary)


@pytest.mark.parametrize("change", [lambda c: c + b"lighthouse", lambda c: c[:-12]])
def test_appended_or_cut_bytes_are_a_data_hash_mismatch(
    signed: bytes, trust: Trust, change: Callable[[bytes], bytes]
) -> None:
    summary = read(change(signed), trust)
    assert summary.state is ManifestState.INVALID
    assert "assertion.dataHash.mismatch" in codes(summary)


def test_a_manifest_grafted_onto_another_picture_is_a_data_hash_mismatch(
    signed: bytes, draw: Callable[..., bytes], trust: Trust
) -> None:
    begin, end = jpeg_manifest_span(signed)
    other = draw(seed=2)
    summary = read(other[:begin] + signed[begin:end] + other[begin:], trust)
    assert summary.state is ManifestState.INVALID
    assert "assertion.dataHash.mismatch" in codes(summary)


def test_an_edited_assertion_is_a_hashed_uri_mismatch(signed: bytes, trust: Trust) -> None:
    edited = signed.replace(b"trainedAlgorithmicMedia", b"digitalCapture?????????")
    assert edited != signed
    summary = read(edited, trust)
    assert summary.state is ManifestState.INVALID
    assert "assertion.hashedURI.mismatch" in codes(summary)


def test_a_damaged_signature_is_a_claim_signature_mismatch(signed: bytes, trust: Trust) -> None:
    # COSE_Sign1 ends with a detached payload (nil) and an ES256 signature of 64 bytes.
    at = signed.rindex(b"\xf6\x58\x40") + 20
    damaged = signed[:at] + bytes([signed[at] ^ 0xFF]) + signed[at + 1 :]
    summary = read(damaged, trust)
    assert summary.state is ManifestState.INVALID
    assert "claimSignature.mismatch" in codes(summary)


def test_a_manifest_with_a_hole_does_not_hold_and_without_it_there_is_none(signed: bytes) -> None:
    begin, end = jpeg_manifest_span(signed)
    holed = signed[: begin + 400] + bytes(400) + signed[begin + 800 :]
    assert read(holed).state in (ManifestState.UNREADABLE, ManifestState.INVALID)
    assert read(signed[:begin] + signed[end:]).state is ManifestState.NONE


def test_half_a_file_is_unreadable_or_a_typed_error(
    draw: Callable[..., bytes], sign: Callable[..., bytes]
) -> None:
    for form in FORMATS:
        content = sign(draw(form))
        try:
            summary = read(content[: len(content) // 2])
        except LightkeeperError:
            continue
        assert summary.state in (ManifestState.UNREADABLE, ManifestState.INVALID)
        if summary.state is ManifestState.UNREADABLE:
            assert summary.problem is not None
            assert summary.problem.explanation


def test_a_re_encoded_copy_has_no_manifest(signed: bytes) -> None:
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(signed)) as picture:
        picture.save(buffer, "JPEG")
    assert read(buffer.getvalue()) == ManifestSummary(state=ManifestState.NONE)


@pytest.mark.parametrize("content", [b"", b"a lighthouse at dusk"])
def test_text_and_nothing_are_not_images(content: bytes) -> None:
    with pytest.raises(MediaError):
        read(content)


def test_an_unsigned_file_never_reaches_the_c2pa_library(
    draw: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("c2pa-python was called for an unsigned file")

    monkeypatch.setattr(reader, "read_store", refuse)
    for form in FORMATS:
        assert read(draw(form)).state is ManifestState.NONE


def test_a_remote_manifest_is_named_and_never_fetched(naming: Callable[[str], bytes]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/lighthouse.c2pa"
        content = naming(url)
        summary = read(content)
        assert (summary.state, summary.remote_url) == (ManifestState.REMOTE, url)
        # The library itself is asked too: its default would be to fetch.
        with pytest.raises(adapter.RemoteManifest) as refused:
            adapter.read_store(content, "image/jpeg", Trust())
        assert refused.value.url == url
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_revocation_is_not_asked_for_over_the_network(signed: bytes, trust: Trust) -> None:
    store = adapter.read_store(signed, "image/jpeg", trust)
    assert store is not None
    told = store.json["validation_results"]["activeManifest"]["informational"]
    assert "signingCredential.ocsp.skipped" in [entry["code"] for entry in told]


def test_a_file_that_says_that_it_had_a_manifest_says_so(naming: Callable[[str], bytes]) -> None:
    summary = read(naming("self#jumbf=/c2pa/urn:uuid:0/c2pa.claim"))
    assert summary.state is ManifestState.NONE
    assert summary.problem is not None
    assert summary.problem.code == "manifest.stripped"


def test_a_trusted_file_still_tells_that_its_ingredient_failed(
    draw: Callable[..., bytes], sign: Callable[..., bytes], signed: bytes, trust: Trust
) -> None:
    tampered = signed[:-40] + bytes([signed[-40] ^ 1]) + signed[-39:]
    summary = read(sign(draw(seed=3), parent=tampered), trust)
    assert summary.state is ManifestState.TRUSTED
    assert [f.code for f in summary.ingredient_failures] == ["assertion.dataHash.mismatch"]
    by_relation = {c.relation: c for c in summary.claims}
    assert by_relation["active"].intact
    assert not by_relation["parent"].intact


def test_the_parent_keeps_its_own_manifest_and_its_own_trust(
    draw: Callable[..., bytes], sign: Callable[..., bytes], trust: Trust
) -> None:
    parent = sign(draw(seed=4), signer="B")
    summary = read(sign(draw(seed=5), parent=parent), trust)
    assert summary.state is ManifestState.TRUSTED
    assert summary.ingredient_failures == ()
    said = {c.relation: (c.claim, c.trusted, c.intact) for c in summary.claims}
    assert said == {
        "active": (Claim.AI_EDITED, True, True),
        "parent": (Claim.GENERATED, False, True),
    }


@pytest.mark.parametrize("text", ["umbrella", "-----BEGIN CERTIFICATE-----\0"])
def test_anchors_that_are_no_certificates_are_refused(text: str) -> None:
    with pytest.raises(InvalidConfiguration, match="certificate"):
        Trust(anchors=text)


@pytest.mark.parametrize("purpose", ["", "umbrella", "1.2\n1.3"])
def test_a_purpose_that_is_no_object_identifier_is_refused(purpose: str) -> None:
    with pytest.raises(InvalidConfiguration, match="object identifier"):
        Trust(purposes=(purpose,))


@pytest.mark.parametrize("purpose", PURPOSES)
def test_every_purpose_in_use_is_accepted_and_another_policy_may_refuse_it(
    purpose: str, draw: Callable[..., bytes]
) -> None:
    credentials = signing_credentials("purpose", purpose=ObjectIdentifier(purpose))
    content = sign_generated(
        open_media(draw()),
        certificate_chain_pem=credentials.chain_pem,
        private_key_pem=credentials.key_pem,
        generator="Umbrella painter",
    ).content
    anchors = credentials.anchors_pem
    assert read(content, Trust(anchors=anchors)).state is ManifestState.TRUSTED
    strict = read(content, Trust(anchors=anchors, purposes=(EMAIL_PROTECTION,)))
    if purpose != EMAIL_PROTECTION:
        assert strict.state is ManifestState.VALID
        assert "signingCredential.invalid" in codes(strict)
        assert strict.checks is not None
        assert strict.checks.certificate.status is CertificateStatus.UNSUITABLE
        assert purpose in strict.checks.certificate.reasons[0]


def test_a_damaged_anchor_is_a_configuration_error_or_trusts_nobody(signed: bytes) -> None:
    damaged = "-----BEGIN CERTIFICATE-----\nbGlnaHRob3VzZQ==\n-----END CERTIFICATE-----\n"
    try:
        state = read(signed, Trust(anchors=damaged)).state
    except InvalidConfiguration:
        return
    assert state is ManifestState.VALID


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_damage_gives_a_state_or_a_typed_error_and_never_a_crash(
    data: st.DataObject, signed: bytes, trust: Trust
) -> None:
    content = bytearray(signed)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        kind = data.draw(st.sampled_from(["set", "cut", "insert"]))
        if kind == "set":
            content[at] = data.draw(st.integers(0, 255))
        elif kind == "cut":
            del content[at : at + data.draw(st.integers(1, 64))]
        else:
            content[at:at] = data.draw(st.binary(max_size=16))
    try:
        state = read(bytes(content), trust).state
    except LightkeeperError:
        return
    assert isinstance(state, ManifestState)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_no_byte_of_the_picture_can_change_unnoticed(
    data: st.DataObject, signed: bytes, trust: Trust
) -> None:
    begin, end = jpeg_manifest_span(signed)
    outside = st.one_of(st.integers(0, begin - 1), st.integers(end, len(signed) - 1))
    at, change = data.draw(outside), data.draw(st.integers(1, 255))
    content = signed[:at] + bytes([signed[at] ^ change]) + signed[at + 1 :]
    try:
        state = read(content, trust).state
    except LightkeeperError:
        return
    assert state not in (ManifestState.TRUSTED, ManifestState.VALID)
