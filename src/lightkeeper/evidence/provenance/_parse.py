"""From the JSON form of a manifest store to a summary."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lightkeeper.evidence.provenance._fields import entries, mapping, software, text
from lightkeeper.evidence.provenance._origin import source_type_term, statements
from lightkeeper.evidence.provenance._summary import (
    Action,
    AiAssertion,
    Ingredient,
    Manifest,
    ManifestState,
    ManifestSummary,
    Signer,
    SoftBinding,
    Software,
)
from lightkeeper.evidence.provenance._validation import Validation
from lightkeeper.evidence.provenance._vendors import recognise_vendor

if TYPE_CHECKING:
    from collections.abc import Iterator

_ACTIONS = ("c2pa.actions", "c2pa.actions.v2")
_AI = ("c2pa.ai-disclosure", "com.adobe.generative-ai")
_MINING = ("c2pa.training-mining", "cawg.training-mining")
_SOFT_BINDING = "c2pa.soft-binding"


def parse_store(store: dict[str, Any]) -> ManifestSummary:
    """Summarise a validated manifest store."""
    validation = Validation(store)
    label = text(store, "active_manifest") or ""
    raw = mapping(store.get("manifests"))
    ordered = sorted(raw, key=lambda other: other != label)
    manifests = tuple(_manifest(name, mapping(raw[name]), label, validation) for name in ordered)
    state = _state(store)
    if not manifests or not manifests[0].active:
        return ManifestSummary(state=ManifestState.INVALID, failures=validation.active_failures)
    manifests = tuple(_with_what_others_say(m, manifests, state) for m in manifests)
    active = manifests[0]
    return ManifestSummary(
        state=state,
        claims=statements(manifests),
        claim_generators=active.generators,
        signer=active.signer,
        vendor=active.vendor,
        soft_bindings=active.soft_bindings,
        training_and_data_mining=active.training_and_data_mining,
        failures=validation.active_failures,
        notices=validation.notices,
        manifests=manifests,
    )


def _state(store: dict[str, Any]) -> ManifestState:
    try:
        return ManifestState((text(store, "validation_state") or "").lower())
    except ValueError:
        return ManifestState.INVALID


def _with_what_others_say(
    manifest: Manifest, all_of_them: tuple[Manifest, ...], state: ManifestState
) -> Manifest:
    """Decide whether a manifest is intact: the active one by the state of the file, another one
    also by what the manifests that name it recorded about it.
    """
    if manifest.active:
        return replace(manifest, intact=state in (ManifestState.VALID, ManifestState.TRUSTED))
    said = (i for m in all_of_them for i in m.ingredients if i.manifest == manifest.label)
    failures = [*manifest.failures, *(f for i in said for f in i.failures)]
    return replace(manifest, intact=all(f.is_unknown_signer for f in failures))


def _manifest(label: str, raw: dict[str, Any], active: str, validation: Validation) -> Manifest:
    assertions = entries(raw, "assertions")
    version = raw.get("claim_version")
    gathered_exist = version == 2
    actions = tuple(_actions(assertions, gathered_exist=gathered_exist))
    signer = _signer(mapping(raw.get("signature_info")), validation.time_stamp(label))
    generators = tuple(_generators(raw))
    return Manifest(
        label=label,
        active=label == active,
        title=text(raw, "title"),
        claim_version=version if isinstance(version, int) else None,
        generators=generators,
        signer=signer,
        vendor=_vendor(generators, signer, actions),
        trusted=validation.signer_is_trusted(label),
        actions=actions,
        assertions=tuple(name for a in assertions if (name := text(a, "label"))),
        ai_assertions=tuple(_ai_assertions(assertions)),
        soft_bindings=tuple(_soft_bindings(assertions)),
        training_and_data_mining=_training_and_data_mining(assertions),
        ingredients=tuple(_ingredient(label, i, validation) for i in entries(raw, "ingredients")),
        failures=validation.about(label),
    )


def _generators(raw: dict[str, Any]) -> Iterator[Software]:
    listed = [found for g in entries(raw, "claim_generator_info") if (found := software(g))]
    yield from listed
    # Version 1 claims may only have a user-agent string: "Name/1.0 library/0.9".
    if not listed and (agent := text(raw, "claim_generator")):
        name, _, version = agent.split(" ", 1)[0].partition("/")
        yield Software(name, version or None)


def _signer(info: dict[str, Any], time_stamp: str | None) -> Signer | None:
    if not info:
        return None
    return Signer(
        issuer=text(info, "issuer"),
        common_name=text(info, "common_name"),
        serial_number=text(info, "cert_serial_number"),
        algorithm=text(info, "alg"),
        time=text(info, "time"),
        time_stamp=time_stamp,
    )


def _vendor(
    generators: tuple[Software, ...], signer: Signer | None, actions: tuple[Action, ...]
) -> str | None:
    names = [g.name for g in generators]
    names += [a.software_agent.name for a in actions if a.software_agent]
    certificate = [signer.issuer, signer.common_name] if signer else []
    return recognise_vendor([*names, *certificate])


def _actions(assertions: list[dict[str, Any]], *, gathered_exist: bool) -> Iterator[Action]:
    for assertion in assertions:
        if not (text(assertion, "label") or "").startswith(_ACTIONS):
            continue
        for raw in entries(assertion.get("data"), "actions"):
            kind = text(raw, "digitalSourceType")
            yield Action(
                action=text(raw, "action") or "",
                software_agent=software(raw.get("softwareAgent")),
                digital_source_type=source_type_term(kind) if kind else None,
                description=text(raw, "description") or text(raw.get("parameters"), "description"),
                when=text(raw, "when"),
                attested=not gathered_exist or assertion.get("created") is True,
            )


def _ai_assertions(assertions: list[dict[str, Any]]) -> Iterator[AiAssertion]:
    for assertion in assertions:
        label = text(assertion, "label") or ""
        if label.startswith(_AI):
            yield AiAssertion(label, mapping(assertion.get("data")))


def _soft_bindings(assertions: list[dict[str, Any]]) -> Iterator[SoftBinding]:
    for assertion in assertions:
        data = assertion.get("data")
        if not (text(assertion, "label") or "").startswith(_SOFT_BINDING):
            continue
        for block in entries(data, "blocks"):
            yield SoftBinding(text(data, "alg") or "", _soft_value(block.get("value")))


def _soft_value(value: object) -> str:
    """A value as text; newer writers use a byte string, which the SDK gives as a list."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(type(b) is int and 0 <= b < 256 for b in value):
        whole = bytes(value)
        return whole.decode("ascii") if all(0x20 < b < 0x7F for b in whole) else whole.hex()
    return json.dumps(value)


def _training_and_data_mining(assertions: list[dict[str, Any]]) -> dict[str, str]:
    return {
        kind: use
        for a in assertions
        if (text(a, "label") or "").startswith(_MINING)
        for kind, entry in mapping(mapping(a.get("data")).get("entries")).items()
        if (use := text(entry, "use"))
    }


def _ingredient(manifest: str, raw: dict[str, Any], validation: Validation) -> Ingredient:
    label = text(raw, "label") or ""
    return Ingredient(
        label=label,
        title=text(raw, "title"),
        relationship=text(raw, "relationship"),
        format=text(raw, "format"),
        manifest=text(raw, "active_manifest"),
        failures=validation.of_ingredient(manifest, label, raw),
    )
