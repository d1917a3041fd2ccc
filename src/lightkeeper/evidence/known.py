"""Known material: what hash sets say of a file and of its picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from lightkeeper.evidence._finding import Basis, Claim, Details, Finding, Hypothesis, Tier
from lightkeeper.matching import EntryState, SetOrigin, SetState
from lightkeeper.matching._lookup import PDQ, LookupResult
from lightkeeper.matching._pictures import digest_matches, picture_matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lightkeeper.matching import EntryLabels, Match, Tlp
    from lightkeeper.matching._lookup import Lookup
    from lightkeeper.media import Media

_VERSION = "1"
_MOST_SUPPRESSED = 16
_LONGEST_ID = 80
_SUPPORTS = {
    SetOrigin.GENERATED: Hypothesis.GENERATED,
    SetOrigin.PHOTOGRAPHED: Hypothesis.CAPTURED,
    SetOrigin.ALTERED: Hypothesis.AI_EDITED,
    SetOrigin.UNKNOWN: None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownMatch(Details):
    """What one hash set holds of a picture: its nearest entry, and how many more it met."""

    set_name: str
    owner: str
    origin: SetOrigin
    handling: Tlp
    entry_number: int
    kind: str
    value: str
    labels: EntryLabels
    source: str | None = None
    source_id: str | None = None
    distance_bits: int = 0
    transform: str = "identity"
    entry_quality: int | None = None
    entry_variant: str | None = None
    query_quality: int | None = None
    query_variant: str | None = None
    query_value: str | None = None
    """The hash of the picture that met the entry, turned or cut as ``transform`` says."""
    set_state: SetState = SetState.ACTIVE
    entry_state: EntryState = EntryState.ACTIVE
    further_entries: int = 0
    suppressed: tuple[KnownMatch, ...] = ()
    """For a known benign picture: the near matches that do not count because of it."""

    @classmethod
    def of(
        cls, match: Match, *, further_entries: int = 0, suppressed: Sequence[Match] = ()
    ) -> KnownMatch:
        """Flatten a match."""
        hash_set, entry = match.hash_set, match.entry
        mention = entry.mentions[0] if entry.mentions else None
        return cls(
            set_name=hash_set.name,
            owner=hash_set.owner,
            origin=hash_set.origin,
            handling=hash_set.handling,
            entry_number=entry.number,
            kind=entry.kind,
            value=entry.value,
            source=mention.source if mention else None,
            source_id=mention.source_id if mention else None,
            distance_bits=match.distance_bits,
            transform=match.transform,
            labels=entry.labels,
            entry_quality=entry.quality,
            entry_variant=entry.variant,
            query_quality=match.query_quality,
            query_variant=match.query_variant,
            query_value=match.query_value,
            set_state=hash_set.state,
            entry_state=entry.state,
            further_entries=further_entries,
            suppressed=tuple(map(cls.of, suppressed[:_MOST_SUPPRESSED])),
        )


class _KnownExaminer:
    """What both examiners share: a look-up, and a version that changes with the sets."""

    name: str
    tier: Tier

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    @property
    def version(self) -> str:
        """Its own, and the revision of the sets: other entries give other findings."""
        return f"{_VERSION}+{self._lookup.revision()}"

    def unavailable(self) -> str | None:
        """Why it cannot run here: it always can."""
        return None

    def _findings(self, result: LookupResult) -> tuple[Finding, ...]:
        if result == LookupResult():
            return ()
        return tuple(known_findings(result, examiner=self.name, version=self.version))


class KnownDigestExaminer(_KnownExaminer):
    """Looks the file's cryptographic digests up in hash sets.

    Parameters
    ----------
    lookup : Lookup
        Best shared with :class:`KnownPictureExaminer`.
    """

    name = "known-digests"
    tier = Tier.BYTES

    def examine(self, media: Media) -> tuple[Finding, ...]:
        """One finding for each set that holds this very file."""
        return self._findings(digest_matches(media, self._lookup))


class KnownPictureExaminer(_KnownExaminer):
    """Looks the picture up in hash sets by PDQ: turned, mirrored and without bars too.

    Parameters
    ----------
    lookup : Lookup
        Best shared with :class:`KnownDigestExaminer`.
    """

    name = "known-pictures"
    tier = Tier.PIXELS

    def examine(self, media: Media) -> tuple[Finding, ...]:
        """One finding for each set that holds a near copy."""
        return self._findings(picture_matches(media, self._lookup))


def known_findings(result: LookupResult, *, examiner: str, version: str) -> Iterator[Finding]:
    """Findings of a look-up: matches, then leads, then what is known benign; one per set."""
    make = partial(_finding, examiner=examiner, version=version)
    for group in _by_set(result.matches):
        origin = group[0].hash_set.origin
        material = "" if origin is SetOrigin.UNKNOWN else f" of {origin.value} material"
        what = f"Matches the hash set '{group[0].hash_set.name}'{material}"
        yield make(group, what, limit="set-says-so", supports=_SUPPORTS[origin])
    for group in _by_set(result.leads):
        what = f"A lead in the hash set '{group[0].hash_set.name}', {_doubt(group[0])}"
        # One source without a second one is as good as any unsigned statement.
        yield make(group, what, limit="lead-only", basis=Basis.ASSERTED)
    for group in _by_set(result.benign):
        what = f"Known benign in the hash set '{group[0].hash_set.name}'"
        yield make(
            group,
            what,
            limit="set-says-so",
            claim=Claim.KNOWN_BENIGN,
            suppressed=result.suppressed,
        )


def _finding(
    group: Sequence[Match],
    what: str,
    *,
    limit: str,
    examiner: str,
    version: str,
    claim: Claim = Claim.KNOWN_MATERIAL,
    basis: Basis = Basis.KNOWN,
    supports: Hypothesis | None = None,
    suppressed: Sequence[Match] = (),
) -> Finding:
    nearest = group[0]
    is_near = nearest.entry.kind == PDQ
    limits = [limit]
    if is_near:
        limits.append("near-match")
    return Finding(
        claim=claim,
        basis=basis,
        summary=f"{what}: {_where(group)}{_hides(suppressed)}.",
        examiner=examiner,
        version=version,
        source="pixels:pdq" if is_near else f"hash:{nearest.entry.kind}",
        supports=supports,
        details=KnownMatch.of(nearest, further_entries=len(group) - 1, suppressed=suppressed),
        limits=tuple(limits),
    )


def _by_set(matches: Iterable[Match]) -> list[list[Match]]:
    """Matches of each set, sets and matches nearest first."""
    groups: dict[str, list[Match]] = {}
    for match in matches:
        groups.setdefault(match.hash_set.name, []).append(match)
    return list(groups.values())


def _where(group: Sequence[Match]) -> str:
    match = group[0]
    name = f"entry {match.entry.number}"
    mention = match.entry.mentions[0] if match.entry.mentions else None
    if mention and mention.source_id:
        name += f" ({_one_line(mention.source)}: {_one_line(mention.source_id)})"
    if match.entry.kind != PDQ:
        how = f"the same {match.entry.kind.upper()}"
    else:
        how = f"PDQ {match.distance_bits} bits away"
        if match.transform != "identity":
            how += f" after {match.transform}"
    further = len(group) - 1
    return f"{name}, {how}" + (f", and {further:,} more" if further else "")


def _doubt(match: Match) -> str:
    if match.hash_set.state is SetState.PARKED:
        return "which is parked"
    return "its entry parked" if match.entry.state is EntryState.PARKED else "confirmed by nobody"


def _one_line(text: str) -> str:
    # A source writes what it likes; it must not write lines of an explanation.
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_ID else line[:_LONGEST_ID] + "…"


def _hides(suppressed: Sequence[Match]) -> str:
    if not suppressed:
        return ""
    names = sorted({match.hash_set.name for match in suppressed})
    return f"; near matches in {', '.join(names)} do not count for that reason"
