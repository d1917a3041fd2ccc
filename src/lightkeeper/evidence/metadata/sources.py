"""The examiner of source declarations: what a file says of itself, without a signature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.evidence._finding import Claim, Details, Tier
from lightkeeper.evidence.metadata import _declared
from lightkeeper.evidence.metadata._declared import declared, shown
from lightkeeper.evidence.metadata._iptc_source import source_type_findings
from lightkeeper.evidence.metadata.credits import credit_findings
from lightkeeper.evidence.metadata.resaved import (
    camera_findings,
    software_findings,
    stripped_findings,
)
from lightkeeper.evidence.metadata.tc260 import label_findings
from lightkeeper.evidence.metadata.xai import signature_findings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lightkeeper.evidence._finding import Finding
    from lightkeeper.media import Embedded, Media

DERIVED_FROM = "urn:lightkeeper:derived-from:1.0/"
"""Namespace of the link that a transcode leaves where it had to drop a signed manifest."""
_DCTERMS = "http://purl.org/dc/terms/"


@dataclass(frozen=True, slots=True)
class ManifestReference(Details):
    """Where a file says that its C2PA manifest is kept, inside it (``self#…``) or elsewhere."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedFrom(Details):
    """The signed file that this one says it was made from."""

    sha256: str
    manifest: str | None


class SourceExaminer:
    """Reads unsigned declarations of origin: source types, labels, credits, cameras, editors."""

    name = _declared.EXAMINER
    version = _declared.VERSION
    tier = Tier.BYTES

    def unavailable(self) -> str | None:
        """Always available."""
        return None

    def examine(self, media: Media) -> list[Finding]:
        """Findings in a fixed order; all of them rest on text that anyone can write."""
        embedded = media.embedded()
        return [
            *source_type_findings(embedded),
            *label_findings(embedded),
            *credit_findings(embedded),
            *signature_findings(embedded),
            *software_findings(embedded),
            *camera_findings(embedded),
            *_manifest_reference_findings(embedded),
            *_derivation_findings(embedded),
            *stripped_findings(media),
        ]


def _manifest_reference_findings(embedded: Embedded) -> Iterable[Finding]:
    url = (embedded.xmp_value(_DCTERMS, "provenance") or "").strip()
    if url.startswith(("http://", "https://")):
        yield declared(
            Claim.PROVENANCE,
            f"XMP names a remote manifest, which was not fetched: {shown(url, limit=120)}",
            source="xmp:provenance",
            details=ManifestReference(url),
        )
    elif url.startswith("self#") and not embedded.has_c2pa:
        yield declared(
            Claim.STRIPPED,
            "XMP refers to a C2PA manifest inside the file, but there is none.",
            source="xmp:provenance",
            details=ManifestReference(url),
        )


def _derivation_findings(embedded: Embedded) -> Iterable[Finding]:
    digest = embedded.xmp_value(DERIVED_FROM, "SourceSha256")
    if digest:
        yield declared(
            Claim.PROVENANCE,
            "XMP says that the file was made from one that carried a C2PA manifest "
            f"(SHA-256 {shown(digest)}); the link itself is not signed.",
            source="xmp:derived-from",
            details=DerivedFrom(
                sha256=digest, manifest=embedded.xmp_value(DERIVED_FROM, "SourceManifest")
            ),
        )
