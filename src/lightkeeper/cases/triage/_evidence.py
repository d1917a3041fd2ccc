"""What triage reads from examinations: presence only, so that more never counts less."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lightkeeper.assessment import IndustryClass
from lightkeeper.cases.item import Item, ItemKind, ItemState
from lightkeeper.evidence import Basis, Claim, Hypothesis
from lightkeeper.matching import SetOrigin

_ENDS_NOVELTY = frozenset({SetOrigin.PHOTOGRAPHED.value, SetOrigin.UNKNOWN.value})
_CONTRADICTING = frozenset({Claim.CONTRADICTION.value, Claim.DAMAGED.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What the items of a case show, as far as it raises urgency."""

    novel: bool
    """Some media of it is in no set of photographed material, nor of material of any origin."""
    known: bool
    victim_identified: bool
    modelled_after_person: bool
    worst_class: IndustryClass | None
    """Of matches, as their sources labelled them."""
    camera: bool
    contradicted: bool
    unreadable: bool


def observe(items: Sequence[Item]) -> Observed:
    """Read all items of a case.

    A match in a set of generated or altered material does not end an item's novelty: were it so,
    evidence of generation would lower a priority. Neither does a match that is a lead only.
    """
    media = [item for item in items if item.kind is ItemKind.MEDIA]
    findings = [finding for item in items for finding in findings_of(item)]
    matches = [finding for finding in findings if _is_match(finding)]
    labels = [labels for match in matches if (labels := _labels(match))]
    return Observed(
        novel=any(not _is_old(item) for item in media),
        known=bool(matches),
        victim_identified=any(one.get("victim_identified") is True for one in labels),
        modelled_after_person=any(one.get("modelled_after_person") is True for one in labels),
        worst_class=_worst(one.get("industry_class") for one in labels),
        camera=any(f.get("supports") == Hypothesis.CAPTURED.value for f in findings),
        contradicted=any(f.get("claim") in _CONTRADICTING for f in findings),
        unreadable=any(item.state is ItemState.FAILED for item in items),
    )


def findings_of(item: Item) -> Iterator[dict[str, Any]]:
    """Findings of an item's examination, as plain values; none where there was no examination."""
    if item.examination is not None:
        yield from item.examination.get("findings") or ()


def set_origins(items: Iterable[Item]) -> tuple[str, ...]:
    """Origins of the hash sets that items matched, sorted."""
    found = {
        str(_details(finding).get("origin"))
        for item in items
        for finding in findings_of(item)
        if _is_match(finding)
    }
    return tuple(sorted(found))


def _is_match(finding: dict[str, Any]) -> bool:
    return (
        finding.get("claim") == Claim.KNOWN_MATERIAL.value
        and finding.get("basis") == Basis.KNOWN.value
    )


def _is_old(item: Item) -> bool:
    return any(
        _is_match(finding) and _details(finding).get("origin") in _ENDS_NOVELTY
        for finding in findings_of(item)
    )


def _details(finding: dict[str, Any]) -> dict[str, Any]:
    return finding.get("details") or {}


def _labels(finding: dict[str, Any]) -> dict[str, Any]:
    return _details(finding).get("labels") or {}


def _worst(classes: Iterable[Any]) -> IndustryClass | None:
    known = {c.value: c for c in IndustryClass}
    found = [known[value] for value in classes if value in known]
    return min(found, default=None)
