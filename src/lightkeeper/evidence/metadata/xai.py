"""The signature that xAI's generator leaves in EXIF.

``ImageDescription`` or ``UserComment`` starts with ``Signature:`` and ``Artist`` holds a UUID.
Reported by third-party readers; its key is not public, so it is a mark and proves nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.evidence._finding import Claim, Details, Hypothesis
from lightkeeper.evidence.metadata._declared import declared

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lightkeeper.evidence._finding import Finding
    from lightkeeper.media import Embedded

_SIGNATURE = re.compile(r"\s*Signature:\s*([A-Za-z0-9+/=_-]{16,4096})\s*")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class XaiSignature(Details):
    """The signature and the identifier beside it, as written."""

    signature: str
    artist: str


def signature_findings(embedded: Embedded) -> Iterable[Finding]:
    """The signature, only where both of its halves are present."""
    artist = (embedded.exif_text("ifd0", 0x013B) or "").strip(" \0")
    if not _UUID.fullmatch(artist):
        return
    places = (
        ("exif:ImageDescription", embedded.exif_text("ifd0", 0x010E)),
        ("exif:UserComment", embedded.exif_text("exif", 0x9286)),
    )
    for source, text in places:
        match = _SIGNATURE.fullmatch((text or "").rstrip("\0"))
        if match:
            yield declared(
                Claim.GENERATED,
                "EXIF carries a signature and an identifier in the form that xAI's generator "
                "writes; the signature cannot be checked.",
                source=source,
                supports=Hypothesis.GENERATED,
                details=XaiSignature(signature=match[1], artist=artist),
            )
            return
