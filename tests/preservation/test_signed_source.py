"""A signed manifest cannot be carried to other bytes: it is named instead."""

from __future__ import annotations

import hashlib
import io
import zlib

import pytest
from PIL import Image

from lightkeeper.evidence import Basis, Claim, Hypothesis
from lightkeeper.evidence.metadata import SourceExaminer
from lightkeeper.evidence.metadata.sources import DerivedFrom
from lightkeeper.evidence.provenance import ManifestState, read_manifest
from lightkeeper.labelling import sign_generated
from lightkeeper.media import Media, MediaFormat, open_media
from lightkeeper.preservation import transcode
from lightkeeper.testing import photo_like, signing_credentials


@pytest.fixture(scope="module")
def signed() -> Media:
    buffer = io.BytesIO()
    Image.fromarray(photo_like(3, width=48, height=40)).save(buffer, "PNG")
    credentials = signing_credentials()
    return open_media(
        sign_generated(
            open_media(buffer.getvalue()),
            certificate_chain_pem=credentials.chain_pem,
            private_key_pem=credentials.key_pem,
            generator="Umbrella painter",
        ).content
    )


@pytest.mark.parametrize("target", list(MediaFormat)[:3])
def test_the_manifest_is_dropped_and_its_source_named(signed: Media, target: MediaFormat) -> None:
    done = transcode(signed, target)
    media = open_media(done.content)
    assert read_manifest(media).state is ManifestState.NONE
    assert [c.what for c in done.dropped] == ["C2PA manifest"]
    source_type, link = SourceExaminer().examine(media)
    assert isinstance(link.details, DerivedFrom)
    assert link.details.sha256 == hashlib.sha256(signed.content).hexdigest()
    assert link.details.manifest == read_manifest(signed).manifests[0].label
    assert link.supports is None
    # The copy still says that it was generated, and now anyone could have written that.
    assert (source_type.claim, source_type.basis) == (Claim.GENERATED, Basis.ASSERTED)
    assert source_type.supports is Hypothesis.GENERATED


def test_a_manifest_that_does_not_hold_leaves_no_source_type(signed: Media) -> None:
    end = signed.content.index(b"IEND") - 4
    chunk = b"tEXtTitle\0kite"
    added = len(chunk[4:]).to_bytes(4) + chunk + zlib.crc32(chunk).to_bytes(4)
    source = open_media(signed.content[:end] + added + signed.content[end:])
    assert read_manifest(source).state is ManifestState.INVALID
    copy = open_media(transcode(source, MediaFormat.JPEG).content)
    assert all(f.supports is None for f in SourceExaminer().examine(copy))


def test_a_source_type_that_xmp_states_already_is_not_written_twice(signed: Media) -> None:
    once = transcode(signed, MediaFormat.PNG)
    credentials = signing_credentials()
    again = sign_generated(
        open_media(once.content),
        certificate_chain_pem=credentials.chain_pem,
        private_key_pem=credentials.key_pem,
        generator="Umbrella painter",
    ).content
    copy = transcode(open_media(again), MediaFormat.JPEG)
    assert "source type" in [c.what for c in once.moved]
    assert "source type" not in [c.what for c in (*copy.kept, *copy.moved)]
    assert copy.content.count(b"</Iptc4xmpExt:DigitalSourceType>") == 1


def test_the_link_stays_through_further_transcodes(signed: Media) -> None:
    once = open_media(transcode(signed, MediaFormat.JPEG).content)
    twice = open_media(transcode(once, MediaFormat.WEBP).content)
    assert SourceExaminer().examine(twice) == SourceExaminer().examine(once)
    assert twice.content.count(b"</lkfrom:SourceSha256>") == 1


def test_the_sidecar_says_what_the_manifest_was(signed: Media) -> None:
    sidecar = transcode(signed, MediaFormat.JPEG).sidecar
    assert sidecar is not None
    assert sidecar["not_held"]["c2pa"]["SourceManifestState"] == "valid"
