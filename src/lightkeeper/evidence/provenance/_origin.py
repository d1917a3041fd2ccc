"""What actions and their digital source types say about origin.

The rule is that of the C2PA specification, section "Actions", over the IPTC vocabulary of
digital source types (https://cv.iptc.org/newscodes/digitalsourcetype/): the source type of
``c2pa.created`` is that of the picture; on any other action it is that of the change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.evidence._finding import Claim
from lightkeeper.evidence.provenance._summary import OriginStatement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lightkeeper.evidence.provenance._summary import Action, Manifest, Relation

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


def source_type_term(uri: str) -> str:
    """Last part of a digital source type's URI; writers leave blanks around it."""
    return uri.strip().rstrip("/").rsplit("/", 1)[-1]


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
        if ingredient.manifest is None:
            continue
        if ingredient.relationship == "parentOf":
            yield ingredient.manifest, "component" if relation == "component" else "parent"
        elif ingredient.relationship == "componentOf":
            yield ingredient.manifest, "component"


def _of_manifest(manifest: Manifest, relation: Relation) -> Iterator[OriginStatement]:
    for action in manifest.actions:
        claim = _claim(action, relation)
        if claim is None or action.digital_source_type is None:
            continue
        yield OriginStatement(
            claim=claim,
            relation=relation,
            action=action.action,
            digital_source_type=action.digital_source_type,
            software_agent=action.software_agent,
            description=action.description,
            manifest=manifest.label,
            vendor=manifest.vendor,
            attested=action.attested,
            trusted=manifest.trusted,
            intact=manifest.intact,
        )


def _claim(action: Action, relation: Relation) -> Claim | None:
    created = action.action == "c2pa.created"
    term = action.digital_source_type
    if term in _GENERATED:
        # A generated picture inside another makes that one composite, not generated.
        return Claim.GENERATED if created and relation != "component" else Claim.AI_EDITED
    if term in _PARTLY:
        return Claim.AI_EDITED
    if term in _CAPTURED and created and relation != "component":
        return Claim.CAPTURED
    return None


def edited_since(manifest: Manifest) -> bool:
    """Whether a manifest lists an action that changes the picture it started from."""
    return any(not a.action.startswith(_UNCHANGING) for a in manifest.actions)
