"""What a registry adds to the finding of a mark."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from lightkeeper.evidence._finding import Basis, Claim, Details, Finding
from lightkeeper.evidence.watermark.registry._compare import Comparison, Likeness, compare
from lightkeeper.evidence.watermark.registry._entry import MarkEntry, payload_hex

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from lightkeeper.evidence.watermark.registry._ports import MarkRegistry
    from lightkeeper.evidence.watermark.registry._withdrawal import Withdrawal

COPIED: Final = "copied-mark"
UNKNOWN: Final = "payload-unknown"
UNTOLD: Final = "fingerprint-cannot-tell"
SAYS_SO: Final = "registry-says-so"
WITHDRAWN: Final = "entry-withdrawn"
WITHHELD: Final = "sketch-withheld"
_MOST_COMPARED: Final = 16
"""Of entries of one payload in one registry, so that none can hide those of another; where there
are more, none is called copied. Which ones they are never depends on what was withdrawn."""


class Standing(StrEnum):
    """What a registry says of a mark in a picture."""

    REGISTERED = "registered"
    """The picture is the one that the entry is about."""
    COPIED = "copied"
    """It is another picture."""
    UNTOLD = "cannot-be-told"
    WITHHELD = "sketch-withheld"
    """The registry was published without its sketches: only its holder can say."""
    WITHDRAWN = "withdrawn"
    """The entry does not count any more, so that nothing is known."""
    UNKNOWN = "unknown-payload"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredMark(Details):
    """The entry of a mark, and whether its fingerprint is that of the picture."""

    standing: Standing
    payload: str
    registry: str
    organisation: str
    model: str
    version: str | None
    period: str
    manifest_sha256: str | None
    manifest_url: str | None
    withdrawn: Withdrawal | None
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Answer:
    """What all registries together say; the entry that fits best, if there is any."""

    standing: Standing
    registry: str | None = None
    entry: MarkEntry | None = None
    comparison: Comparison | None = None


def look_up(
    payload: int,
    rgb: NDArray[np.uint8],
    registries: Sequence[MarkRegistry],
    *,
    matrix: NDArray[np.float64] | None = None,
) -> Answer:
    """Find the entry of a payload, and compare the picture with it.

    A payload may have several entries, of one registry or of more. One that the picture matches
    settles it; the mark counts as copied only where the picture matches none of them. An entry
    that was withdrawn never settles anything; a picture that it may be about is not called copied.
    All entries are compared alike, with the same decoys and as many choices, withdrawn or not: so
    a withdrawal never makes a picture registered.

    Parameters
    ----------
    payload : int
        As read from the picture.
    rgb : uint8, shape (H, W, 3)
    registries : sequence of MarkRegistry
    matrix : float64, shape (2, 2), optional
        As in :func:`compare`.
    """
    compared: list[Answer] = []
    all_seen, all_withdrawn = True, True
    choices = sum(map(len, registries))
    for registry in registries:
        found = registry.find(payload)
        all_seen &= len(found) <= _MOST_COMPARED
        all_withdrawn &= all(entry.withdrawn for entry in found)
        decoys = registry.decoys(payload) if found else ()
        for entry in found[:_MOST_COMPARED]:
            likeness = compare(
                rgb, entry.fingerprint, matrix=matrix, decoys=decoys, choices=choices
            )
            standing = _standing(likeness.likeness, entry)
            compared.append(Answer(standing, registry.name, entry, likeness))
    if not compared:
        return Answer(Standing.UNKNOWN)
    best = max(compared, key=_rank)
    if best.standing is Standing.COPIED and all_withdrawn:
        return replace(best, standing=Standing.WITHDRAWN)
    if best.standing is Standing.COPIED and not all_seen:
        return replace(best, standing=Standing.UNTOLD)
    return best


def _standing(likeness: Likeness, entry: MarkEntry) -> Standing:
    if entry.withdrawn and likeness is not Likeness.DIFFERS:
        return Standing.WITHDRAWN
    if entry.fingerprint.sketch is None:
        return Standing.WITHHELD
    return _STANDINGS[likeness]


def _rank(answer: Answer) -> tuple[int, bool, float]:
    """What settles more comes first; of two, the entry that stands, and the one that fits."""
    assert answer.entry is not None
    assert answer.comparison is not None
    stands = answer.entry.withdrawn is None
    return _RANKS[answer.standing], stands, answer.comparison.agreement


_STANDINGS: Final = {
    Likeness.MATCHES: Standing.REGISTERED,
    Likeness.DIFFERS: Standing.COPIED,
    Likeness.CONSISTENT: Standing.WITHHELD,
    Likeness.CANNOT_TELL: Standing.UNTOLD,
}
_RANKS: Final = {
    Standing.COPIED: 0,
    Standing.WITHDRAWN: 1,
    Standing.WITHHELD: 2,
    Standing.UNTOLD: 3,
    Standing.REGISTERED: 4,
}


def with_registries(finding: Finding, answer: Answer, *, payload: int) -> tuple[Finding, ...]:
    """The finding of a mark, with what registries say of it.

    Parameters
    ----------
    finding : Finding
        That the picture carries the mark.
    answer : Answer
        Of :func:`look_up`.
    payload : int

    Returns
    -------
    tuple of Finding
        The finding itself and, where the payload is known, one about its entry. The mark supports
        an origin only if the picture is the entry's: whether it is copied, cannot be told, or its
        entry was withdrawn or published without a sketch, nobody vouches for it. A copied mark is
        the conflict ``copied-mark``, too: that raises a priority and never lowers one.
    """
    if answer.entry is None or answer.registry is None or answer.comparison is None:
        return (replace(finding, limits=(*finding.limits, UNKNOWN)),)
    details = _details(payload, answer.standing, answer.registry, answer.entry, answer.comparison)
    own = replace(
        finding,
        claim=Claim.PROVENANCE,
        basis=Basis.PUBLIC_MARK,
        supports=None,
        log10_lr=None,
        details=details,
    )
    names = f"the entry of {answer.entry.maker}, {answer.entry.period}, in '{answer.registry}'"
    if answer.standing is Standing.REGISTERED:
        said = f"The mark's payload {details.payload} names {names}, and the picture is the one "
        summary = f"{said}that the entry is about ({_how(answer.comparison)})."
        return finding, replace(own, summary=summary, limits=("key-is-public", SAYS_SO))
    alone = replace(finding, supports=None, log10_lr=None)
    if answer.entry.withdrawn is not None:
        gone = answer.entry.withdrawn
        summary = (
            f"The mark's payload {details.payload} names {names}, which was withdrawn on {gone.on} "
            f"({gone.reason.value}): nothing follows from it."
        )
        limits = ("key-is-public", SAYS_SO, WITHDRAWN)
        return (
            replace(alone, limits=(*finding.limits, WITHDRAWN)),
            replace(own, summary=summary, limits=limits),
        )
    if answer.standing in _UNSURE:
        code, words = _UNSURE[answer.standing]
        said = f"The mark's payload {details.payload} names {names}; whether this is its picture "
        summary = f"{said}{words} ({_how(answer.comparison)})."
        return (
            replace(alone, limits=(*finding.limits, code)),
            replace(own, summary=summary, limits=("key-is-public", SAYS_SO, code)),
        )
    summary = (
        f"Copied mark: its payload {details.payload} names {names}, and this is another picture "
        f"({_how(answer.comparison)})."
    )
    conflict = replace(
        own, claim=Claim.CONTRADICTION, summary=summary, limits=(SAYS_SO,), conflict=COPIED
    )
    # A mark that was lifted from elsewhere says nothing about where this picture comes from.
    return replace(alone, limits=(*finding.limits, COPIED)), conflict


_UNSURE: Final = {
    Standing.UNTOLD: (UNTOLD, "cannot be told"),
    Standing.WITHHELD: (WITHHELD, "only the registry's holder can say"),
}


def _details(
    payload: int, standing: Standing, registry: str, entry: MarkEntry, comparison: Comparison
) -> RegisteredMark:
    return RegisteredMark(
        standing=standing,
        payload=payload_hex(payload),
        registry=registry,
        organisation=entry.organisation,
        model=entry.model,
        version=entry.version,
        period=entry.period,
        manifest_sha256=entry.manifest_sha256,
        manifest_url=entry.manifest_url,
        withdrawn=entry.withdrawn,
        comparison=comparison,
    )


def _how(comparison: Comparison) -> str:
    said = []
    if comparison.pdq_distance is not None:
        said.append(f"PDQ {comparison.pdq_distance} bits away")
    if comparison.likeness is Likeness.CONSISTENT:
        said.append("consistent with the entry")
    if comparison.cells:
        said.append(f"sketch agrees by {comparison.agreement:.2f} over {comparison.cells:,} cells")
    if comparison.parts:
        said.append(f"{comparison.agreeing} of {comparison.parts} parts agree")
    if comparison.forged_psnr is not None and comparison.likeness is Likeness.MATCHES:
        said.append(f"another picture would need damage to {comparison.forged_psnr:.0f} dB")
    return ", ".join(said) or "too little of it is left"
