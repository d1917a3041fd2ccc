"""What actions and their digital source types say about origin.

The rule is that of the C2PA specification, section "Actions", over the IPTC vocabulary of
digital source types (https://cv.iptc.org/newscodes/digitalsourcetype/): the source type of
``c2pa.created`` is that of the picture; on any other action it is that of the change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.evidence._finding import Claim
from lightkeeper.evidence.provenance._summary import Action, OriginStatement
from lightkeeper.evidence.provenance._vendors import says_generated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lightkeeper.evidence.provenance._summary import Ingredient, Manifest, Relation

_GENERATED = frozenset({"trainedAlgorithmicMedia"})
_PARTLY = frozenset({"compositeWithTrainedAlgorithmicMedia", "compositeSynthetic"})
_CAPTURED = frozenset(
    {"digitalCapture", "computationalCapture", "compositeCapture", "negativeFilm", "positiveFilm"}
)
_UNCHANGING = (
    "c2pa.converted",
    "c2pa.created",
    "c2pa.edited.metadata",
    "c2pa.opened",
    "c2pa.published",
    "c2pa.repackaged",
    "c2pa.transcoded",
    "c2pa.watermarked",
)


def statements(manifests: Iterable[Manifest]) -> tuple[OriginStatement, ...]:
    """What the active manifest says of origin, then those of its ingredients, parents first."""
    by_label = {m.label: m for m in manifests}
    active = next((m for m in by_label.values() if m.active), None)
    if active is None:
        return ()
    reached: dict[str, Relation] = {active.label: "active"}
    waiting = [active]
    found: list[OriginStatement] = []
    while waiting:
        manifest = waiting.pop(0)
        relation = reached[manifest.label]
        found += _of_manifest(manifest, relation)
        for other, its_relation in _ingredients(manifest, relation):
            if other in by_label and other not in reached:
                reached[other] = its_relation
                waiting.append(by_label[other])
    return tuple(found)


def _ingredients(manifest: Manifest, relation: Relation) -> Iterator[tuple[str, Relation]]:
    for ingredient in manifest.ingredients:
        its = _its_relation(ingredient, relation)
        if ingredient.manifest is not None and its is not None:
            yield ingredient.manifest, its


def _its_relation(ingredient: Ingredient, relation: Relation) -> Relation | None:
    if ingredient.relationship == "parentOf":
        return "component" if relation == "component" else "parent"
    return "component" if ingredient.relationship == "componentOf" else None


def _of_manifest(manifest: Manifest, relation: Relation) -> Iterator[OriginStatement]:
    for action in manifest.actions:
        if claim := _claim(action.action, action.digital_source_type, relation):
            yield _statement(manifest, relation, claim, action)
        elif _is_worded(action):
            claim = Claim.AI_EDITED if relation == "component" else Claim.GENERATED
            yield _statement(manifest, relation, claim, action)
    for stated in manifest.stated_sources:
        if claim := _claim("c2pa.created", stated.digital_source_type, relation):
            named = Action(
                action="",
                digital_source_type=stated.digital_source_type,
                attested=stated.attested,
                stated_in=stated.stated_in,
            )
            yield _statement(manifest, relation, claim, named)
    for ingredient in manifest.ingredients:
        # Without a manifest of its own, what is said of it here is all there is.
        its = _its_relation(ingredient, relation) if ingredient.manifest is None else None
        if its and (claim := _claim("c2pa.created", ingredient.digital_source_type, its)):
            named = Action(
                action="",
                digital_source_type=ingredient.digital_source_type,
                stated_in=ingredient.label,
            )
            yield _statement(manifest, its, claim, named)


def _statement(
    manifest: Manifest, relation: Relation, claim: Claim, action: Action
) -> OriginStatement:
    return OriginStatement(
        claim=claim,
        relation=relation,
        action=action.action,
        digital_source_type=action.digital_source_type,
        stated_in=action.stated_in,
        software_agent=action.software_agent,
        description=action.description,
        manifest=manifest.label,
        vendor=manifest.vendor,
        attested=action.attested,
        trusted=manifest.trusted,
        intact=manifest.intact,
        certificate=manifest.certificate,
    )


def _claim(action: str, term: str | None, relation: Relation) -> Claim | None:
    # Opening a picture changes nothing of it: a source type there is that of what was opened.
    whole = action in ("c2pa.created", "c2pa.opened") and relation != "component"
    if term in _GENERATED:
        # A generated picture inside another makes that one composite, not generated.
        return Claim.GENERATED if whole else Claim.AI_EDITED
    if term in _PARTLY:
        return Claim.AI_EDITED
    if term in _CAPTURED and whole:
        return Claim.CAPTURED
    return None


def _is_worded(action: Action) -> bool:
    """Whether an action that states no source type says by its words that a model made it."""
    return (
        action.action == "c2pa.created"
        and action.digital_source_type is None
        and says_generated(
            action.description, action.software_agent.name if action.software_agent else None
        )
    )


def edited_since(manifest: Manifest) -> bool:
    """Whether a manifest lists an action that changes the picture it started from."""
    return any(not a.action.startswith(_UNCHANGING) for a in manifest.actions)
