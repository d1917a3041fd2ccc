from __future__ import annotations

import io
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from PIL import Image

from lightkeeper.errors import EvidenceError, InvalidConfiguration, UnsupportedMedia
from lightkeeper.evidence.provenance import ManifestState, SoftBinding, Trust, read_manifest
from lightkeeper.evidence.provenance._origin import edited_since
from lightkeeper.labelling import SourceType, sign_generated
from lightkeeper.media import Media, open_media
from lightkeeper.testing import SigningCredentials, photo_like, signing_credentials


def picture(form: str = "PNG", **options: Any) -> Media:
    buffer = io.BytesIO()
    Image.fromarray(photo_like(7, width=48, height=40)).save(buffer, form, **options)
    return open_media(buffer.getvalue())


def sign(media: Media, credentials: SigningCredentials | None = None, **options: Any) -> bytes:
    credentials = credentials or signing_credentials()
    given: dict[str, Any] = {
        "certificate_chain_pem": credentials.chain_pem,
        "private_key_pem": credentials.key_pem,
        "generator": "Umbrella painter",
    }
    return sign_generated(media, **(given | options)).content


def pixels(content: bytes) -> bytes:
    with Image.open(io.BytesIO(content)) as image:
        return image.convert("RGB").tobytes()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF"])
def test_signing_leaves_every_pixel_and_the_format_as_they_are(form: str) -> None:
    media = picture(form)
    signed = sign(media)
    assert pixels(signed) == pixels(media.content)
    assert open_media(signed).format is media.format


def test_signing_keeps_the_metadata_that_was_there() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a lighthouse at dusk"
    with Image.open(io.BytesIO(sign(picture("JPEG", exif=exif, comment=b"bicycle")))) as image:
        assert image.getexif()[0x010E] == "a lighthouse at dusk"
        assert image.info["comment"] == b"bicycle"


def test_the_manifest_says_what_was_asked_and_the_signer_vouches_for_it() -> None:
    signed = sign(
        picture(),
        generator_version="2.1",
        source_type=SourceType.PARTLY,
        soft_binding=SoftBinding("com.example.mark.1", "c0ffee"),
    )
    trust = Trust(anchors=signing_credentials().anchors_pem)
    summary = read_manifest(open_media(signed), trust=trust)
    assert summary.state is ManifestState.TRUSTED
    (action,) = summary.manifests[0].actions
    assert action.digital_source_type == "compositeWithTrainedAlgorithmicMedia"
    assert action.software_agent is not None
    assert (action.software_agent.name, action.software_agent.version) == (
        "Umbrella painter",
        "2.1",
    )
    assert action.attested
    assert summary.soft_bindings == (SoftBinding("com.example.mark.1", "c0ffee"),)
    assert {"c2pa.ai-disclosure", "c2pa.soft-binding"} <= set(summary.manifests[0].assertions)


def test_a_mark_is_bound_by_an_action_that_is_no_edit() -> None:
    bound = SoftBinding("io.github.lightkeeper.lattice.1", "00c0ffee0042")
    trust = Trust(anchors=signing_credentials().anchors_pem)
    summary = read_manifest(open_media(sign(picture(), soft_binding=bound)), trust=trust)
    assert (summary.state, summary.soft_bindings) == (ManifestState.TRUSTED, (bound,))
    names = [action.action for action in summary.manifests[0].actions]
    assert names == ["c2pa.created", "c2pa.watermarked.bound"]
    assert not edited_since(summary.manifests[0])


def test_a_parent_is_opened_first_and_its_manifest_travels_along() -> None:
    parent = open_media(sign(picture("JPEG")))
    signed = sign(picture(), parent=parent, source_type=SourceType.PARTLY)
    summary = read_manifest(open_media(signed))
    assert [a.action for a in summary.manifests[0].actions] == ["c2pa.opened", "c2pa.edited"]
    (ingredient,) = summary.manifests[0].ingredients
    assert ingredient.relationship == "parentOf"
    assert ingredient.manifest == summary.manifests[1].label


@pytest.mark.parametrize("header", ["EC PRIVATE KEY", "PRIVATE KEY"])
def test_both_usual_forms_of_a_key_are_read(header: str) -> None:
    credentials = signing_credentials()
    key = serialization.load_pem_private_key(credentials.key_pem.encode(), None)
    form = (
        serialization.PrivateFormat.TraditionalOpenSSL
        if header.startswith("EC")
        else serialization.PrivateFormat.PKCS8
    )
    pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    assert f"BEGIN {header}".encode() in pem
    assert sign(picture(), private_key_pem=pem)


def test_a_manifest_that_is_there_is_never_replaced_silently() -> None:
    signed = open_media(sign(picture()))
    with pytest.raises(EvidenceError, match="carries a manifest already") as refused:
        sign(signed)
    assert "parent" in (refused.value.hint or "")


def test_a_format_without_room_for_a_manifest_is_refused() -> None:
    with pytest.raises(UnsupportedMedia, match="BMP"):
        sign(picture("BMP"))


def pem_key(key: ec.EllipticCurvePrivateKey | dsa.DSAPrivateKey, password: bytes = b"") -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption(),
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"certificate_chain_pem": "umbrella"}, "no readable PEM certificate"),
        ({"certificate_chain_pem": ""}, "no readable PEM certificate"),
        ({"private_key_pem": "umbrella"}, "not a readable PEM key"),
        ({"private_key_pem": pem_key(ec.generate_private_key(ec.SECP256R1()))}, "does not belong"),
        ({"private_key_pem": pem_key(ec.generate_private_key(ec.SECP256K1()))}, "this kind of key"),
        (
            {"private_key_pem": pem_key(ec.generate_private_key(ec.SECP256R1()), b"bicycle")},
            "encrypted",
        ),
        ({"private_key_pem": pem_key(dsa.generate_private_key(1024))}, "this kind of key"),
    ],
)
def test_unusable_credentials_are_named_before_anything_is_signed(
    changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidConfiguration, match=message):
        sign(picture(), **changed)


@pytest.mark.parametrize(
    ("credentials", "reason"),
    [
        (signing_credentials("old", days=-1), "expired"),
        (
            signing_credentials("web", purpose=ExtendedKeyUsageOID.SERVER_AUTH),
            "for something else",
        ),
        (
            signing_credentials("any", purpose=ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE),
            "for something else",
        ),
    ],
)
def test_a_certificate_outside_the_c2pa_profile_is_explained(
    credentials: SigningCredentials, reason: str
) -> None:
    with pytest.raises(InvalidConfiguration, match=reason) as refused:
        sign(picture(), credentials)
    assert "emailProtection" in (refused.value.hint or "")


def test_an_authority_may_not_sign_and_neither_may_a_self_signed_certificate() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    root = x509.load_pem_x509_certificate(signing_credentials().anchors_pem.encode())
    copied = (
        x509.CertificateBuilder(extensions=list(root.extensions))
        .subject_name(root.subject)
        .issuer_name(root.issuer)
        .public_key(key.public_key())
        .serial_number(root.serial_number)
        .not_valid_before(root.not_valid_before_utc)
        .not_valid_after(root.not_valid_after_utc)
        .sign(key, hashes.SHA256())
    )
    pem = copied.public_bytes(serialization.Encoding.PEM)
    with pytest.raises(InvalidConfiguration, match="self-signed"):
        sign(picture(), certificate_chain_pem=pem, private_key_pem=pem_key(key))
