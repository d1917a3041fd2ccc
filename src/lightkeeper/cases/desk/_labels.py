"""From what a person hands in to labels that say what they rest on."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from lightkeeper.assessment import Classification, Label
from lightkeeper.cases.decision import ItemDecision
from lightkeeper.cases.desk._requests import ItemDraft
from lightkeeper.cases.item import Item, ItemKind
from lightkeeper.cases.triage import findings_of
from lightkeeper.errors import NotPermitted
from lightkeeper.evidence import Basis, Claim

_BASES = list(Basis)
_PROPOSED = ("computer_generated", "modelled_after_person")


def labelled(draft: ItemDraft, item: Item, *, person: str) -> ItemDecision:
    """A person's labels over the machine's proposals.

    Raises
    ------
    NotPermitted
        A value that its field does not admit, or evidence or a match that is not there.
    """
    labels = proposals(item)
    for name, label in draft.labels.items():
        basis, findings = _cited(item, name, label.basis)
        labels = labels.decide(name, label.value, person=person, basis=basis, findings=findings)
    return ItemDecision(
        item=item.id,
        labels=labels,
        artefacts=dict(draft.artefacts),
        annotations=draft.annotations,
    )


def carried_over(part: ItemDecision, item: Item) -> ItemDecision:
    """The same labels for a near-duplicate.

    What a person saw in one picture and which findings they cited stay with that picture.
    """
    labels = proposals(item)
    set_by_people = {
        f.name: replace(label, findings=())
        for f in fields(labels)
        if (label := getattr(part.labels, f.name)).set_by not in (None, "machine")
    }
    return ItemDecision(
        item=item.id,
        labels=_with(labels, set_by_people),
        annotations=part.annotations,
        spread_from=part.spread_from or part.item,
    )


def proposals(item: Item) -> Classification:
    """What the examination of an item proposes."""
    labels = Classification()
    for name in _PROPOSED:
        label = _proposal(item, name)
        if label is not None:
            labels = labels.propose(
                name,
                bool(label["value"]),
                basis=Basis(label["basis"]),
                findings=tuple(label.get("findings") or ()),
            )
    return labels


def _cited(item: Item, name: str, basis: str) -> tuple[Basis, tuple[int, ...]]:
    if basis == "reviewer":
        return Basis.HUMAN, ()
    if basis == "match":
        matches = tuple(n for n, finding in enumerate(findings_of(item)) if _is_match(finding))
        if matches:
            return Basis.KNOWN, matches
        raise NotPermitted("no hash set was matched: there is no match to go by")
    if basis == "evidence":
        return _evidence(item, name)
    raise NotPermitted("a label rests on evidence, on a match or on the reviewer")


def _evidence(item: Item, name: str) -> tuple[Basis, tuple[int, ...]]:
    """The basis of the machine's proposal, or else that of the strongest finding."""
    label = _proposal(item, name)
    if label is not None:
        return Basis(label["basis"]), tuple(label.get("findings") or ())
    findings = list(enumerate(findings_of(item)))
    if findings:
        number, strongest = max(findings, key=lambda pair: _BASES.index(Basis(pair[1]["basis"])))
        return Basis(strongest["basis"]), (number,)
    if item.kind is not ItemKind.MEDIA:
        return Basis.ASSERTED, ()
    raise NotPermitted("nothing was found: there is no evidence to go by")


def _proposal(item: Item, name: str) -> dict[str, Any] | None:
    assessment = (item.examination or {}).get("assessment") or {}
    label = (assessment.get("labels") or {}).get(name) or {}
    return label if label.get("set_by") == "machine" else None


def _is_match(finding: dict[str, Any]) -> bool:
    return (
        finding.get("claim") == Claim.KNOWN_MATERIAL.value
        and finding.get("basis") == Basis.KNOWN.value
    )


def _with(labels: Classification, changes: dict[str, Label]) -> Classification:
    return replace(labels, **changes)
