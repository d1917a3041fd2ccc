"""Tools that write JSON of their own: each field lands where it belongs."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.evidence.metadata._families import records_from
from lightkeeper.evidence.metadata._record import GenerationRecord, ModelHash, Resource
from lightkeeper.media import Embedded, ExifField, TextBlock, XmpProperty
from lightkeeper.plain import to_plain
from lightkeeper.testing._infotext import infotext

_SHA = "AB" * 32
_GRAPH = {
    "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "paper.safetensors"}},
    "2": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["1", 1], "text": "a boat"}},
    "3": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["1", 1], "text": "fog"}},
    "4": {
        "class_type": "KSampler",
        "inputs": {
            "model": ["1", 0],
            "positive": ["2", 0],
            "negative": ["3", 0],
            "seed": 77,
            "steps": 20,
            "cfg": 5.0,
            "sampler_name": "euler_ancestral",
            "scheduler": "karras",
            "denoise": 1,
        },
    },
    "5": {"class_type": "SaveImage", "inputs": {"images": ["4", 0]}},
}


def records(**texts: object) -> tuple[GenerationRecord, ...]:
    blocks = tuple(
        TextBlock("png:tEXt", key, text if isinstance(text, str) else json.dumps(text), "utf-8")
        for key, text in texts.items()
    )
    return records_from(Embedded(texts=blocks))


def test_stability_matrix_tells_one_generation_and_takes_the_sampler_from_the_graph() -> None:
    told = {
        "PositivePrompt": "a boat\r\n",
        "NegativePrompt": "fog",
        "Steps": 20,
        "Sampler": "Euler Ancestral Karras",
        "CfgScale": 5,
        "Seed": 77,
        "Height": 768,
        "Width": 512,
        "ModelHash": _SHA,
        "ModelName": "paper.safetensors",
    }
    line = {"Steps": 20, "Sampler": "Euler Ancestral Karras", "CFG scale": 5, "Seed": 77}
    found = records(
        **{
            "prompt": _GRAPH,
            "parameters": infotext("a boat\r\n", negative="fog", parameters=line),
            "parameters-json": told,
            "smproj": {"Version": 2},
        }
    )
    first = found[0]
    assert [r.tool for r in found] == ["stability-matrix", "comfyui"]
    assert (first.positive_prompt, first.negative_prompt) == ("a boat\r\n", "fog")
    assert (first.sampler, first.scheduler) == ("euler_ancestral", "karras")
    assert first.extra["Sampler"] == "Euler Ancestral Karras"
    assert (first.seed, first.width, first.height) == (77, 512, 768)
    assert first.model_hashes == (ModelHash("sha256", _SHA),)


def test_stability_matrix_leaves_an_infotext_with_another_seed_as_a_record() -> None:
    line = {"Steps": 20, "Sampler": "Euler", "CFG scale": 5, "Seed": 5}
    told = {"PositivePrompt": "a boat", "Seed": 77}
    found = records(**{"parameters": infotext("a boat", parameters=line), "parameters-json": told})
    assert [(r.tool, r.seed) for r in found] == [("stability-matrix", 77), ("a1111", 5)]


def test_tensorart_takes_a_seed_left_to_chance_from_the_graph() -> None:
    data = {
        "prompt": "a boat",
        "negativePrompt": "fog",
        "width": 512,
        "height": 768,
        "steps": 25,
        "cfgScale": 7,
        "seed": "-1",
        "clipSkip": 2,
        "baseModel": {"label": "v1", "modelFileName": "paper", "hash": _SHA},
        "models": [{"type": "LORA", "modelFileName": "sail", "weight": 0.5, "modelFileId": "9"}],
        "ksamplerName": "euler_ancestral",
        "schedule": "karras",
    }
    found = records(generation_data=json.dumps(data) + "\0", prompt=_GRAPH)[0]
    assert (found.tool, found.seed, found.steps) == ("tensorart", 77, 25)
    assert (found.sampler, found.scheduler) == ("euler_ancestral", "karras")
    assert (found.model_name, found.model_hash) == ("paper", _SHA)
    assert found.loras == (Resource(kind="lora", name="sail", weight=0.5, version_id="9"),)


def test_fooocus_keeps_the_typed_prompt_and_its_loras() -> None:
    told = {
        "prompt": "a boat",
        "negative_prompt": "",
        "full_prompt": ["a boat, calm"],
        "base_model": "paper",
        "base_model_hash": "0123456789",
        "refiner_model": "None",
        "resolution": "(768, 1280)",
        "seed": "6952411511246973023",
        "steps": 30,
        "sampler": "dpmpp_2m_sde_gpu",
        "scheduler": "karras",
        "guidance_scale": 4,
        "vae": "Default (model)",
        "loras": [["sail", 0.5, "0123456789"]],
        "metadata_scheme": "fooocus",
        "version": "Fooocus v2.4.3",
    }
    (found,) = records(parameters=told, fooocus_scheme="fooocus")
    assert (found.tool, found.tool_version) == ("fooocus", "Fooocus v2.4.3")
    assert (found.positive_prompt, found.negative_prompt) == ("a boat", "")
    assert (found.width, found.height, found.seed) == (768, 1280, 6952411511246973023)
    assert found.loras == (
        Resource(kind="lora", name="sail", weight=0.5, hashes=(ModelHash("autov2", "0123456789"),)),
    )
    assert found.vae is None
    assert found.refiner is None
    assert found.extra["full_prompt"] == ["a boat, calm"]


def test_older_fooocus_wrote_labels() -> None:
    told = {
        "Prompt": "a boat",
        "Negative Prompt": "fog",
        "Base Model": "paper",
        "Refiner Model": "polish",
        "Resolution": "(768, 1280)",
        "Guidance Scale": 4.0,
        "Seed": 5,
        "LoRA 1": "sail : 0.5",
    }
    (found,) = records(Comment=told)
    assert (found.tool, found.positive_prompt, found.model_name) == ("fooocus", "a boat", "paper")
    assert found.loras == (Resource(kind="lora", name="sail", weight=0.5),)
    assert found.refiner == Resource(kind="refiner", name="polish")


def test_fooocus_in_the_form_of_a1111_gives_what_was_typed() -> None:
    line = {
        "Steps": 30,
        "Sampler": "DPM++ 2M SDE Karras",
        "Seed": 5,
        "Size": "768x1280",
        "CFG scale": 4,
        "Model": "paper",
        "Raw prompt": "a boat",
        "Lora hashes": "sail: 0123456789",
        "Lora weights": "sail: 0.5",
        "Version": "Fooocus v2.4.3",
    }
    (found,) = records(
        parameters=infotext("a boat, calm", negative="fog", parameters=line),
        fooocus_scheme="a1111",
    )
    assert (found.tool, found.positive_prompt, found.negative_prompt) == (
        "fooocus",
        "a boat",
        "fog",
    )
    assert found.extra["full_prompt"] == "a boat, calm"
    assert [(r.name, r.weight) for r in found.loras] == [("sail", 0.5)]


def test_ruined_fooocus_is_told_by_its_name() -> None:
    told = {
        "Prompt": "a boat",
        "Negative": "fog, ",
        "steps": 30,
        "cfg": 8,
        "width": 512,
        "height": 768,
        "seed": 5,
        "sampler_name": "dpmpp_2m_sde_gpu",
        "scheduler": "karras",
        "base_model_name": "paper.safetensors",
        "base_model_hash": _SHA,
        "loras": [["0123456789", "0.5 - sail.safetensors"]],
        "denoise": None,
        "software": "RuinedFooocus",
    }
    (found,) = records(parameters=told)
    assert (found.tool, found.negative_prompt, found.guidance_scale) == (
        "ruined-fooocus",
        "fog, ",
        8,
    )
    assert found.model_hashes == (ModelHash("sha256", _SHA),)
    assert [(r.name, r.weight) for r in found.loras] == [("sail.safetensors", 0.5)]


@pytest.mark.parametrize("labels", [False, True])
def test_easy_diffusion_spreads_its_fields_over_texts(labels: bool) -> None:
    names = {
        "prompt": "Prompt",
        "negative_prompt": "Negative Prompt",
        "seed": "Seed",
        "use_stable_diffusion_model": "Stable Diffusion model",
        "sampler_name": "Sampler",
        "num_inference_steps": "Steps",
        "guidance_scale": "Guidance Scale",
        "width": "Width",
        "height": "Height",
        "use_lora_model": "LoRA model",
        "lora_alpha": "LoRA Strength",
        "use_vae_model": "VAE model",
    }
    values = ["a boat", "fog", "5", "paper", "euler_a", "25", "7.5", "512", "768"]
    values += ["['sail', 'rope']", "[0.5, 1]", "None"]
    texts = dict(zip(names.values() if labels else names, values, strict=True))
    (found,) = records(**texts)
    assert found.tool == "easy-diffusion"
    assert (found.positive_prompt, found.negative_prompt) == ("a boat", "fog")
    assert (found.seed, found.steps, found.guidance_scale) == (5, 25, 7.5)
    assert (found.width, found.height, found.model_name) == (512, 768, "paper")
    assert [(r.name, r.weight) for r in found.loras] == [("sail", 0.5), ("rope", 1)]
    assert found.vae is None


def test_easy_diffusion_writes_one_object_into_exif() -> None:
    text = json.dumps({"prompt": "a boat", "seed": 5, "use_stable_diffusion_model": "paper"})
    comment = ExifField("exif", 0x9286, text.encode(), text)
    (found,) = records_from(Embedded(exif=(comment,)))
    assert (found.tool, found.carrier, found.seed) == ("easy-diffusion", "exif:UserComment", 5)


def test_a_space_writes_its_resolution_as_text() -> None:
    told = {
        "prompt": "a boat",
        "negative_prompt": "fog",
        "resolution": "1024 x 768",
        "guidance_scale": 6.5,
        "num_inference_steps": 28,
        "seed": 5,
        "sampler": "Euler a",
        "Model": "paper",
        "Model hash": _SHA.lower(),
    }
    (found,) = records(parameters=told)
    assert (found.tool, found.width, found.height) == ("huggingface-space", 1024, 768)
    assert (found.steps, found.guidance_scale, found.model_name) == (28, 6.5, "paper")
    assert found.model_hashes == (ModelHash("sha256", _SHA.lower()),)


def test_draw_things_tells_twice_and_gives_one_record() -> None:
    told = {
        "c": "a boat",
        "uc": "fog",
        "model": "paper.ckpt",
        "sampler": "DPM++ 2M Karras",
        "scale": 4.5,
        "seed": 5,
        "steps": 20,
        "strength": 1,
        "size": "512x768",
        "lora": [{"model": "sail.ckpt", "weight": 0.5}],
        "v2": {"clipSkip": 1},
    }
    line = {"Steps": 20, "Sampler": "DPM++ 2M Karras", "Guidance Scale": 4.5, "Seed": 5}
    exif, dc = "http://ns.adobe.com/exif/1.0/", "http://purl.org/dc/elements/1.1/"
    said = infotext("a boat", parameters=line)
    leaves = (
        XmpProperty(dc, "description", said, "description"),
        XmpProperty(exif, "UserComment", json.dumps(told), "UserComment"),
    )
    (found,) = records_from(Embedded(xmp=leaves))
    assert (found.tool, found.carrier) == ("draw-things", "xmp:UserComment")
    assert (found.positive_prompt, found.negative_prompt) == ("a boat", "fog")
    assert (found.width, found.height, found.guidance_scale) == (512, 768, 4.5)
    assert found.loras == (Resource(kind="lora", name="sail.ckpt", weight=0.5),)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
_KEYS = (
    *("prompt", "base_model", "loras", "software", "resolution", "num_inference_steps", "seed"),
    *("use_stable_diffusion_model", "use_lora_model", "lora_alpha", "c", "uc", "sampler", "lora"),
    *("size", "PositivePrompt", "ModelHash", "baseModel", "models", "extraMetadata", "vae"),
    *("Model hash", "use_upscaler", "transformations", "lora_combined_1", "Seed", "width"),
)


@given(
    keyword=st.sampled_from(
        ["parameters", "UserComment", "Comment", "generation_data", "parameters-json", "prompt"]
    ),
    told=st.dictionaries(st.sampled_from(_KEYS), json_values, min_size=1),
)
def test_no_json_raises_and_every_record_has_a_plain_form(
    keyword: str, told: dict[str, object]
) -> None:
    for record in records(**{keyword: told}):
        json.dumps(to_plain(record), allow_nan=False)
