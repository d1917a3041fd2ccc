"""From the JSON form of a manifest store to a summary."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lightkeeper.evidence._source_types import is_source_type_field, source_type_term
from lightkeeper.evidence.provenance._certificates import (
    SigningTime,
    judge,
    serial_number,
    traces,
)
from lightkeeper.evidence.provenance._fields import entries, listed, mapping, software, text
from lightkeeper.evidence.provenance._origin import statements
from lightkeeper.evidence.provenance._summary import (
    Action,
    AiAssertion,
    CertificateStatus,
    Check,
    Checks,
    Ingredient,
    Manifest,
    ManifestState,
    ManifestSummary,
    Signer,
    SoftBinding,
    Software,
    StatedSource,
)
from lightkeeper.evidence.provenance._trust import Trust
from lightkeeper.evidence.provenance._validation import Validation
from lightkeeper.evidence.provenance._vendors import recognise_vendor
from lightkeeper.plain import utc_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lightkeeper.evidence.provenance._certificates import Signature
    from lightkeeper.evidence.provenance._summary import Certificate, ValidationCode

_ACTIONS = "c2pa.actions"
_ACTION_ASSERTIONS = ("c2pa.created", "c2pa.opened", "c2pa.placed", "c2pa.edited")
"""Some writers make an assertion of what should be an action."""
_METADATA = ("c2pa.metadata", "cawg.metadata", "stds.iptc", "stds.schema-org.", "stds.xmp")
_DEEPEST = 4
_AI = ("c2pa.ai-disclosure", "com.adobe.generative-ai")
_MINING = ("c2pa.training-mining", "cawg.training-mining")
_SOFT_BINDING = "c2pa.soft-binding"


def parse_store(
    store: dict[str, Any],
    signatures: Mapping[str, Signature] | None = None,
    *,
    at: datetime.datetime | None = None,
    trust: Trust | None = None,
) -> ManifestSummary:
    """Summarise a validated manifest store.

    Parameters
    ----------
    store : dict
        Its JSON form, with the SDK's validation results.
    signatures : mapping, optional
        Signatures by the labels of their manifests, as far as they could be read.
    at : datetime, optional
        Time of verification, now by default.
    trust : Trust, optional
        Anchors that the store was validated with, and purposes that a signer may have.
    """
    validation = Validation(store)
    at = at or datetime.datetime.now(datetime.UTC)
    verified_at = at.astimezone(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    label = text(store, "active_manifest") or ""
    raw = mapping(store.get("manifests"))
    ordered = sorted(raw, key=lambda other: other != label)
    reader = _Reader(label, validation, signatures or {}, at, trust or Trust())
    manifests = tuple(reader.manifest(name, mapping(raw[name])) for name in ordered)
    if not manifests or not manifests[0].active:
        return ManifestSummary(
            state=ManifestState.INVALID,
            verified_at=verified_at,
            failures=validation.active_failures,
        )
    holds = _holds(store, validation, label)
    manifests = tuple(_with_what_others_say(m, manifests, holds) for m in manifests)
    active = manifests[0]
    return ManifestSummary(
        state=_state(active),
        claims=statements(manifests),
        verified_at=verified_at,
        checks=_checks(active, validation),
        claim_generators=active.generators,
        signer=active.signer,
        vendor=active.vendor,
        soft_bindings=active.soft_bindings,
        training_and_data_mining=active.training_and_data_mining,
        failures=validation.active_failures,
        notices=validation.notices,
        manifests=manifests,
    )


def _holds(store: dict[str, Any], validation: Validation, label: str) -> bool:
    """Whether nothing is wrong with a store except certificates.

    The SDK's own state is not enough: it calls a manifest invalid when its certificate expires.
    """
    if (text(store, "validation_state") or "").lower() in ("valid", "trusted"):
        return True
    wrong = [*validation.active_failures, *validation.other_failures]
    return (
        bool(wrong)
        and all(f.is_about_credential for f in wrong)
        and validation.signature_verifies(label)
        and validation.picture_matches
    )


def _state(active: Manifest) -> ManifestState:
    if not active.intact:
        return ManifestState.INVALID
    if not active.trusted:
        return ManifestState.VALID
    return ManifestState.LAPSED if active.is_lapsed else ManifestState.TRUSTED


def _checks(active: Manifest, validation: Validation) -> Checks | None:
    if active.certificate is None:
        return None
    codes = {f.code for f in active.failures} | {f.code for f in validation.active_failures}
    changed = any(code.startswith("assertion.") for code in codes)
    failed = any(code.startswith("claimSignature.mis") for code in codes)
    verifies = validation.signature_verifies(active.label)
    return Checks(
        bytes_intact=_check(active.intact and validation.picture_matches, changed),
        signature_verifies=_check(verifies, failed),
        issuer_trusted=Check.YES if active.issuer_trusted else Check.NO,
        certificate=active.certificate,
    )


def _check(holds: bool, fails: bool) -> Check:
    if fails:
        return Check.NO
    return Check.YES if holds else Check.UNKNOWN


def _with_what_others_say(
    manifest: Manifest, all_of_them: tuple[Manifest, ...], active_holds: bool
) -> Manifest:
    """Decide whether a manifest is intact: the active one by the state of the file, another one
    also by what the manifests that name it recorded about it.
    """
    if manifest.active:
        return replace(manifest, intact=active_holds)
    said = (i for m in all_of_them for i in m.ingredients if i.manifest == manifest.label)
    failures = [*manifest.failures, *(f for i in said for f in i.failures)]
    return replace(manifest, intact=all(f.is_about_credential for f in failures))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the manifests of one store."""

    active: str
    validation: Validation
    signatures: Mapping[str, Signature]
    at: datetime.datetime
    trust: Trust

    def manifest(self, label: str, raw: dict[str, Any]) -> Manifest:
        assertions = entries(raw, "assertions")
        version = raw.get("claim_version")
        gathered_exist = version == 2
        actions = tuple(_actions(assertions, gathered_exist=gathered_exist))
        stated = tuple(_stated_sources(assertions, gathered_exist=gathered_exist))
        signer = self._signer(label, mapping(raw.get("signature_info")), version)
        failures = self.validation.about(label)
        certificate = self._certificate(label, signer, actions, failures)
        generators = tuple(_generators(raw))
        traced = self._traces(label, signer)
        void = (CertificateStatus.REVOKED, CertificateStatus.UNSUITABLE)
        return Manifest(
            label=label,
            active=label == self.active,
            title=text(raw, "title"),
            claim_version=version if isinstance(version, int) else None,
            generators=generators,
            signer=signer,
            vendor=_vendor(generators, signer, actions),
            issuer_trusted=traced,
            trusted=traced and certificate.status not in void,
            certificate=certificate,
            actions=actions,
            stated_sources=stated,
            assertions=tuple(name for a in assertions if (name := text(a, "label"))),
            ai_assertions=tuple(_ai_assertions(assertions)),
            soft_bindings=tuple(_soft_bindings(assertions)),
            training_and_data_mining=_training_and_data_mining(assertions),
            ingredients=tuple(
                _ingredient(label, i, self.validation) for i in entries(raw, "ingredients")
            ),
            failures=failures,
        )

    def _signer(self, label: str, info: dict[str, Any], version: object) -> Signer | None:
        if not info:
            return None
        status, authority = self.validation.time_stamp(label)
        signature = self.signatures.get(label)
        binds = version == 2 and signature is not None and signature.is_stamped
        if status == "trusted" and not binds:
            # Of a version 1 claim the SDK calls every time stamp trusted, whoever made it.
            status = "not-traced"
        return Signer(
            issuer=text(info, "issuer"),
            common_name=text(info, "common_name"),
            serial_number=text(info, "cert_serial_number"),
            algorithm=text(info, "alg"),
            time=text(info, "time"),
            time_stamp=status,
            time_stamp_authority=authority,
        )

    def _traces(self, label: str, signer: Signer | None) -> bool:
        if self.validation.signer_is_trusted(label):
            return True
        signature = self._signature(label, signer)
        # A time stamp that holds for the SDK puts its question at that time, and not at its clock.
        stamped = signer is not None and signer.time_stamp in ("trusted", "not-traced")
        return signature is not None and not stamped and traces(signature, self.trust.anchors)

    def _signature(self, label: str, signer: Signer | None) -> Signature | None:
        """The signature of a manifest, where it is the one that the SDK looked at."""
        found = self.signatures.get(label)
        named = signer.serial_number if signer else None
        return found if found and named in (None, serial_number(found)) else None

    def _certificate(
        self,
        label: str,
        signer: Signer | None,
        actions: Sequence[Action],
        failures: Sequence[ValidationCode],
    ) -> Certificate:
        stamped = _time(signer.time) if signer else None
        trusted = signer is not None and signer.time_stamp == "trusted"
        told = [when for a in actions if a.attested and (when := _time(a.when))]
        claimed = stamped if stamped and not trusted else max(told, default=None)
        return judge(
            self._signature(label, signer),
            at=self.at,
            signed=SigningTime(stamped=stamped if trusted else None, claimed=claimed),
            purposes=self.trust.purposes,
            found=[f.code for f in failures],
        )


def _generators(raw: dict[str, Any]) -> Iterator[Software]:
    found = [s for g in listed(raw.get("claim_generator_info")) if (s := software(g))]
    yield from found
    # Version 1 claims may only have a user-agent string: "Name/1.0 library/0.9".
    if not found and (agent := text(raw, "claim_generator")):
        name, _, version = agent.split(" ", 1)[0].partition("/")
        yield Software(name, version or None)


def _vendor(
    generators: tuple[Software, ...], signer: Signer | None, actions: tuple[Action, ...]
) -> str | None:
    names = [g.name for g in generators]
    names += [a.software_agent.name for a in actions if a.software_agent]
    certificate = [signer.issuer, signer.common_name] if signer else []
    return recognise_vendor([*names, *certificate])


def _time(text: str | None) -> datetime.datetime | None:
    try:
        return utc_time(text) if text else None
    except ValueError:
        return None


def _actions(assertions: list[dict[str, Any]], *, gathered_exist: bool) -> Iterator[Action]:
    for assertion in assertions:
        label, data = text(assertion, "label") or "", mapping(assertion.get("data"))
        attested = not gathered_exist or assertion.get("created") is True
        if label.startswith(_ACTIONS):
            for raw in entries(data, "actions"):
                yield _action(raw, data, label, attested=attested)
        elif label.startswith(_ACTION_ASSERTIONS):
            named = ".".join(label.split(".")[:2]).partition("__")[0]
            yield _action({**data, "action": named}, data, label, attested=attested)


def _action(
    raw: dict[str, Any], assertion: dict[str, Any], label: str, *, attested: bool
) -> Action:
    """One action, completed by the template for its kind where it leaves something out."""
    name = text(raw, "action") or ""
    sources = [raw, *(t for t in entries(assertion, "templates") if t.get("action") in (name, "*"))]
    agents = (_agent(source, assertion) for source in sources)
    kinds = (k for s in sources for k in (_source_type(s), _source_type(s.get("parameters"))))
    told = (t for s in sources for t in (text(s, "description"), _told(s)))
    return Action(
        action=name,
        software_agent=next((agent for agent in agents if agent), None),
        digital_source_type=next((kind for kind in kinds if kind), None),
        description=next((words for words in told if words), None),
        when=text(raw, "when"),
        attested=attested,
        stated_in=label,
    )


def _agent(raw: dict[str, Any], assertion: dict[str, Any]) -> Software | None:
    if found := software(raw.get("softwareAgent")) or software(raw.get("software_agent")):
        return found
    index, agents = raw.get("softwareAgentIndex"), assertion.get("softwareAgents")
    if type(index) is int and isinstance(agents, list) and 0 <= index < len(agents):
        return software(agents[index])
    return None


def _told(raw: dict[str, Any]) -> str | None:
    return text(raw.get("parameters"), "description") or text(
        raw.get("templateParameters"), "description"
    )


def _source_type(raw: object) -> str | None:
    """The digital source type among the fields of an object, whatever its prefix."""
    for name, value in mapping(raw).items():
        if is_source_type_field(name):
            for written in value if isinstance(value, list) else [value]:
                if isinstance(written, dict):
                    written = next((w for k in _JSON_LD if (w := written.get(k))), None)
                if isinstance(written, str) and written.strip():
                    return source_type_term(written)
    return None


_JSON_LD = ("@id", "@value", "id", "value", "uri")


def _stated_sources(
    assertions: list[dict[str, Any]], *, gathered_exist: bool
) -> Iterator[StatedSource]:
    for assertion in assertions:
        label = text(assertion, "label") or ""
        if label.startswith(_METADATA):
            attested = not gathered_exist or assertion.get("created") is True
            for kind in dict.fromkeys(_nested_types(assertion.get("data"), 0)):
                yield StatedSource(digital_source_type=kind, stated_in=label, attested=attested)


def _nested_types(data: object, depth: int) -> Iterator[str]:
    if isinstance(data, dict) and (kind := _source_type(data)):
        yield kind
    if depth < _DEEPEST:
        inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
        for value in inner:
            if isinstance(value, (dict, list)):
                yield from _nested_types(value, depth + 1)


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
        digital_source_type=_source_type(raw),
        failures=validation.of_ingredient(manifest, label, raw),
    )
