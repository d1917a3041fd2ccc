"""What an examination found, in the words and the order in which a person reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lightkeeper.assessment._limits import LIMITS
from lightkeeper.cases.desk import Group
from lightkeeper.cases.item import Item, ItemKind
from lightkeeper.cases.triage import findings_of

if TYPE_CHECKING:
    from lightkeeper.evidence.detectors.regions import Drawing

BASES: Final = {
    "asserted": "anyone can write it",
    "public-mark": "others can put it on any picture",
    "measured": "a calibrated statistic",
    "signed": "an intact, trusted signature",
    "secret-mark": "its extractor is secret",
    "known": "a hash match",
    "human": "a person decided",
}
_SETS: Final = {
    "photographed": "Set of photographed material",
    "generated": "Set of GENERATED material",
    "altered": "Set of ALTERED material",
    "unknown": "Set of material of unknown origin",
}
_TEXTS: Final = {
    "positive_prompt": "Prompt",
    "negative_prompt": "Negative prompt (not wanted)",
}
_MATCHED: Final = frozenset({"set_name", "owner", "origin", "labels", "suppressed", "handling"})
_LIKENESS: Final = {
    "parameters": "same parameters",
    "digest": "same content",
    "pdq": "alike to the eye",
    "model": "same model",
}
_MAP: Final = "overlay"
_LONGEST: Final = 600
_MOST_VALUES: Final = 20


@dataclass(frozen=True, slots=True)
class Text:
    """Words of a stranger: folded until somebody asks."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A finding."""

    summary: str
    basis: str
    source: str
    limits: tuple[str, ...]
    values: tuple[tuple[str, str], ...]
    texts: tuple[Text, ...]
    drawing: Drawing | None
    """A map without anything of the picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A match in a hash set."""

    set_name: str
    origin: str
    """``photographed``, ``generated``, ``altered`` or ``unknown``."""
    origin_words: str
    summary: str
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that is known of one item before anybody looks at it."""

    origin: str
    strength: str
    rank: int
    """0-6 on the verbal scale."""
    conflicts: tuple[str, ...]
    findings: tuple[Seen, ...]
    known: tuple[Known, ...]
    not_examined: tuple[str, ...]
    problems: tuple[str, ...]
    proposals: tuple[tuple[str, str, str], ...]
    """Field, value and basis of what the machine proposes."""
    texts: tuple[Text, ...]
    digests: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One review: near-duplicates, shown by one of them."""

    number: int
    group: Group
    item: Item
    evidence: Evidence
    bases: tuple[str, ...]
    """What a label of it can rest on."""

    @property
    def likeness(self) -> str:
        """What makes its members alike, in words."""
        likeness = self.group.likeness
        return _LIKENESS.get(likeness, likeness) if likeness else ""

    @property
    def has_picture(self) -> bool:
        """Whether there are pixels to ask for."""
        media = self.item.media
        return media is not None and media.view_key is not None


def panels(groups: Sequence[Group]) -> tuple[Panel, ...]:
    """One panel for each group, in the order of the case."""
    return tuple(_panel(number, group) for number, group in enumerate(groups, 1))


def evidence_of(item: Item) -> Evidence:
    """Everything that the examination of an item says."""
    row = item.examination or {}
    assessment = row.get("assessment") or {}
    findings = list(findings_of(item))
    strength = str(assessment.get("strength") or "no support")
    return Evidence(
        origin=str(assessment.get("origin") or "undetermined"),
        strength=strength,
        rank=_RANKS.get(strength, 0),
        conflicts=tuple(str(c.get("summary")) for c in assessment.get("conflicts") or ()),
        findings=tuple(map(_seen, findings)),
        known=tuple(_known(finding) for finding in findings if _is_match(finding)),
        not_examined=tuple(_not_examined(assessment)),
        problems=tuple(_problems(row)),
        proposals=tuple(_proposals(assessment)),
        texts=tuple(_texts_of(item)),
        digests=tuple(_digests(item)),
        facts=tuple((key, _cut(value)) for key, value in item.facts.items()),
    )


_RANKS: Final = {
    "no support": 0,
    "weak support": 1,
    "moderate support": 2,
    "moderately strong support": 3,
    "strong support": 4,
    "very strong support": 5,
    "extremely strong support": 6,
}


def _panel(number: int, group: Group) -> Panel:
    # The copy that can be shown stands for the others.
    shown = [item for item in group.items if item.media is not None and item.media.view_key]
    item = (shown or list(group.items))[0]
    evidence = evidence_of(item)
    bases = ["reviewer"]
    if evidence.findings or item.kind is not ItemKind.MEDIA:
        bases.append("evidence")
    if any(known.origin for known in evidence.known):
        bases.append("match")
    return Panel(number=number, group=group, item=item, evidence=evidence, bases=tuple(bases))


def _seen(finding: dict[str, Any]) -> Seen:
    details = finding.get("details") or {}
    basis = str(finding.get("basis"))
    hidden = _MATCHED if _is_match(finding) else frozenset()
    return Seen(
        summary=_cut(finding.get("summary")),
        basis=f"{basis}: {BASES.get(basis, basis)}",
        source=str(finding.get("source")),
        limits=tuple(LIMITS.get(code, code) for code in finding.get("limits") or ()),
        values=tuple(_values(details, hidden)),
        texts=tuple(_texts(details)),
        drawing=_drawing(details),
    )


def _drawing(details: dict[str, Any]) -> Drawing | None:
    if _MAP not in details:
        return None
    # Only where there is a map: a detector's arrays are no part of starting a service.
    from lightkeeper.evidence.detectors.regions import draw

    return draw(details)


def _is_match(finding: dict[str, Any]) -> bool:
    return finding.get("claim") == "known-material" and finding.get("basis") == "known"


def _known(finding: dict[str, Any]) -> Known:
    details = finding.get("details") or {}
    origin = str(details.get("origin") or "unknown")
    labels = details.get("labels") or {}
    return Known(
        set_name=_cut(details.get("set_name") or "a hash set"),
        origin=origin,
        origin_words=_SETS.get(origin, origin),
        summary=_cut(finding.get("summary")),
        labels=tuple(
            (key.replace("_", " "), _in_words(value))
            for key, value in labels.items()
            if value is not None
        ),
    )


def _not_examined(assessment: dict[str, Any]) -> Iterator[str]:
    for each in assessment.get("not_examined") or ():
        yield f"{each.get('examiner')}: {each.get('reason')}"


def _problems(row: dict[str, Any]) -> Iterator[str]:
    if row.get("error"):
        yield _cut(row["error"].get("message"))
    for each in (*(row.get("problems") or ()), *(row.get("failures") or ())):
        yield _cut(each.get("message"))


def _proposals(assessment: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, label in (assessment.get("labels") or {}).items():
        if (label or {}).get("set_by") == "machine":
            basis = str(label.get("basis"))
            yield name, _in_words(label.get("value")), f"{basis}: {BASES.get(basis, basis)}"


def _texts_of(item: Item) -> Iterator[Text]:
    if item.text:
        yield Text("Prompt" if item.kind is ItemKind.PROMPT else "Text", item.text)
    if item.file_name:
        yield Text("File name", item.file_name)


def _texts(details: dict[str, Any]) -> Iterator[Text]:
    for key, name in _TEXTS.items():
        if isinstance(details.get(key), str) and details[key]:
            yield Text(name, details[key])


def _digests(item: Item) -> Iterator[tuple[str, str]]:
    media = item.media
    if media is not None:
        yield "SHA-256", media.sha256
        yield "SHA-1", media.sha1
        yield "MD5", media.md5
        if media.pdq:
            yield "PDQ", f"{media.pdq} (quality {media.pdq_quality} of 100)"


def _values(details: dict[str, Any], hidden: frozenset[str]) -> Iterator[tuple[str, str]]:
    for key, value in details.items():
        if key in _TEXTS or key in hidden or key == _MAP or value in (None, [], {}, ""):
            continue
        text = _cut(_in_words(value))
        if text:
            yield key.replace("_", " "), text


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        pairs = ((k, v) for k, v in value.items() if v not in (None, "", [], {}))
        return ", ".join(f"{str(k).replace('_', ' ')} {_in_words(v)}" for k, v in pairs)
    if isinstance(value, list | tuple):
        return "; ".join(filter(None, map(_in_words, value[:_MOST_VALUES])))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _cut(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)"
