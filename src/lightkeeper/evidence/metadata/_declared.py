"""The form that every unsigned declaration of origin takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.evidence._finding import Basis, Claim, Finding, Hypothesis

if TYPE_CHECKING:
    from lightkeeper.evidence._finding import Details

EXAMINER = "sources"
VERSION = "2"


def declared(
    claim: Claim,
    summary: str,
    *,
    source: str,
    supports: Hypothesis | None = None,
    details: Details | None = None,
) -> Finding:
    """Build a finding about text that anyone can write: ``Basis.ASSERTED``, no likelihood."""
    return Finding(
        claim=claim,
        basis=Basis.ASSERTED,
        summary=summary,
        examiner=EXAMINER,
        version=VERSION,
        source=source,
        supports=supports,
        details=details,
        limits=("anyone-can-write",),
    )


def shown(text: str, *, limit: int = 80) -> str:
    """A short form of untrusted text for a summary: printable, one line."""
    line = "".join(c if c.isprintable() else " " for c in text[: limit + 1]).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"
