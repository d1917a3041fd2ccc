"""The JSON form of manifest stores, written by hand: whatever strangers sign."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightkeeper.evidence import Claim
from lightkeeper.evidence.provenance import ManifestState, ManifestSummary, SoftBinding
from lightkeeper.evidence.provenance._parse import parse_store
from lightkeeper.evidence.provenance._vendors import recognise_vendor

IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
GENERATED, PARTLY = "trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"


def action(name: str, kind: str | None = None, **more: object) -> dict[str, Any]:
    source = {"digitalSourceType": IPTC + kind} if kind else {}
    return {"action": name, **source, **more}


def manifest(*actions: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "claim_generator_info": [{"name": "Umbrella painter", "version": "1"}],
        "signature_info": {"issuer": "Lighthouse Ltd", "alg": "Es256"},
        "claim_version": 1,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": list(actions)}}],
        **more,
    }


def store(active: dict[str, Any], **others: dict[str, Any]) -> dict[str, Any]:
    return {
        "active_manifest": "active",
        "manifests": {**others, "active": active},
        "validation_state": "Valid",
    }


def ingredient(of: str, relationship: str, **more: Any) -> dict[str, Any]:
    return {
        "title": "umbrella.jpg",
        "label": "c2pa.ingredient",
        "relationship": relationship,
        "active_manifest": of,
        **more,
    }


def said(summary: ManifestSummary) -> list[tuple[str, str]]:
    return [(c.claim.value, c.relation) for c in summary.claims]


@pytest.mark.parametrize(
    ("name", "kind", "claim"),
    [
        ("c2pa.created", GENERATED, Claim.GENERATED),
        ("c2pa.created", PARTLY, Claim.AI_EDITED),
        ("c2pa.created", "compositeSynthetic", Claim.AI_EDITED),
        ("c2pa.edited", GENERATED, Claim.AI_EDITED),
        ("c2pa.opened", PARTLY, Claim.AI_EDITED),
        ("c2pa.created", "digitalCapture", Claim.CAPTURED),
        ("c2pa.created", "computationalCapture", Claim.CAPTURED),
    ],
)
def test_source_types_map_to_claims(name: str, kind: str, claim: Claim) -> None:
    assert said(parse_store(store(manifest(action(name, kind))))) == [(claim.value, "active")]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("c2pa.created", "digitalCreation"),
        ("c2pa.created", "algorithmicMedia"),
        ("c2pa.created", "screenCapture"),
        ("c2pa.edited", "digitalCapture"),
        ("c2pa.created", None),
    ],
)
def test_other_source_types_claim_nothing(name: str, kind: str | None) -> None:
    assert parse_store(store(manifest(action(name, kind)))).claims == ()


def test_blanks_around_a_source_type_are_ignored() -> None:
    spaced = {"action": "c2pa.created", "digitalSourceType": f" {IPTC}{GENERATED} "}
    assert said(parse_store(store(manifest(spaced)))) == [("generated", "active")]


def test_a_generated_parent_is_told_apart_from_a_generated_component() -> None:
    parent, component = (
        parse_store(
            store(
                manifest(action("c2pa.opened"), ingredients=[ingredient("other", relation)]),
                other=manifest(action("c2pa.created", GENERATED)),
            )
        )
        for relation in ("parentOf", "componentOf")
    )
    assert said(parent) == [("generated", "parent")]
    assert said(component) == [("ai-edited", "component")]


def test_an_input_of_generation_makes_no_claim_about_the_picture() -> None:
    summary = parse_store(
        store(
            manifest(ingredients=[ingredient("other", "inputTo")]),
            other=manifest(action("c2pa.created", "digitalCapture")),
        )
    )
    assert summary.claims == ()


def test_a_captured_component_does_not_make_the_whole_captured() -> None:
    summary = parse_store(
        store(
            manifest(ingredients=[ingredient("other", "componentOf")]),
            other=manifest(action("c2pa.created", "digitalCapture")),
        )
    )
    assert summary.claims == ()


def test_manifests_that_name_each_other_end() -> None:
    summary = parse_store(
        store(
            manifest(ingredients=[ingredient("other", "parentOf")]),
            other=manifest(
                action("c2pa.created", GENERATED), ingredients=[ingredient("active", "parentOf")]
            ),
        )
    )
    assert said(summary) == [("generated", "parent")]


def test_what_an_ingredient_recorded_counts_against_its_manifest() -> None:
    failure = {"code": "claimSignature.mismatch", "url": "Cose_Sign1", "explanation": "bad"}
    summary = parse_store(
        store(
            manifest(ingredients=[ingredient("other", "parentOf", validation_status=[failure])]),
            other=manifest(action("c2pa.created", GENERATED)),
        )
    )
    assert [f.code for f in summary.ingredient_failures] == ["claimSignature.mismatch"]
    assert [c.intact for c in summary.claims] == [False]


@pytest.mark.parametrize("label", ["urn:1", "urn:12/c2pa.signature", "urn:12"])
def test_a_label_that_looks_like_that_of_a_trusted_manifest_gains_nothing(label: str) -> None:
    trusted = {
        "code": "signingCredential.trusted",
        "url": "self#jumbf=/c2pa/urn:12/c2pa.signature",
    }
    given_store = store(
        manifest(ingredients=[ingredient(label, "parentOf")]),
        **{label: manifest(action("c2pa.created", GENERATED))},
    )
    given_store["validation_results"] = {
        "ingredientDeltas": [{"validationDeltas": {"success": [trusted]}}]
    }
    assert [c.trusted for c in parse_store(given_store).claims] == [label == "urn:12"]


def test_an_assertion_that_a_claim_only_gathered_is_not_attested() -> None:
    gathered = manifest(action("c2pa.created", GENERATED), claim_version=2)
    created = manifest(action("c2pa.created", GENERATED), claim_version=2)
    created["assertions"][0]["created"] = True
    assert [c.attested for c in parse_store(store(gathered)).claims] == [False]
    assert [c.attested for c in parse_store(store(created)).claims] == [True]


def test_soft_bindings_and_training_permissions_are_listed() -> None:
    assertions = [
        {
            "label": "c2pa.soft-binding",
            "data": {"alg": "com.example.1", "blocks": [{"scope": {}, "value": "ab"}]},
        },
        {
            "label": "c2pa.soft-binding__1",
            "data": {"alg": "com.example.2", "blocks": [{"value": [1, 255]}, {"value": [97, 98]}]},
        },
        {
            "label": "c2pa.soft-binding__2",
            "data": {"alg": "com.example.3", "blocks": [{"value": {"a": [1, 256]}}]},
        },
        {
            "label": "cawg.training-mining",
            "data": {"entries": {"cawg.ai_inference": {"use": "notAllowed"}}},
        },
    ]
    summary = parse_store(store(manifest(assertions=assertions)))
    assert summary.soft_bindings == (
        SoftBinding("com.example.1", "ab"),
        SoftBinding("com.example.2", "01ff"),
        SoftBinding("com.example.2", "ab"),
        SoftBinding("com.example.3", '{"a": [1, 256]}'),
    )
    assert summary.training_and_data_mining == {"cawg.ai_inference": "notAllowed"}


def test_a_version_1_generator_string_is_split_into_name_and_version() -> None:
    old = manifest(claim_generator="Adobe_Firefly/2.0 lib/0.16", claim_generator_info=None)
    summary = parse_store(store(old))
    (generator,) = summary.claim_generators
    assert (generator.name, generator.version) == ("Adobe_Firefly", "2.0")
    assert summary.vendor == "Adobe Firefly"


@pytest.mark.parametrize(
    ("names", "vendor"),
    [
        (["ChatGPT", "OpenAI"], "OpenAI"),
        (["Google C2PA Core Generator Library", "Google LLC"], "Google"),
        (["Adobe Photoshop", "Adobe Firefly", "Adobe Inc."], "Adobe Firefly"),
        (["Adobe Photoshop", "Adobe Inc."], "Adobe"),
        (["Image Creator from Designer", "Microsoft Corporation"], "Microsoft Designer"),
        (["Microsoft Responsible AI Image Provenance"], "Microsoft"),
        (["Umbrella painter", None], None),
    ],
)
def test_vendors_are_recognised_by_the_names_they_use(
    names: list[str | None], vendor: str | None
) -> None:
    assert recognise_vendor(names) == vendor


def test_a_store_without_its_active_manifest_is_invalid() -> None:
    broken = store(manifest()) | {"active_manifest": "elsewhere"}
    assert parse_store(broken).state is ManifestState.INVALID


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def _fields(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, json_values))


anything_signed = _fields(
    "claim_generator",
    "claim_generator_info",
    "signature_info",
    "assertions",
    "ingredients",
    "claim_version",
    "title",
)


@given(
    anything_signed,
    st.lists(_fields("label", "data", "created"), max_size=3),
    _fields("activeManifest", "ingredientDeltas"),
)
def test_any_types_in_any_field_are_survived(
    raw: dict[str, Any], assertions: list[dict[str, Any]], results: dict[str, Any]
) -> None:
    given_store = store({**raw, "assertions": assertions}) | {"validation_results": results}
    assert isinstance(parse_store(given_store), ManifestSummary)


@pytest.mark.parametrize(
    "written",
    [
        "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
        "https://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia/",
        "http://cv.iptc.org/newscodes/digitalsourcetype#trainedalgorithmicmedia",
        "digsrctype:trainedAlgorithmicMedia",
        "http://c2pa.org/digitalsourcetype/trainedAlgorithmicMedia",
        "https://schema.org/TrainedAlgorithmicMediaDigitalSource",
        "TrainedAlgorithmicMedia",
        "trained_algorithmic_media",
        "  trained-algorithmic-media ",
    ],
)
@pytest.mark.parametrize("field", ["digitalSourceType", "digital_source_type", "DigitalSourceType"])
def test_a_source_type_is_read_in_every_spelling(written: str, field: str) -> None:
    told = parse_store(store(manifest({"action": "c2pa.created", field: written})))
    assert said(told) == [("generated", "active")]
    assert told.claims[0].digital_source_type == GENERATED


@pytest.mark.parametrize("written", ["umbrella", "http://example.org/", "", "not trained", "x:/#"])
def test_what_is_no_term_of_the_list_says_nothing(written: str) -> None:
    assert (
        said(parse_store(store(manifest(action("c2pa.created", None, digitalSourceType=written)))))
        == []
    )


def assertion(label: str, data: object, **more: object) -> dict[str, Any]:
    return {"label": label, "data": data, **more}


@pytest.mark.parametrize(
    ("assertions", "expected"),
    [
        (
            [assertion("c2pa.actions", {"actions": [
                {"action": "c2pa.created", "parameters": {"digitalSourceType": IPTC + GENERATED}}
            ]})],
            ("generated", "c2pa.actions"),
        ),
        (
            [assertion("c2pa.actions", {"actions": [
                {"action": "c2pa.created", "parameters": {"com.adobe.digitalSourceType": GENERATED}}
            ]})],
            ("generated", "c2pa.actions"),
        ),
        (
            [assertion("c2pa.actions.v2", {
                "actions": [{"action": "c2pa.created"}],
                "templates": [{"action": "c2pa.created", "digitalSourceType": IPTC + GENERATED}],
            })],
            ("generated", "c2pa.actions.v2"),
        ),
        ([assertion("c2pa.created", {"digitalSourceType": GENERATED})],
         ("generated", "c2pa.created")),
        ([assertion("c2pa.opened__1", {"digitalSourceType": GENERATED})],
         ("generated", "c2pa.opened__1")),
        ([assertion("c2pa.placed", {"digitalSourceType": GENERATED})],
         ("ai-edited", "c2pa.placed")),
        (
            [assertion("c2pa.metadata", {"Iptc4xmpExt:DigitalSourceType": IPTC + GENERATED})],
            ("generated", "c2pa.metadata"),
        ),
        (
            [assertion("stds.iptc.photo-metadata", {
                "@graph": [{"Iptc4xmpExt:DigitalSourceType": {"@id": IPTC + GENERATED}}]
            })],
            ("generated", "stds.iptc.photo-metadata"),
        ),
        (
            [assertion("stds.schema-org.CreativeWork", {
                "digitalSourceType": ["https://schema.org/DigitalCaptureDigitalSource"]
            })],
            ("captured", "stds.schema-org.CreativeWork"),
        ),
    ],
)  # fmt: skip
def test_a_source_type_is_read_wherever_it_stands(
    assertions: list[dict[str, Any]], expected: tuple[str, str]
) -> None:
    told = parse_store(store(manifest(assertions=assertions)))
    assert [(c.claim.value, c.stated_in) for c in told.claims] == [expected]


def test_an_assertion_that_speaks_of_something_else_is_not_read() -> None:
    other = [assertion("org.example.notes", {"digitalSourceType": GENERATED})]
    assert said(parse_store(store(manifest(assertions=other)))) == []


@pytest.mark.parametrize(
    ("words", "claim"),
    [
        ({"description": "AI Generated Image"}, ["generated"]),
        ({"description": " ai generated  IMAGE. "}, ["generated"]),
        ({"softwareAgent": "Image Creator from Designer"}, ["generated"]),
        ({"softwareAgent": {"name": "Image Creator from Designer"}}, ["generated"]),
        ({"parameters": {"description": "AI Generated Image"}}, ["generated"]),
        ({"description": "Not an AI Generated Image"}, []),
        ({"softwareAgent": "Image Creator from Designer viewer"}, []),
        ({"description": "AI Generated Image", "digitalSourceType": IPTC + "digitalCapture"},
         ["captured"]),
    ],
)  # fmt: skip
def test_an_action_without_source_type_may_say_it_in_whole_phrases(
    words: dict[str, Any], claim: list[str]
) -> None:
    told = parse_store(store(manifest(action("c2pa.created", **words))))
    assert [c.claim.value for c in told.claims] == claim
    opened = parse_store(store(manifest(action("c2pa.opened", **words))))
    assert "generated" not in [c.claim.value for c in opened.claims]


def test_software_agents_are_read_in_all_forms() -> None:
    agents = {
        "actions": [
            action("c2pa.created", GENERATED, softwareAgentIndex=1),
            action("c2pa.edited", GENERATED, softwareAgent="Umbrella 1"),
            action("c2pa.edited", GENERATED, software_agent={"name": "Kite", "version": "2"}),
            action("c2pa.edited", GENERATED, softwareAgentIndex=9),
            action("c2pa.placed", GENERATED),
        ],
        "softwareAgents": [{"name": "Lighthouse"}, {"name": "Bicycle", "version": "3"}],
        "templates": [{"action": "*", "softwareAgent": {"name": "Template"}}],
    }
    told = parse_store(store(manifest(assertions=[assertion("c2pa.actions.v2", agents)])))
    names = [c.software_agent.name for c in told.claims if c.software_agent]
    assert names == ["Bicycle", "Umbrella 1", "Kite", "Template", "Template"]


def test_a_claim_generator_that_stands_alone_is_read_too() -> None:
    alone = manifest(claim_generator_info={"name": "Umbrella painter", "version": "4"})
    (generator,) = parse_store(store(alone)).claim_generators
    assert (generator.name, generator.version) == ("Umbrella painter", "4")


def test_a_chain_of_parents_says_what_the_first_was() -> None:
    made = manifest(action("c2pa.created", GENERATED))
    opened = manifest(action("c2pa.opened"), ingredients=[ingredient("made", "parentOf")])
    edited = manifest(
        action("c2pa.opened"),
        action("c2pa.color_adjustments"),
        ingredients=[ingredient("opened", "parentOf")],
    )
    assert said(parse_store(store(edited, opened=opened, made=made))) == [("generated", "parent")]


def test_an_ingredient_without_a_manifest_may_have_a_source_type() -> None:
    def told(relationship: str) -> list[tuple[str, str]]:
        bare = {
            "title": "kite.jpg",
            "label": "c2pa.ingredient.v3",
            "relationship": relationship,
            "digitalSourceType": IPTC + GENERATED,
        }
        return said(parse_store(store(manifest(action("c2pa.edited"), ingredients=[bare]))))

    assert told("parentOf") == [("generated", "parent")]
    assert told("componentOf") == [("ai-edited", "component")]
    assert told("inputTo") == []


credential_codes = st.sampled_from(
    ["signingCredential.expired", "signingCredential.untrusted", "signingCredential.invalid",
     "claimSignature.outsideValidity"]
)  # fmt: skip


@settings(deadline=None)
@given(st.sets(credential_codes, min_size=1), st.booleans())
def test_codes_of_a_credential_are_no_damage_and_any_other_is(
    found: set[str], damaged: bool
) -> None:
    uri = "self#jumbf=/c2pa/active/c2pa.signature"
    wrong = [*sorted(found), *(["assertion.dataHash.mismatch"] if damaged else [])]
    results = {
        "activeManifest": {
            "success": [
                {"code": "claimSignature.validated", "url": uri},
                {"code": "assertion.dataHash.match"},
            ],
            "failure": [{"code": code, "url": uri} for code in wrong],
        }
    }
    raw = {
        **store(manifest(action("c2pa.created", GENERATED))),
        "validation_state": "Invalid",
        "validation_results": results,
    }
    summary = parse_store(raw)
    assert summary.state is (ManifestState.INVALID if damaged else ManifestState.VALID)
    assert summary.claims[0].intact is not damaged


@pytest.mark.parametrize("verified", ["claimSignature.validated", "assertion.dataHash.match"])
def test_an_invalid_store_in_which_half_was_verified_stays_invalid(verified: str) -> None:
    uri = "self#jumbf=/c2pa/active/c2pa.signature"
    failure = [{"code": "signingCredential.expired", "url": uri}]
    success = [{"code": verified, "url": uri}]
    raw = {
        **store(manifest(action("c2pa.created", GENERATED))),
        "validation_state": "Invalid",
        "validation_results": {"activeManifest": {"success": success, "failure": failure}},
    }
    assert parse_store(raw).state is ManifestState.INVALID
