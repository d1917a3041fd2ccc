"""Credit lines that services put on what they generated or edited.

Google writes them as IPTC Credit (2:110) or ``photoshop:Credit``; Apple's Clean Up names itself in
the same field. A credit that only *contains* such words ("not Made with Google AI") is not one.

References
----------
.. [1] Google, "More transparency for AI edits in Google Photos", 2024.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.evidence._finding import Claim, Details, Hypothesis
from lightkeeper.evidence.metadata._declared import declared

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lightkeeper.evidence._finding import Finding
    from lightkeeper.media import Embedded

PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
_CREDITS = {
    "made with google ai": Hypothesis.GENERATED,
    "edited with google ai": Hypothesis.AI_EDITED,
    "ai-generated with google": Hypothesis.AI_EDITED,
    # Google Photos writes it on pictures that Magic Editor changed.
    "ai-generated with google photos": Hypothesis.AI_EDITED,
    "apple photos clean up": Hypothesis.AI_EDITED,
}


@dataclass(frozen=True, slots=True)
class Credit(Details):
    """A credit line as written."""

    text: str


def credit_findings(embedded: Embedded) -> Iterable[Finding]:
    """Known credit lines in XMP and IPTC."""
    for source, text in _credits(embedded):
        supports = _CREDITS.get(" ".join(text.lower().split()).rstrip("."))
        if supports is not None:
            edited = supports is Hypothesis.AI_EDITED
            yield declared(
                Claim.AI_EDITED if edited else Claim.GENERATED,
                f"The credit line reads “{text.strip()}”.",
                source=source,
                supports=supports,
                details=Credit(text),
            )


def _credits(embedded: Embedded) -> Iterator[tuple[str, str]]:
    for leaf in embedded.xmp:
        if leaf.namespace == PHOTOSHOP and leaf.name == "Credit":
            yield "xmp:Credit", leaf.value
    for block in embedded.texts:
        if block.carrier == "iptc:2:110":
            yield block.carrier, block.text
