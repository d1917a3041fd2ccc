"""IPTC Digital Source Type, and the IPTC 2025.1 properties about AI systems.

References
----------
.. [1] IPTC NewsCodes, scheme ``digitalsourcetype``.
.. [2] IPTC Photo Metadata Standard 2025.1, AI properties.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lightkeeper.evidence._finding import Claim, Details, Hypothesis
from lightkeeper.evidence._source_types import is_source_type_field, source_type_term
from lightkeeper.evidence.metadata._declared import declared, shown
from lightkeeper.evidence.metadata._record import GenerationRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lightkeeper.evidence._finding import Finding
    from lightkeeper.evidence.metadata._carriers import Carriers
    from lightkeeper.media import Embedded, XmpProperty

IPTC_EXTENSION = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
NAMESPACES = frozenset(
    {
        IPTC_EXTENSION,
        # Some writers use the namespace without its slash, or that of the older core schema.
        "http://iptc.org/std/Iptc4xmpExt/2008-02-29",
        "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
        # PLUS defined the property before IPTC did.
        "http://ns.useplus.org/ldf/xmp/1.0/",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceType(Details):
    """A declared digital source type: ``code`` of the IPTC list, ``value`` as written."""

    code: str
    value: str
    known: bool


class _Meaning(NamedTuple):
    claim: Claim
    supports: Hypothesis | None
    words: str


def _said(claim: Claim, words: str, supports: Hypothesis | None = None) -> _Meaning:
    return _Meaning(claim, supports, words)


_GENERATED, _AI_EDITED, _CAPTURED = Hypothesis.GENERATED, Hypothesis.AI_EDITED, Hypothesis.CAPTURED
_MEANINGS = {
    "trainedAlgorithmicMedia": _said(Claim.GENERATED, "made by a generative model", _GENERATED),
    "compositeWithTrainedAlgorithmicMedia": _said(
        Claim.AI_EDITED, "edited or composed with a generative model", _AI_EDITED
    ),
    "compositeSynthetic": _said(
        Claim.AI_EDITED, "a composite that includes elements of a generative model", _AI_EDITED
    ),
    "digitalCapture": _said(Claim.CAPTURED, "captured by a digital camera", _CAPTURED),
    "computationalCapture": _said(
        Claim.CAPTURED, "captured from several frames of a camera", _CAPTURED
    ),
    "compositeCapture": _said(Claim.CAPTURED, "a composite of captured pictures", _CAPTURED),
    "negativeFilm": _said(Claim.CAPTURED, "digitised from a negative", _CAPTURED),
    "positiveFilm": _said(Claim.CAPTURED, "digitised from a positive", _CAPTURED),
    "print": _said(Claim.CAPTURED, "digitised from a print", _CAPTURED),
    "humanEdits": _said(Claim.EDITED, "edited by a person without generative tools"),
    "minorHumanEdits": _said(Claim.EDITED, "slightly edited by a person"),
    "algorithmicallyEnhanced": _said(Claim.EDITED, "enhanced by an algorithm"),
    "composite": _said(Claim.EDITED, "a composite of elements of any kind"),
    "digitalCreation": _said(Claim.PROVENANCE, "drawn by a person with digital tools"),
    "digitalArt": _said(Claim.PROVENANCE, "drawn by a person with digital tools"),
    "softwareImage": _said(Claim.PROVENANCE, "made with software"),
    "algorithmicMedia": _said(Claim.PROVENANCE, "made by an algorithm without training data"),
    "dataDrivenMedia": _said(Claim.PROVENANCE, "drawn from data"),
    "screenCapture": _said(Claim.PROVENANCE, "captured from a screen"),
    "virtualRecording": _said(Claim.PROVENANCE, "recorded in a virtual scene"),
}


def is_source_type(leaf: XmpProperty) -> bool:
    """Whether an XMP property is the digital source type, in any case that writers use."""
    return leaf.namespace in NAMESPACES and is_source_type_field(leaf.name)


def source_type_findings(embedded: Embedded) -> Iterable[Finding]:
    """One finding for each different declaration, under the meaning of the IPTC list.

    ``composite`` and ``virtualRecording`` may or may not involve a generative model: they support
    nothing.
    """
    seen: set[str] = set()
    for leaf in embedded.xmp:
        if not is_source_type(leaf):
            continue
        value = leaf.value.strip()
        if value and value not in seen:
            seen.add(value)
            yield _finding(value, f"xmp:{leaf.path}")


def _finding(value: str, source: str) -> Finding:
    code = source_type_term(value)
    details = SourceType(code=code, value=value, known=code in _MEANINGS)
    if not details.known:
        return declared(
            Claim.PROVENANCE,
            f"XMP declares a digital source type that is not in the IPTC list: {shown(value)}.",
            source=source,
            details=details,
        )
    meaning = _MEANINGS[code]
    return declared(
        meaning.claim,
        f"XMP declares the digital source type {code}: {meaning.words}.",
        source=source,
        supports=meaning.supports,
        details=details,
    )


def read(carriers: Carriers) -> Iterable[GenerationRecord]:
    """Record of the IPTC 2025.1 AI properties, where a prompt or a system is given.

    ``tool`` is the declared system in lower case, or ``iptc-ai`` where only a prompt is given.
    """
    names = ("AIPromptInformation", "AIPromptWriterName", "AISystemUsed", "AISystemVersionUsed")
    found = {
        leaf.name: leaf.value.strip()
        for leaf in reversed(carriers.embedded.xmp)
        if leaf.name in names and leaf.namespace in NAMESPACES and leaf.value.strip()
    }
    prompt, system = found.get("AIPromptInformation"), found.get("AISystemUsed")
    if prompt is None and system is None:
        return
    yield GenerationRecord(
        tool=system.lower().replace(" ", "-") if system else "iptc-ai",
        tool_version=found.get("AISystemVersionUsed"),
        carrier="xmp:AIPromptInformation" if prompt else "xmp:AISystemUsed",
        positive_prompt=prompt,
        extra={name: found[name] for name in names if name in found},
        raw=prompt or system or "",
    )
