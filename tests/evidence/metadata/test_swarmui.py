from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.evidence.metadata import swarmui
from lightkeeper.evidence.metadata._carriers import Carriers
from lightkeeper.evidence.metadata._record import GenerationRecord
from lightkeeper.media import Embedded, ExifField, TextBlock

_HASH = "0x" + "ab" * 32


def read(payload: object) -> list[GenerationRecord]:
    block = TextBlock("png:tEXt", "parameters", json.dumps(payload), "latin-1")
    return list(swarmui.read(Carriers(Embedded(texts=(block,)))))


def full() -> dict[str, object]:
    return {
        "sui_image_params": {
            "prompt": "a lighthouse at dusk",
            "negativeprompt": "fog",
            "model": "harbour",
            "seed": 42,
            "steps": 20,
            "cfgscale": 7.0,
            "width": 1024,
            "height": 768,
            "sampler": "euler",
            "scheduler": "karras",
            "loras": ["folder/sea"],
            "loraweights": ["0.8"],
            "clipstopatlayer": "-2",
            "initimagecreativity": 0.6,
            "refinerupscale": 1.5,
            "refinerupscalemethod": "pixel-lanczos",
            "swarm_version": "0.9.7",
            "automaticvae": True,
        },
        "sui_extra_data": {"date": "2026-01-01"},
        "sui_models": [
            {"name": "harbour.safetensors", "param": "model", "hash": _HASH},
            {"name": "folder/sea.safetensors", "param": "loras", "hash": "0xcd"},
        ],
    }


def test_parameters_and_model_hashes_are_joined() -> None:
    (found,) = read(full())

    assert (found.tool, found.tool_version) == ("swarmui", "0.9.7")
    assert (found.positive_prompt, found.negative_prompt) == ("a lighthouse at dusk", "fog")
    assert (found.seed, found.steps, found.guidance_scale) == (42, 20, 7.0)
    assert (found.sampler, found.scheduler) == ("euler", "karras")
    assert (found.width, found.height, found.clip_skip) == (1024, 768, 2)
    assert (found.model_name, found.model_hash) == ("harbour", _HASH)
    assert [(h.kind, h.value) for h in found.model_hashes] == [("autov3", _HASH)]
    assert [(r.name, r.weight, r.hashes[0].value) for r in found.loras] == [
        ("folder/sea", 0.8, "0xcd")
    ]
    assert found.upscaling == {"scale_by": 1.5, "method": "pixel-lanczos"}
    assert found.denoising_strength == 0.6
    assert found.extra["automaticvae"] is True


def test_a_user_comment_is_read_as_well() -> None:
    text = json.dumps(full())
    field = ExifField("exif", 0x9286, text, text)

    (found,) = swarmui.read(Carriers(Embedded(exif=(field,))))

    assert (found.carrier, found.seed) == ("exif:UserComment", 42)


def test_a_prompt_that_only_mentions_the_key_is_no_record() -> None:
    carriers = Carriers(
        Embedded(
            texts=(TextBlock("png:tEXt", "parameters", "sui_image_params: umbrella", "utf-8"),)
        )
    )

    assert list(swarmui.read(carriers)) == []
    assert len(carriers.open()) == 1


def test_a_huge_seed_and_an_empty_key_are_no_trap() -> None:
    (found,) = read({"sui_image_params": {"": "not a prompt", "seed": 10**400, "steps": 1e999}})

    assert found.positive_prompt is None
    assert (found.seed, found.steps) == (10**400, None)


_values = st.none() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.text())
_params = st.dictionaries(
    st.sampled_from(
        ["prompt", "seed", "steps", "width", "loras", "loraweights", "vae", "refinermodel", "model"]
    ),
    _values,
)


@given(_params, st.lists(st.dictionaries(st.sampled_from(["name", "param", "hash"]), _values)))
def test_wrong_types_never_raise(params: object, models: object) -> None:
    (found,) = read({"sui_image_params": params, "sui_models": models})

    assert found.tool == "swarmui"
