from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.evidence.metadata import invokeai
from lightkeeper.evidence.metadata._carriers import Carriers
from lightkeeper.evidence.metadata._record import GenerationRecord
from lightkeeper.media import Embedded, TextBlock


def read(**chunks: str) -> list[GenerationRecord]:
    texts = (TextBlock("png:tEXt", k.replace("_md", "-md"), v, "utf-8") for k, v in chunks.items())
    return list(invokeai.read(Carriers(Embedded(texts=tuple(texts)))))


def second(**image: object) -> str:
    return json.dumps({"app_version": "2.3.5", "model_weights": "harbour", "image": image})


def test_the_current_generation_is_read() -> None:
    payload = {
        "generation_mode": "sdxl_img2img",
        "positive_prompt": "a lighthouse at dusk",
        "negative_prompt": "fog",
        "width": 1024,
        "height": 768,
        "seed": 5,
        "rand_device": "cpu",
        "cfg_scale": 6.0,
        "steps": 24,
        "scheduler": "euler_a",
        "model": {"name": "harbour", "hash": "blake3:abcd", "base": "sdxl"},
        "vae": {"model_name": "clear"},
        "loras": [{"model": {"name": "sea", "hash": "sha256:ef"}, "weight": 0.75}],
        "controlnets": [
            {
                "control_model": {"model_name": "depth"},
                "control_weight": 0.5,
                "image": {"image_name": "pier.png"},
            }
        ],
        "strength": 0.4,
        "init_image": "harbour.png",
        "app_version": "6.1.0",
        "seamless_x": True,
    }

    (found,) = read(invokeai_metadata=json.dumps(payload), invokeai_graph="{}")

    assert (found.tool, found.tool_version) == ("invokeai", "6.1.0")
    assert (found.positive_prompt, found.negative_prompt) == ("a lighthouse at dusk", "fog")
    assert (found.seed, found.steps, found.sampler, found.guidance_scale) == (5, 24, "euler_a", 6.0)
    assert (found.model_name, found.model_hash) == ("harbour", "blake3:abcd")
    assert found.model_hashes[0].kind == "blake3"
    assert found.vae is not None
    assert found.vae.name == "clear"
    assert [(r.name, r.weight, r.hashes[0].kind) for r in found.loras] == [("sea", 0.75, "sha256")]
    assert [(r.kind, r.name, r.weight, r.image) for r in found.controls] == [
        ("controlnet", "depth", 0.5, "pier.png")
    ]
    assert (found.mode, found.init_image, found.rng) == ("img2img", "harbour.png", "cpu")
    assert found.extra["seamless_x"] is True


@pytest.mark.parametrize(
    "prompt",
    ["a bicycle [rust, fog] by the sea", [{"prompt": "a bicycle [rust, fog] by the sea"}]],
    ids=["text", "weighted-parts"],
)
def test_the_second_generation_keeps_bracketed_words_apart(prompt: object) -> None:
    (found,) = read(sd_md="", **{"sd-metadata": second(prompt=prompt, seed=9, sampler="k_lms")})

    assert found.positive_prompt == "a bicycle by the sea"
    assert found.negative_prompt == "rust, fog"
    assert (found.seed, found.sampler, found.model_name) == (9, "k_lms", "harbour")


def test_a_dream_string_is_read() -> None:
    (found,) = read(
        Dream='"an "old" umbrella" -s50 -S1234 -W512 -H640 -C7.5 -Ak_lms -f0.6 -Iin.png'
    )

    assert found.positive_prompt == 'an "old" umbrella'
    assert (found.seed, found.steps, found.sampler) == (1234, 50, "k_lms")
    assert (found.width, found.height, found.guidance_scale) == (512, 640, 7.5)
    assert (found.mode, found.init_image, found.denoising_strength) == ("img2img", "in.png", 0.6)


@pytest.mark.parametrize("text", ["", '"', "no quotes -s50", "[1]"])
def test_what_is_not_a_dream_string_is_left_alone(text: str) -> None:
    assert read(Dream=text) == []


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["model", "lora", "name", "image", "prompt"]), inner)
    ),
    max_leaves=6,
)
_keys = st.sampled_from(
    ["seed", "model", "vae", "loras", "controlnets", "image", "init_image", "steps", "width"]
)


@given(st.dictionaries(_keys, _values), st.text())
def test_no_payload_raises(payload: dict[str, object], dream: str) -> None:
    text = json.dumps(payload)

    found = read(invokeai_metadata=text, **{"sd-metadata": text}, Dream=dream)

    assert [r.tool for r in found[:2]] == ["invokeai", "invokeai"]
