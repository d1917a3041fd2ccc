"""The examiner of source declarations: what a file says of itself, without a signature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.evidence._finding import Claim, Details, Tier
from lightkeeper.evidence.metadata import _declared
from lightkeeper.evidence.metadata._declared import declared, shown
from lightkeeper.evidence.metadata._findings import parameters_finding
from lightkeeper.evidence.metadata._iptc_source import read_ai_properties, source_type_findings
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

_DCTERMS = "http://purl.org/dc/terms/"


@dataclass(frozen=True, slots=True)
class ManifestReference(Details):
    """Where a file says that its C2PA manifest is kept, inside it (``self#…``) or elsewhere."""

    url: str


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
            *_ai_property_findings(embedded),
            *label_findings(embedded),
            *credit_findings(embedded),
            *signature_findings(embedded),
            *software_findings(embedded),
            *camera_findings(embedded),
            *_manifest_reference_findings(embedded),
            *stripped_findings(media),
        ]


def _ai_property_findings(embedded: Embedded) -> Iterable[Finding]:
    record = read_ai_properties(embedded)
    if record is not None:
        yield parameters_finding(record, examiner=_declared.EXAMINER, version=_declared.VERSION)


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
