from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.evidence.metadata import comfyui
from lightkeeper.evidence.metadata._carriers import Carriers
from lightkeeper.evidence.metadata._record import GenerationRecord
from lightkeeper.media import Embedded, ExifField, TextBlock

Api = dict[str, Any]


def node(kind: str, **inputs: object) -> dict[str, object]:
    return {"class_type": kind, "inputs": inputs}


def text_to_image() -> Api:
    return {
        "1": node("CheckpointLoaderSimple", ckpt_name="harbour.safetensors"),
        "2": node("CLIPTextEncode", text="a lighthouse at dusk", clip=["1", 1]),
        "3": node("CLIPTextEncode", text="fog", clip=["1", 1]),
        "4": node("EmptyLatentImage", width=640, height=512, batch_size=1),
        "5": node(
            "KSampler",
            seed=7,
            steps=20,
            cfg=6.5,
            sampler_name="euler",
            scheduler="karras",
            denoise=1.0,
            model=["1", 0],
            positive=["2", 0],
            negative=["3", 0],
            latent_image=["4", 0],
        ),
        "6": node("VAEDecode", samples=["5", 0], vae=["1", 2]),
        "7": node("SaveImage", images=["6", 0], filename_prefix="ComfyUI"),
    }


def record(graph: object) -> GenerationRecord:
    found = comfyui.read_graph(graph, carrier="test", raw="")
    assert found is not None
    return found


def read(*texts: TextBlock, exif: tuple[ExifField, ...] = ()) -> list[GenerationRecord]:
    return list(comfyui.read(Carriers(Embedded(texts=texts, exif=exif))))


def chunk(keyword: str, value: object, carrier: str = "png:tEXt") -> TextBlock:
    return TextBlock(carrier, keyword, json.dumps(value), "latin-1")


def exif(tag: int, text: str, ifd: Any = "ifd0") -> ExifField:
    return ExifField(ifd, tag, text, text)


def test_the_sampler_behind_the_saved_picture_gives_the_settings() -> None:
    found = record(text_to_image())

    assert found.tool == "comfyui"
    assert found.positive_prompt == "a lighthouse at dusk"
    assert found.negative_prompt == "fog"
    assert (found.seed, found.steps, found.guidance_scale) == (7, 20, 6.5)
    assert (found.sampler, found.scheduler) == ("euler", "karras")
    assert (found.width, found.height) == (640, 512)
    assert found.model_name == "harbour.safetensors"
    assert (found.mode, found.denoising_strength) == ("txt2img", 1.0)


def test_an_upscaling_second_pass_does_not_win_over_the_first() -> None:
    graph = text_to_image()
    graph["8"] = node("LatentUpscale", samples=["5", 0], upscale_method="nearest", width=1280)
    graph["9"] = node(
        "KSampler", **{**graph["5"]["inputs"], "seed": 8, "denoise": 0.4, "latent_image": ["8", 0]}
    )
    graph["6"]["inputs"]["samples"] = ["9", 0]

    found = record(graph)

    assert found.seed == 7
    assert (found.width, found.height) == (640, 512)
    assert found.upscaling == {"method": "nearest", "width": 1280}
    assert found.extra["other_passes"][0]["seed"] == 8  # type: ignore[index]


def test_a_sampler_that_no_output_needs_is_ignored() -> None:
    graph = {"0": node("KSampler", **{**text_to_image()["5"]["inputs"], "seed": 99})}
    graph |= text_to_image()

    assert record(graph).seed == 7


def test_stage_c_of_a_cascade_is_the_sampler_that_made_the_picture() -> None:
    graph = text_to_image()
    graph["8"] = node("StableCascade_StageB_Conditioning", conditioning=["2", 0], stage_c=["5", 0])
    graph["9"] = node(
        "KSampler",
        seed=8,
        steps=10,
        model=["1", 0],
        positive=["8", 0],
        negative=["3", 0],
        latent_image=["4", 1],
    )
    graph["6"]["inputs"]["samples"] = ["9", 0]

    assert (record(graph).seed, record(graph).steps) == (7, 20)


def test_the_settings_of_a_custom_sampler_are_gathered_from_its_parts() -> None:
    graph = text_to_image()
    graph["5"] = node(
        "SamplerCustomAdvanced",
        noise=["10", 0],
        guider=["11", 0],
        sampler=["12", 0],
        sigmas=["13", 0],
        latent_image=["4", 0],
    )
    graph["10"] = node("RandomNoise", noise_seed=11)
    graph["11"] = node("CFGGuider", cfg=3.0, model=["1", 0], positive=["2", 0], negative=["3", 0])
    graph["12"] = node("KSamplerSelect", sampler_name="uni_pc")
    graph["13"] = node("BasicScheduler", scheduler="beta", steps=24, denoise=0.8, model=["1", 0])

    found = record(graph)

    assert (found.seed, found.steps, found.guidance_scale) == (11, 24, 3.0)
    assert (found.sampler, found.scheduler, found.denoising_strength) == ("uni_pc", "beta", 0.8)
    assert found.positive_prompt == "a lighthouse at dusk"
    assert found.model_name == "harbour.safetensors"


def test_a_basic_guider_takes_its_guidance_from_the_conditioning() -> None:
    graph = text_to_image()
    graph["5"] = node(
        "SamplerCustomAdvanced", guider=["11", 0], sigmas=["13", 0], latent_image=["4", 0]
    )
    graph["11"] = node("BasicGuider", model=["1", 0], conditioning=["14", 0])
    graph["13"] = node("BasicScheduler", scheduler="simple", steps=4)
    graph["14"] = node("FluxGuidance", guidance=3.5, conditioning=["2", 0])

    found = record(graph)

    assert found.guidance_scale == 3.5
    assert found.positive_prompt == "a lighthouse at dusk"
    assert found.negative_prompt is None


def test_prompts_pass_through_conditioning_nodes_and_keep_their_sides() -> None:
    graph = text_to_image()
    graph["20"] = node("CLIPTextEncode", text="an umbrella", clip=["1", 1])
    graph["21"] = node("ConditioningCombine", conditioning_1=["2", 0], conditioning_2=["20", 0])
    graph["22"] = node("ControlNetLoader", control_net_name="depth.pth")
    graph["23"] = node("LoadImage", image="harbour.png")
    graph["24"] = node(
        "ControlNetApplyAdvanced",
        positive=["21", 0],
        negative=["3", 0],
        control_net=["22", 0],
        image=["23", 0],
        strength=0.7,
    )
    graph["5"]["inputs"] |= {"positive": ["24", 0], "negative": ["24", 1]}

    found = record(graph)

    assert found.positive_prompt == "a lighthouse at dusk\nan umbrella"
    assert found.negative_prompt == "fog"
    assert [(c.kind, c.name, c.weight, c.image) for c in found.controls] == [
        ("controlnet", "depth.pth", 0.7, "harbour.png")
    ]
    assert found.init_image is None


def test_a_conditioning_that_is_zeroed_out_has_no_prompt() -> None:
    graph = text_to_image()
    graph["20"] = node("ConditioningZeroOut", conditioning=["2", 0])
    graph["5"]["inputs"]["negative"] = ["20", 0]

    assert record(graph).negative_prompt is None


def test_prompts_are_joined_from_text_nodes() -> None:
    graph = text_to_image()
    graph["30"] = node("StringConcatenate", string_a=["31", 0], string_b="at dusk", delimiter=" ")
    graph["31"] = node("PrimitiveString", value="a bicycle")
    graph["2"]["inputs"]["text"] = ["30", 0]

    assert record(graph).positive_prompt == "a bicycle at dusk"


def test_a_seed_is_followed_to_its_primitive_node() -> None:
    graph = text_to_image()
    graph["30"] = node("Seed (rgthree)", seed=12345)
    graph["5"]["inputs"]["seed"] = ["30", 0]

    assert record(graph).seed == 12345


def test_loras_are_listed_in_the_order_of_their_application() -> None:
    graph = text_to_image()
    graph["40"] = node(
        "LoraLoader", lora_name="first.safetensors", strength_model=0.5, model=["1", 0]
    )
    graph["41"] = node(
        "Power Lora Loader (rgthree)",
        model=["40", 0],
        lora_1={"on": True, "lora": "second.safetensors", "strength": 0.8},
        lora_2={"on": False, "lora": "off.safetensors", "strength": 1},
    )
    graph["5"]["inputs"]["model"] = ["41", 0]

    found = record(graph)

    assert [(r.name, r.weight) for r in found.loras] == [
        ("first.safetensors", 0.5),
        ("second.safetensors", 0.8),
    ]
    assert found.model_name == "harbour.safetensors"


def test_vae_hypernetwork_and_embeddings_are_resources_of_the_record() -> None:
    graph = text_to_image()
    graph["2"]["inputs"]["text"] = "a lighthouse, (embedding:sea-style:1.2)"
    graph["50"] = node("VAELoader", vae_name="clear.pt")
    graph["51"] = node(
        "HypernetworkLoader", hypernetwork_name="marble.pt", strength=0.9, model=["1", 0]
    )
    graph["5"]["inputs"]["model"] = ["51", 0]
    graph["6"]["inputs"]["vae"] = ["50", 0]

    found = record(graph)

    assert found.vae is not None
    assert found.vae.name == "clear.pt"
    assert [(r.name, r.weight) for r in found.hypernetworks] == [("marble.pt", 0.9)]
    assert [(r.name, r.weight) for r in found.embeddings] == [("sea-style", 1.2)]


def test_an_inpainting_graph_names_its_picture_and_its_mask() -> None:
    graph = text_to_image()
    graph["60"] = node("LoadImage", image="pier.png")
    graph["61"] = node("LoadImageMask", image="pier-mask.png", channel="red")
    graph["62"] = node("VAEEncodeForInpaint", pixels=["60", 0], mask=["61", 0], vae=["1", 2])
    graph["5"]["inputs"] |= {"latent_image": ["62", 0], "denoise": 0.6}

    found = record(graph)

    assert (found.mode, found.init_image, found.mask) == ("inpaint", "pier.png", "pier-mask.png")
    assert found.denoising_strength == 0.6


def test_a_graph_without_sampler_that_enlarges_is_an_upscale() -> None:
    found = record(
        {
            "1": node("LoadImage", image="pier.png"),
            "2": node("UpscaleModelLoader", model_name="x4.pth"),
            "3": node("ImageUpscaleWithModel", upscale_model=["2", 0], image=["1", 0]),
            "4": node("SaveImage", images=["3", 0]),
        }
    )

    assert (found.mode, found.init_image) == ("upscale", "pier.png")
    assert found.upscaling == {"model": "x4.pth"}
    assert found.seed is None


def test_custom_nodes_that_carry_all_in_one_pipe_are_read_by_their_inputs() -> None:
    graph = {
        "1": node(
            "easy fullLoader",
            ckpt_name="harbour.safetensors",
            vae_name="Baked VAE",
            clip_skip=-2,
            empty_latent_width=512,
            empty_latent_height=768,
            positive="a kite",
            negative="rain",
        ),
        "2": node("easy preSampling", pipe=["1", 0], seed=42, steps=25, cfg=7.0),
        "3": node("easy kSampler", pipe=["2", 0], image_output="Save"),
    }

    found = record(graph)

    assert (found.positive_prompt, found.negative_prompt) == ("a kite", "rain")
    assert (found.seed, found.steps, found.model_name) == (42, 25, "harbour.safetensors")
    assert (found.width, found.height, found.clip_skip, found.vae) == (512, 768, 2, None)


def test_a_stack_of_loras_gives_those_in_use_with_their_weights() -> None:
    graph = text_to_image()
    graph["40"] = node(
        "LoRA Stacker",
        input_mode="simple",
        lora_count=1,
        lora_name_1="used.safetensors",
        lora_wt_1=0.4,
        model_str_1=1,
        lora_name_2="beyond.safetensors",
    )
    graph["5"]["inputs"]["lora_stack"] = ["40", 0]

    assert [(r.name, r.weight) for r in record(graph).loras] == [("used.safetensors", 0.4)]


def test_a_switch_passes_on_only_the_selected_input() -> None:
    graph = text_to_image()
    graph["40"] = node("CLIPTextEncode", text="an umbrella", clip=["1", 1])
    graph["41"] = node("ImpactSwitch", select=2, input1=["2", 0], input2=["40", 0])
    graph["5"]["inputs"]["positive"] = ["41", 0]

    assert record(graph).positive_prompt == "an umbrella"


def test_a_base_and_a_refiner_give_the_base_its_settings() -> None:
    graph = text_to_image()
    base = graph["5"]["inputs"] | {"noise_seed": 6, "end_at_step": 20}
    del base["seed"]
    graph["5"] = node("KSamplerAdvanced", add_noise="enable", **base)
    graph["8"] = node("CheckpointLoaderSimple", ckpt_name="finish.safetensors")
    refining = base | {"noise_seed": 0, "model": ["8", 0], "latent_image": ["5", 0]}
    graph["9"] = node("KSamplerAdvanced", add_noise="disable", **refining)
    graph["6"]["inputs"]["samples"] = ["9", 0]

    found = record(graph)

    assert (found.seed, found.model_name) == (6, "harbour.safetensors")
    assert found.refiner is not None
    assert found.refiner.name == "finish.safetensors"


def test_a_sampler_inside_a_subgraph_is_found() -> None:
    sampler = {"id": 5, "type": "KSampler", "widgets_values": [7, "fixed", 20, 6.5, "euler"]}
    workflow = {
        "nodes": [{"id": 1, "type": "0aa1", "widgets_values": []}],
        "definitions": {"subgraphs": [{"id": "0aa1", "nodes": [sampler], "links": []}]},
    }

    assert (record(workflow).seed, record(workflow).sampler) == (7, "euler")


def test_civitai_resource_names_give_their_version() -> None:
    graph = text_to_image()
    name = "urn:air:sdxl:lora:civitai:111@222"
    graph["40"] = node("LoraLoader", lora_name=name, strength_model=1, model=["1", 0])
    graph["5"]["inputs"]["model"] = ["40", 0]

    assert record(graph).loras[0].version_id == "222"


def test_an_editor_workflow_gives_the_same_as_the_graph_that_ran() -> None:
    workflow = {
        "last_node_id": 7,
        "nodes": [
            {"id": 1, "type": "CheckpointLoaderSimple", "widgets_values": ["harbour.safetensors"]},
            {"id": 2, "type": "CLIPTextEncode", "widgets_values": ["a lighthouse at dusk"]},
            {"id": 3, "type": "CLIPTextEncode", "widgets_values": ["fog"]},
            {"id": 4, "type": "EmptyLatentImage", "widgets_values": [640, 512, 1]},
            {
                "id": 5,
                "type": "KSampler",
                "widgets_values": [7, "randomize", 20, 6.5, "euler", "karras", 1.0],
                "inputs": [
                    {"name": "model", "type": "MODEL", "link": 1},
                    {"name": "positive", "type": "CONDITIONING", "link": 2},
                    {"name": "negative", "type": "CONDITIONING", "link": 3},
                    {"name": "latent_image", "type": "LATENT", "link": 4},
                ],
            },
            {
                "id": 8,
                "type": "LoraLoaderModelOnly",
                "mode": 4,
                "widgets_values": ["bypassed.safetensors", 1],
                "inputs": [{"name": "model", "type": "MODEL", "link": 5}],
            },
        ],
        "links": [
            [1, 8, 0, 5, 0, "MODEL"],
            [2, 2, 0, 5, 1, "CONDITIONING"],
            [3, 3, 0, 5, 2, "CONDITIONING"],
            [4, 4, 0, 5, 3, "LATENT"],
            [5, 1, 0, 8, 0, "MODEL"],
        ],
    }

    found, ran = record(workflow), record(text_to_image())

    same = (
        "positive_prompt negative_prompt seed steps sampler scheduler guidance_scale width height "
        "model_name loras mode"
    )
    assert [getattr(found, n) for n in same.split()] == [getattr(ran, n) for n in same.split()]


@pytest.mark.parametrize("carrier", ["png:tEXt", "png:iTXt", "png:comf"])
def test_png_text_gives_one_record_and_claims_the_workflow_too(carrier: str) -> None:
    carriers = Carriers(
        Embedded(
            texts=(
                chunk("workflow", {"nodes": []}, carrier),
                chunk("prompt", text_to_image(), carrier),
                chunk("parameters", "other", carrier),
            )
        )
    )

    found = list(comfyui.read(carriers))

    assert [(r.carrier, r.seed) for r in found] == [(f"{carrier}:prompt", 7)]
    assert json.loads(found[0].raw) == text_to_image()
    assert [p.keyword for p in carriers.open()] == ["parameters"]


@pytest.mark.parametrize(
    ("prompt_tag", "prefix"), [(0x0110, "prompt:"), (0x010F, "Prompt: ")], ids=["webp", "extended"]
)
def test_exif_fields_with_a_prefix_are_read(prompt_tag: int, prefix: str) -> None:
    found = read(exif=(exif(prompt_tag, prefix + json.dumps(text_to_image())),))

    assert [r.seed for r in found] == [7]
    assert found[0].carrier in ("exif:Model", "exif:Make")


@pytest.mark.parametrize("inner", [json.dumps, lambda graph: graph], ids=["as-text", "as-object"])
def test_a_user_comment_with_both_forms_is_read(inner: Any) -> None:
    envelope = json.dumps({"prompt": inner(text_to_image()), "workflow": {"nodes": []}})

    found = read(exif=(exif(0x9286, envelope, "exif"),))

    assert [(r.carrier, r.seed) for r in found] == [("exif:UserComment", 7)]


@pytest.mark.parametrize(
    "text", ["a {red|green} umbrella", "{broken", "{}", '{"1": 2}', "[]", "", '{"class_type": 1}']
)
def test_what_is_not_a_graph_stays_unclaimed(text: str) -> None:
    carriers = Carriers(Embedded(texts=(TextBlock("png:tEXt", "prompt", text, "latin-1"),)))

    assert list(comfyui.read(carriers)) == []
    assert len(carriers.open()) == 1


def test_cycles_diamonds_and_wrong_types_end_quickly() -> None:
    diamond: Api = {
        str(i): node(
            "ConditioningCombine", conditioning_1=[str(i + 1), 0], conditioning_2=[str(i + 1), 0]
        )
        for i in range(60)
    }
    diamond["s"] = node("KSampler", seed=1, steps=2, positive=["0", 0], negative=["0", 0])
    cycle = {"1": node("KSampler", seed=1, steps=2, positive=["1", 0], latent_image=["1", 0])}
    odd = {
        "4:1": node(
            "KSampler",
            seed=float("nan"),
            steps=None,
            cfg={},
            sampler_name=["9", 0],
            positive=[["x"], 0],
            model=["4:1", {}],
        )
    }

    assert record(diamond).seed == 1
    assert record(cycle).steps == 2
    assert record(odd).seed is None


def test_a_huge_graph_is_read_in_part_and_says_so() -> None:
    graph = {
        str(i): node(
            "KSampler", seed=1, steps=2, model=[str(i + 1), 0], latent_image=[str(i + 1), 0]
        )
        for i in range(6000)
    }

    assert "truncated" in record(graph).notes


def test_texts_that_double_at_every_node_are_cut() -> None:
    graph = text_to_image()
    for i in range(30):
        graph[f"t{i}"] = node("Join", string_a=[f"t{i + 1}", 0], string_b=[f"t{i + 1}", 0])
    graph["t30"] = node("PrimitiveString", value="umbrella " * 20)
    graph["2"]["inputs"]["text"] = ["t0", 0]

    found = record(graph)

    assert "truncated" in found.notes
    assert len(found.positive_prompt or "") <= 1_000_000


_names = st.sampled_from(
    [
        "seed",
        "steps",
        "cfg",
        "sampler_name",
        "positive",
        "negative",
        "model",
        "latent_image",
        "text",
        "text_a",
        "text_b",
        "samples",
        "images",
        "width",
        "height",
        "lora_name",
        "lora_1",
        "control_net",
        "image",
        "mask",
        "guider",
        "sigmas",
    ]
)
_links = st.tuples(st.sampled_from(["1", "2", "3", "4:1", 3, "x"]), st.integers(-1, 3)).map(list)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | _links,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3),
    max_leaves=6,
)
_nodes = st.fixed_dictionaries(
    {
        "class_type": st.sampled_from(["KSampler", "SaveImage", "LoraLoader", "LoadImage", "A"]),
        "inputs": st.dictionaries(_names, _links | _json, max_size=8),
    }
)
_graphs = st.dictionaries(st.sampled_from(["1", "2", "3", "4:1"]), _nodes | _json, max_size=4)


@given(_graphs)
def test_no_graph_raises(graph: object) -> None:
    found = comfyui.read_graph(graph, carrier="test", raw="")

    assert found is None or found.tool == "comfyui"


@given(
    st.fixed_dictionaries(
        {
            "nodes": st.lists(
                st.dictionaries(
                    st.sampled_from(["id", "type", "mode", "inputs", "widgets_values"]), _json
                ),
                max_size=4,
            ),
            "links": st.lists(st.lists(st.integers(0, 4), max_size=6), max_size=4) | _json,
        }
    )
)
def test_no_workflow_raises(workflow: object) -> None:
    found = comfyui.read_graph(workflow, carrier="test", raw="")

    assert found is None or found.tool == "comfyui"
