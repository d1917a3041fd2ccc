"""ComfyUI graphs by what their ports say: sides, pipes, widgets, and what was done on the way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.evidence import Claim, Hypothesis
from lightkeeper.evidence.metadata import MetadataExaminer, comfyui, read_parameters
from lightkeeper.evidence.metadata._carriers import Carriers
from lightkeeper.evidence.metadata._comfy_nodes import node_class
from lightkeeper.evidence.metadata._findings import parameters_finding
from lightkeeper.evidence.metadata._graph import MAX_NODES, Graph
from lightkeeper.media import Embedded, TextBlock, open_media

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lightkeeper.evidence import Finding
    from lightkeeper.evidence.metadata._record import GenerationRecord

Api = dict[str, Any]
WANTED, UNWANTED = "a lighthouse at dusk", "fog over the pier"


def node(kind: str, **inputs: object) -> dict[str, object]:
    return {"class_type": kind, "inputs": inputs}


def parts() -> Api:
    """Loader 1, texts 2 and 3, latent 4, sampler 5, decoder 6, saver 7; no side is linked yet."""
    return {
        "1": node("CheckpointLoaderSimple", ckpt_name="harbour.safetensors"),
        "2": node("CLIPTextEncode", text=WANTED, clip=["1", 1]),
        "3": node("CLIPTextEncode", text=UNWANTED, clip=["1", 1]),
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
            latent_image=["4", 0],
        ),
        "6": node("VAEDecode", samples=["5", 0], vae=["1", 2]),
        "7": node("SaveImage", images=["6", 0], filename_prefix="x"),
    }


def wired(positive: list[object], negative: list[object], **more: object) -> Api:
    graph = parts() | more
    graph["5"]["inputs"] |= {"positive": positive, "negative": negative}
    return graph


def record(graph: object, editor: object = None) -> GenerationRecord:
    found = comfyui.read_graph(graph, carrier="test", raw="", editor=editor)
    assert found is not None
    return found


def finding(graph: object) -> Finding:
    return parameters_finding(record(graph), examiner="metadata", version="2")


def sides(graph: object) -> tuple[str | None, str | None]:
    found = record(graph)
    return found.positive_prompt, found.negative_prompt


TO_BASIC = node(
    "ToBasicPipe", model=["1", 0], clip=["1", 1], vae=["1", 2], positive=["2", 0], negative=["3", 0]
)
TO_CONTEXT = node("Context (rgthree)", model=["1", 0], positive=["2", 0], negative=["3", 0])
PIPES = {
    "Impact basic pipe": wired(
        ["11", 3], ["11", 4], **{"10": TO_BASIC, "11": node("FromBasicPipe", basic_pipe=["10", 0])}
    ),
    "Impact basic pipe v2": wired(
        ["11", 4],
        ["11", 5],
        **{"10": TO_BASIC, "11": node("FromBasicPipe_v2", basic_pipe=["10", 0])},
    ),
    "Impact detailer pipe": wired(
        ["12", 3],
        ["12", 4],
        **{
            "10": TO_BASIC,
            "11": node(
                "BasicPipeToDetailerPipe",
                basic_pipe=["10", 0],
                wildcard="kite",
                bbox_detector=["9", 0],
            ),
            "12": node("FromDetailerPipe", detailer_pipe=["11", 0]),
        },
    ),
    "rgthree context": wired(
        ["11", 4],
        ["11", 5],
        **{"10": TO_CONTEXT, "11": node("Context (rgthree)", base_ctx=["10", 0])},
    ),
    "rgthree big context": wired(
        ["11", 4],
        ["11", 5],
        **{"10": TO_CONTEXT, "11": node("Context Big (rgthree)", base_ctx=["10", 0])},
    ),
    "rgthree context switch": wired(
        ["12", 4],
        ["12", 5],
        **{
            "10": TO_CONTEXT,
            "12": node("Context Switch (rgthree)", ctx_01=["99", 0], ctx_02=["10", 0]),
        },
    ),
    "Easy-Use pipe": wired(
        ["11", 2],
        ["11", 3],
        **{
            "10": node("easy pipeIn", model=["1", 0], pos=["2", 0], neg=["3", 0]),
            "11": node("easy pipeOut", pipe=["10", 0]),
        },
    ),
    "ttN pipe": wired(
        ["11", 1],
        ["11", 2],
        **{
            "10": node("ttN pipeIN", model=["1", 0], pos=["2", 0], neg=["3", 0]),
            "11": node("ttN pipeOUT", pipe=["10", 0]),
        },
    ),
    "SDXL tuple": wired(
        ["11", 2],
        ["11", 3],
        **{
            "8": node("CLIPTextEncode", text="of the refiner", clip=["1", 1]),
            "10": node(
                "Pack SDXL Tuple",
                base_positive=["2", 0],
                base_negative=["3", 0],
                refiner_positive=["8", 0],
                refiner_negative=["8", 0],
            ),
            "11": node("Unpack SDXL Tuple", sdxl_tuple=["10", 0]),
        },
    ),
    "Efficient loader": wired(
        ["10", 1], ["10", 2], **{"10": node("Efficient Loader", positive=WANTED, negative=UNWANTED)}
    ),
    "ControlNet on both sides": wired(
        ["10", 0],
        ["10", 1],
        **{
            "10": node(
                "ControlNetApplyAdvanced", positive=["2", 0], negative=["3", 0], strength=1.0
            )
        },
    ),
    "reroutes": wired(
        ["10", 0],
        ["11", 0],
        **{"10": node("Reroute", **{"": ["2", 0]}), "11": node("Reroute", **{"": ["3", 0]})},
    ),
    "a pipe of a class that nobody knows": wired(
        ["11", 8],
        ["11", 9],
        **{
            "10": node("Zz Pack", positive=["2", 0], negative=["3", 0]),
            "11": node("Zz Unpack", zz_pipe=["10", 0]),
        },
    ),
}


@pytest.mark.parametrize("name", PIPES)
def test_a_pipe_keeps_the_sides_apart(name: str) -> None:
    assert sides(PIPES[name]) == (WANTED, UNWANTED)


def test_a_pipe_may_be_the_only_thing_that_a_sampler_is_given() -> None:
    graph = parts() | {"10": TO_BASIC}
    graph["5"] = node(
        "ImpactKSamplerBasicPipe", seed=7, steps=20, basic_pipe=["10", 0], latent_image=["4", 0]
    )
    graph["6"]["inputs"]["samples"] = ["5", 1]

    assert sides(graph) == (WANTED, UNWANTED)
    assert record(graph).model_name == "harbour.safetensors"


def test_an_edited_pipe_changes_one_side_only() -> None:
    graph = wired(
        ["12", 3],
        ["12", 4],
        **{
            "10": TO_BASIC,
            "8": node("CLIPTextEncode", text="an umbrella", clip=["1", 1]),
            "11": node("EditBasicPipe", basic_pipe=["10", 0], positive=["8", 0]),
            "12": node("FromBasicPipe", basic_pipe=["11", 0]),
        },
    )

    assert sides(graph) == ("an umbrella", UNWANTED)


def test_a_merge_of_contexts_takes_each_field_from_the_last_that_has_it() -> None:
    graph = wired(
        ["12", 4],
        ["12", 5],
        **{
            "8": node("CLIPTextEncode", text="an umbrella", clip=["1", 1]),
            "10": TO_CONTEXT,
            "11": node("Context (rgthree)", positive=["8", 0]),
            "12": node("Context Merge (rgthree)", ctx_01=["10", 0], ctx_02=["11", 0]),
        },
    )

    assert sides(graph) == ("an umbrella", UNWANTED)


def test_settings_come_out_of_a_context_by_the_names_of_its_outputs() -> None:
    graph = wired(
        ["2", 0],
        ["3", 0],
        **{
            "9": node(
                "KSampler Config (rgthree)",
                steps_total=31,
                refiner_step=20,
                cfg=4.5,
                sampler_name="ddim",
                scheduler="simple",
            ),
            "10": node(
                "Context Big (rgthree)",
                seed=["8", 0],
                steps=["9", 0],
                cfg=["9", 2],
                sampler=["9", 3],
                scheduler=["9", 4],
            ),
            "8": node("Seed (rgthree)", seed=99),
        },
    )
    graph["5"]["inputs"] |= {
        "seed": ["10", 8],
        "steps": ["10", 9],
        "cfg": ["10", 11],
        "sampler_name": ["10", 13],
        "scheduler": ["10", 14],
    }

    found = record(graph)

    assert (found.seed, found.steps, found.guidance_scale) == (99, 31, 4.5)
    assert (found.sampler, found.scheduler) == ("ddim", "simple")


def test_both_sides_are_alike_only_where_one_node_feeds_both() -> None:
    assert sides(wired(["2", 0], ["2", 0])) == (WANTED, WANTED)


def test_what_a_node_of_unknown_kind_joins_is_not_reported_as_unwanted() -> None:
    graph = wired(["10", 5], ["10", 6], **{"10": node("Zz Mixer", a=["2", 0], b=["3", 0])})

    found = record(graph)

    assert found.negative_prompt is None
    assert "negative-undetermined" in found.notes


def test_the_editors_form_beside_a_graph_names_the_outputs_of_unknown_nodes() -> None:
    graph = wired(
        ["10", 1], ["10", 0], **{"10": node("Zz Both", positive=["2", 0], negative=["3", 0])}
    )
    outputs = [
        {"name": "negative", "type": "CONDITIONING"},
        {"name": "positive", "type": "CONDITIONING"},
    ]
    editor = {"nodes": [{"id": 10, "type": "Zz Both", "outputs": outputs}]}
    texts = [
        TextBlock("png:tEXt", keyword, json.dumps(value), "latin-1")
        for keyword, value in (("prompt", graph), ("workflow", editor))
    ]

    (found,) = comfyui.read(Carriers(Embedded(texts=tuple(texts))))

    assert (found.positive_prompt, found.negative_prompt) == (WANTED, UNWANTED)
    assert "editor-form" not in found.notes


def test_every_further_sampler_says_its_own_prompts() -> None:
    graph = wired(["2", 0], ["3", 0])
    graph["8"] = node("CLIPTextEncode", text="an umbrella", clip=["1", 1])
    graph["9"] = node(
        "KSampler",
        **{
            **graph["5"]["inputs"],
            "seed": 8,
            "denoise": 0.4,
            "positive": ["8", 0],
            "latent_image": ["5", 0],
        },
    )
    graph["6"]["inputs"]["samples"] = ["9", 0]

    found = record(graph)
    (other,) = found.extra["other_passes"]  # type: ignore[misc, attr-defined]

    assert (found.seed, found.positive_prompt, found.negative_prompt) == (7, WANTED, UNWANTED)
    assert (other["seed"], other["positive_prompt"], other["negative_prompt"]) == (
        8,
        "an umbrella",
        UNWANTED,
    )


def test_two_samplers_by_mask_are_read_through_their_providers() -> None:
    graph = parts() | {"10": TO_BASIC}
    graph["11"] = node(
        "KSamplerProvider",
        seed=3,
        steps=9,
        cfg=5,
        sampler_name="ddim",
        scheduler="simple",
        denoise=1.0,
        basic_pipe=["10", 0],
    )
    graph["5"] = node(
        "TwoSamplersForMask",
        latent_image=["4", 0],
        base_sampler=["11", 0],
        mask_sampler=["11", 0],
        mask=["12", 0],
    )
    graph["12"] = node("SolidMask", value=1.0, width=8, height=8)

    found = record(graph)

    assert (found.seed, found.steps, found.mode) == (3, 9, "txt2img")
    assert (found.positive_prompt, found.negative_prompt) == (WANTED, UNWANTED)


def test_flux_of_parts_gives_prompt_size_and_guidance() -> None:
    graph = {
        "1": node("UNETLoader", unet_name="krea.safetensors", weight_dtype="default"),
        "2": node("PrimitiveStringMultiline", value=WANTED),
        "3": node("StringConcatenate", string_a=["2", 0], string_b="in rain", delimiter=", "),
        "4": node("CLIPTextEncodeFlux", clip_l=["3", 0], t5xxl=["3", 0], guidance=["5", 0]),
        "5": node("PrimitiveFloat", value=3.5),
        "6": node("BasicGuider", model=["7", 0], conditioning=["4", 0]),
        "7": node(
            "ModelSamplingFlux",
            model=["1", 0],
            width=["8", 0],
            height=["8", 1],
            max_shift=1.15,
            base_shift=0.5,
        ),
        "8": node(
            "ResolutionSelector", aspect_ratio="16:9 (Widescreen)", megapixels=1.0, multiple=8
        ),
        "9": node("EmptySD3LatentImage", width=["8", 0], height=["8", 1], batch_size=1),
        "10": node("RandomNoise", noise_seed=["11", 0]),
        "11": node("ComfySwitchNode", switch=True, on_false=5, on_true=["12", 0]),
        "12": node("PrimitiveInt", value=42),
        "13": node("BasicScheduler", model=["7", 0], scheduler="simple", steps=8, denoise=1.0),
        "14": node("KSamplerSelect", sampler_name="euler"),
        "15": node(
            "SamplerCustomAdvanced",
            noise=["10", 0],
            guider=["6", 0],
            sampler=["14", 0],
            sigmas=["13", 0],
            latent_image=["9", 0],
        ),
        "16": node("VAEDecode", samples=["15", 0], vae=["17", 0]),
        "17": node("VAELoader", vae_name="ae.safetensors"),
        "18": node("SaveImage", images=["16", 0]),
    }

    found = record(graph)

    assert found.positive_prompt == f"{WANTED}, in rain"
    assert found.negative_prompt is None
    assert (found.width, found.height) == (1368, 768)
    assert (found.seed, found.steps, found.guidance_scale) == (42, 8, 3.5)
    assert (found.sampler, found.scheduler, found.model_name) == (
        "euler",
        "simple",
        "krea.safetensors",
    )


# What was done on the way of the picture.


def photograph(kind: str, **inputs: object) -> Api:
    return {
        "1": node("LoadImage", image="pier.png"),
        "2": node(kind, image=["1", 0], **inputs),
        "3": node("SaveImage", images=["2", 0]),
    }


@pytest.mark.parametrize(
    ("graph", "mode"),
    [
        (
            photograph("ImageScale", upscale_method="area", width=64, height=64, crop="disabled"),
            "upscale",
        ),
        (photograph("ImageInvert"), "processed"),
        (photograph("Canny", low_threshold=0.1, high_threshold=0.4), "processed"),
        (
            {"1": node("LoadImage", image="pier.png"), "3": node("SaveImage", images=["1", 0])},
            "processed",
        ),
    ],
    ids=["scaled", "inverted", "edges", "copied"],
)
def test_a_graph_that_samples_nothing_supports_nothing(graph: Api, mode: str) -> None:
    found = finding(graph)

    assert record(graph).mode == mode
    assert (found.claim, found.supports) == (Claim.EDITED, None)
    assert "nothing-was-sampled" in found.limits


def test_a_node_of_unknown_kind_leaves_open_what_was_done() -> None:
    found = finding(photograph("Zz Wonder", strength=1))

    assert (found.claim, found.supports) == (Claim.PARAMETERS, None)
    assert "not-known-what-it-did" in found.limits


def test_a_sampler_that_leads_to_no_output_does_not_count() -> None:
    graph = wired(["2", 0], ["3", 0])
    graph["8"] = node("LoadImage", image="pier.png")
    graph["7"]["inputs"]["images"] = ["8", 0]

    assert record(graph).mode == "processed"
    assert finding(graph).supports is None


@pytest.mark.parametrize(
    ("latent", "mode", "supports"),
    [
        (node("VAEEncode", pixels=["20", 0], vae=["1", 2]), "img2img", Hypothesis.AI_EDITED),
        (
            node("VAEEncodeForInpaint", pixels=["20", 0], mask=["20", 1], vae=["1", 2]),
            "inpaint",
            Hypothesis.AI_EDITED,
        ),
        (
            node("SetLatentNoiseMask", samples=["4", 0], mask=["20", 1]),
            "txt2img",
            Hypothesis.GENERATED,
        ),
    ],
    ids=["img2img", "inpaint", "empty latent with a regional mask"],
)
def test_what_the_sampling_starts_from_says_how(
    latent: Api, mode: str, supports: Hypothesis
) -> None:
    graph = wired(["2", 0], ["3", 0])
    graph |= {"20": node("LoadImage", image="pier.png"), "21": latent}
    graph["5"]["inputs"]["latent_image"] = ["21", 0]

    assert record(graph).mode == mode
    assert finding(graph).supports is supports


def test_a_detailer_on_a_photograph_paints_over_a_part_of_it() -> None:
    graph = parts() | {"10": TO_BASIC, "20": node("LoadImage", image="pier.png")}
    graph["11"] = node("BboxDetectorSEGS", image=["20", 0], threshold=0.5)
    graph["5"] = node(
        "DetailerForEachPipe",
        image=["20", 0],
        segs=["11", 0],
        basic_pipe=["10", 0],
        seed=7,
        steps=20,
    )
    graph["7"]["inputs"]["images"] = ["5", 0]

    assert (record(graph).mode, record(graph).init_image) == ("inpaint", "pier.png")


def test_a_photograph_with_a_generated_part_pasted_in_is_a_composite() -> None:
    graph = wired(["2", 0], ["3", 0])
    graph["20"] = node("LoadImage", image="pier.png")
    graph["21"] = node(
        "ImageCompositeMasked",
        destination=["20", 0],
        source=["6", 0],
        x=0,
        y=0,
        resize_source=False,
    )
    graph["7"]["inputs"]["images"] = ["21", 0]

    assert record(graph).mode == "composite"
    assert finding(graph).supports is Hypothesis.AI_EDITED


def test_a_picture_that_an_editing_model_is_told_to_change_is_an_edit() -> None:
    graph = wired(["10", 0], ["3", 0])
    graph |= {"20": node("LoadImage", image="pier.png")}
    graph["10"] = node("TextEncodeQwenImageEdit", prompt=WANTED, clip=["1", 1], image=["20", 0])

    found = record(graph)

    assert (found.mode, found.init_image, found.positive_prompt) == ("img2img", "pier.png", WANTED)


def test_a_service_that_makes_the_picture_needs_no_sampler() -> None:
    assert node_class("GeminiImageNode") is not None
    graph = {
        "1": node("GeminiImageNode", prompt=WANTED, seed=4),
        "2": node("SaveImage", images=["1", 0]),
    }

    assert (record(graph).positive_prompt, record(graph).seed) == (WANTED, 4)
    assert finding(graph).supports is Hypothesis.GENERATED


def test_a_saved_photograph_beside_a_saved_generation_is_said() -> None:
    graph = wired(["2", 0], ["3", 0])
    graph |= {"20": node("LoadImage", image="pier.png"), "21": node("SaveImage", images=["20", 0])}

    assert "not-every-output-was-sampled" in finding(graph).limits
    assert "not-every-output-was-sampled" not in finding(wired(["2", 0], ["3", 0])).limits


def test_pixels_from_an_unnamed_place_are_not_called_generated_from_nothing() -> None:
    graph = wired(["2", 0], ["3", 0])
    graph |= {
        "20": node("ImageReceiver", image="", link_id=0),
        "21": node("VAEEncode", pixels=["20", 0], vae=["1", 2]),
    }
    graph["5"]["inputs"]["latent_image"] = ["21", 0]

    assert record(graph).mode == "img2img"
    assert finding(graph).supports is Hypothesis.AI_EDITED


def test_a_picture_loaded_as_text_does_not_stand_in_the_record() -> None:
    graph = wired(["2", 0], ["3", 0])
    graph |= {
        "20": node("ETN_LoadImageBase64", image="A" * 50_000),
        "21": node("VAEEncode", pixels=["20", 0], vae=["1", 2]),
    }
    graph["5"]["inputs"]["latent_image"] = ["21", 0]

    assert record(graph).init_image == "ETN_LoadImageBase64"


def test_a_guider_of_two_conditionings_takes_its_prompt_from_the_first() -> None:
    both = node("InstructPixToPixConditioning", positive=["2", 0], negative=["3", 0])
    guider = node("DualCFGGuider", cond1=["10", 0], cond2=["10", 1], negative=["3", 0])
    graph = parts() | {"10": both, "11": guider, "12": node("RandomNoise", noise_seed=1)}
    graph["5"] = node(
        "SamplerCustomAdvanced",
        noise=["12", 0],
        guider=["11", 0],
        sigmas=["13", 0],
        latent_image=["4", 0],
    )

    assert sides(graph) == (WANTED, UNWANTED)


def test_embeddings_of_texts_keep_the_sides_apart() -> None:
    texts = node("WanVideoTextEncode", positive_prompt=WANTED, negative_prompt=UNWANTED)
    graph = parts() | {"10": texts}
    graph["5"] = node("WanVideoSampler", seed=7, steps=20, text_embeds=["10", 0], samples=["4", 0])

    assert sides(graph) == (WANTED, UNWANTED)


# The editor's own form.


def link(name: str, kind: str, number: int | None, *, widget: bool = False) -> dict[str, object]:
    entry: dict[str, object] = {"name": name, "type": kind, "link": number}
    return entry | {"widget": {"name": name}} if widget else entry


def drawn(
    key: int, kind: str, values: object, *inputs: dict[str, object], **more: object
) -> dict[str, Any]:
    return {"id": key, "type": kind, "widgets_values": values, "inputs": list(inputs), **more}


SAMPLER_IN = (
    link("model", "MODEL", 1),
    link("positive", "CONDITIONING", 2),
    link("negative", "CONDITIONING", 3),
    link("latent_image", "LATENT", 4),
)
LINKS = [
    [1, 1, 0, 5, 0, "MODEL"],
    [2, 2, 0, 5, 1, "CONDITIONING"],
    [3, 3, 0, 5, 2, "CONDITIONING"],
    [4, 4, 0, 5, 3, "LATENT"],
]


def editor(sampler: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "nodes": [
            drawn(1, "CheckpointLoaderSimple", ["harbour.safetensors"]),
            drawn(2, "CLIPTextEncode", [WANTED]),
            drawn(3, "CLIPTextEncode", [UNWANTED]),
            drawn(4, "EmptyLatentImage", [640, 512, 1]),
            sampler
            or drawn(5, "KSampler", [7, "randomize", 20, 6.5, "euler", "karras", 1.0], *SAMPLER_IN),
            drawn(6, "PreviewImage", None, link("images", "IMAGE", 9)),
        ],
        "links": [*LINKS, [9, 5, 0, 6, 0, "IMAGE"]],
    }


def settings(graph: object) -> tuple[object, ...]:
    r = record(graph)
    return (
        r.positive_prompt,
        r.negative_prompt,
        r.seed,
        r.steps,
        r.guidance_scale,
        r.sampler,
        r.scheduler,
    )


FULL = (WANTED, UNWANTED, 7, 20, 6.5, "euler", "karras")


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("KSampler", [7, "randomize", 20, 6.5, "euler", "karras", 1.0]),
        ("KSampler", [7, True, 20, 6.5, "euler", "karras", 1.0]),
        ("KSampler (Efficient)", [7, None, 20, 6.5, "euler", "karras", 1, "auto", "true"]),
        (
            "KSampler //Inspire",
            [7, "fixed", 20, 6.5, "euler", "karras", 1, "CPU", "incremental", 0, 0, "linear"],
        ),
        ("Zz KSampler", ["x", 7, "increment", 20, 6.5, "euler", "karras", 1, 3]),
        (
            "KSampler",
            {"seed": 7, "steps": 20, "cfg": 6.5, "sampler_name": "euler", "scheduler": "karras"},
        ),
    ],
    ids=["core", "before 2023", "Efficient", "Inspire", "of nobody's pack", "by name"],
)
def test_values_without_names_are_read_in_the_order_of_the_widgets(
    kind: str, values: object
) -> None:
    assert settings(editor(drawn(5, kind, values, *SAMPLER_IN))) == FULL


def test_a_file_that_lists_its_widgets_is_read_by_its_own_list() -> None:
    names = [
        ("cfg", "FLOAT"),
        ("seed", "INT"),
        ("steps", "INT"),
        ("sampler_name", "COMBO"),
        ("scheduler", "COMBO"),
    ]
    own = [link(n, k, None, widget=True) for n, k in names]
    sampler = drawn(5, "Zz Sampler", [6.5, 7, "fixed", 20, "euler", "karras"], *SAMPLER_IN, *own)

    assert settings(editor(sampler)) == FULL


def test_an_efficient_workflow_gives_what_its_loader_was_typed() -> None:
    typed = [
        "harbour.safetensors",
        "Baked VAE",
        -2,
        "None",
        1,
        1,
        WANTED,
        UNWANTED,
        "none",
        "comfy",
        640,
        512,
        1,
    ]
    ports = [
        ("MODEL", "MODEL"),
        ("CONDITIONING+", "CONDITIONING"),
        ("CONDITIONING-", "CONDITIONING"),
        ("LATENT", "LATENT"),
    ]
    loader = drawn(1, "Efficient Loader", typed, outputs=[{"name": n, "type": t} for n, t in ports])
    sampler = drawn(
        5,
        "KSampler (Efficient)",
        [7, None, 20, 6.5, "euler", "karras", 1, "auto", "true"],
        *SAMPLER_IN,
    )
    links = [
        [1, 1, 0, 5, 0, "MODEL"],
        [2, 1, 1, 5, 1, "CONDITIONING"],
        [3, 1, 2, 5, 2, "CONDITIONING"],
        [4, 1, 3, 5, 3, "LATENT"],
    ]

    found = record({"nodes": [loader, sampler], "links": links})

    assert settings({"nodes": [loader, sampler], "links": links}) == FULL
    assert (found.width, found.height, found.model_name) == (640, 512, "harbour.safetensors")


def test_a_bypassed_node_is_passed_through_and_a_muted_one_is_not() -> None:
    graph = editor()
    lora = drawn(
        8,
        "LoraLoaderModelOnly",
        ["x.safetensors", 1],
        link("model", "MODEL", 5),
        mode=4,
        outputs=[{"name": "MODEL", "type": "MODEL"}],
    )
    graph["nodes"].append(lora)
    graph["links"] = [[1, 8, 0, 5, 0, "MODEL"], [5, 1, 0, 8, 0, "MODEL"], *graph["links"][1:]]

    assert record(graph).model_name == "harbour.safetensors"
    assert record(graph).loras == ()
    lora["mode"] = 2
    assert [r.name for r in record(graph).loras] == []


def test_get_nodes_lead_to_their_set_nodes() -> None:
    graph = editor()
    graph["nodes"] += [
        drawn(8, "SetNode", ["text"], link("CONDITIONING", "CONDITIONING", 2)),
        drawn(9, "GetNode", ["text"], outputs=[{"name": "CONDITIONING", "type": "CONDITIONING"}]),
    ]
    graph["links"][1] = [2, 2, 0, 8, 0, "CONDITIONING"]
    graph["links"].append([7, 9, 0, 5, 1, "CONDITIONING"])
    graph["nodes"][4]["inputs"][1] = link("positive", "CONDITIONING", 7)

    assert settings(graph) == FULL


def test_anything_everywhere_is_linked_as_it_was_when_the_graph_ran() -> None:
    graph = editor()
    graph["nodes"][4]["inputs"] = [link(str(e["name"]), str(e["type"]), None) for e in SAMPLER_IN]
    pairs = [(0, "1"), (1, "2"), (2, "3"), (3, "4")]
    graph["extra"] = {
        "ue_links": [
            {"downstream": 5, "downstream_slot": d, "upstream": u, "upstream_slot": 0}
            for d, u in pairs
        ]
    }

    assert settings(graph) == FULL


def test_anything_everywhere_without_a_list_sends_by_type_and_side() -> None:
    graph = editor()
    graph["nodes"][4]["inputs"] = [link(str(e["name"]), str(e["type"]), None) for e in SAMPLER_IN]
    graph["nodes"] += [
        drawn(
            8,
            "Prompts Everywhere",
            None,
            link("+ve", "CONDITIONING", 2),
            link("-ve", "CONDITIONING", 3),
        ),
        drawn(9, "Anything Everywhere", None, link("anything", "LATENT", 4)),
    ]

    assert settings(graph) == FULL
    assert record(graph).width == 640


def test_a_group_node_is_unfolded_with_its_own_values() -> None:
    inner = [
        drawn(
            0,
            "CLIPTextEncode",
            ["what the group held when it was made"],
            link("clip", "CLIP", None),
            outputs=[{"name": "CONDITIONING", "type": "CONDITIONING"}],
        ),
        drawn(
            1,
            "CLIPTextEncode",
            ["and this"],
            link("clip", "CLIP", None),
            outputs=[{"name": "CONDITIONING", "type": "CONDITIONING"}],
        ),
        drawn(
            2,
            "ToBasicPipe",
            None,
            *(
                link(n, t, None)
                for n, t in (
                    ("model", "MODEL"),
                    ("clip", "CLIP"),
                    ("vae", "VAE"),
                    ("positive", "CONDITIONING"),
                    ("negative", "CONDITIONING"),
                )
            ),
            outputs=[{"name": "basic_pipe", "type": "BASIC_PIPE"}],
        ),
    ]
    group = {
        "nodes": inner,
        "links": [
            [None, 1, 0, 0, 1, "CLIP"],
            [0, 0, 2, 3, 1, "CONDITIONING"],
            [1, 0, 2, 4, 1, "CONDITIONING"],
        ],
        "external": [],
    }
    graph = editor()
    graph["extra"] = {"groupNodes": {"TEXTS": group}}
    graph["nodes"].append(drawn(8, "workflow/TEXTS", [WANTED, UNWANTED]))
    graph["nodes"].append(drawn(10, "FromBasicPipe", None, link("basic_pipe", "BASIC_PIPE", 8)))
    graph["links"] = [
        LINKS[0],
        [2, 10, 3, 5, 1, "CONDITIONING"],
        [3, 10, 4, 5, 2, "CONDITIONING"],
        LINKS[3],
        [8, 8, 0, 10, 0, "BASIC_PIPE"],
        graph["links"][-1],
    ]

    assert settings(graph) == FULL


def subgraph(
    inner: list[dict[str, Any]], links: list[list[int | str]], inputs: list[tuple[str, str]]
) -> dict[str, Any]:
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot")
    return {
        "id": "0aa1",
        "nodes": inner,
        "links": [dict(zip(names, link, strict=True)) for link in links],
        "inputs": [{"name": n, "type": t} for n, t in inputs],
    }


def test_a_subgraph_is_unfolded_with_what_is_set_and_linked_from_outside() -> None:
    inner = [
        drawn(1, "CLIPTextEncode", ["stale"], link("text", "STRING", 11, widget=True)),
        drawn(
            2,
            "KSampler",
            [1, "fixed", 20, 6.5, "euler", "karras", 1.0],
            link("model", "MODEL", 12),
            link("positive", "CONDITIONING", 13),
            link("negative", "CONDITIONING", 14),
            link("latent_image", "LATENT", 15),
            link("seed", "INT", 16, widget=True),
        ),
    ]
    links: list[list[int | str]] = [
        [11, -10, 0, 1, 0],
        [12, -10, 1, 2, 0],
        [13, 1, 0, 2, 1],
        [14, -10, 2, 2, 2],
        [15, -10, 3, 2, 3],
        [16, -10, 4, 2, 4],
        [17, 2, 0, -20, 0],
    ]
    graph = editor()
    ports = [
        ("text", "STRING"),
        ("model", "MODEL"),
        ("negative", "CONDITIONING"),
        ("latent", "LATENT"),
        ("seed", "INT"),
    ]
    graph["definitions"] = {"subgraphs": [subgraph(inner, links, ports)]}
    graph["nodes"][4] = drawn(
        5,
        "0aa1",
        [WANTED, 7],
        link("text", "STRING", None, widget=True),
        link("model", "MODEL", 1),
        link("negative", "CONDITIONING", 3),
        link("latent", "LATENT", 4),
        link("seed", "INT", None, widget=True),
    )

    assert settings(graph) == FULL
    assert record(graph).model_name == "harbour.safetensors"
    assert record(graph).width == 640


def test_the_editors_form_alone_says_so() -> None:
    assert "editor-form" in record(editor()).notes
    assert "only-the-editors-form" in finding(editor()).limits
    assert "only-the-editors-form" not in finding(wired(["2", 0], ["3", 0])).limits


# Whatever a file holds.


def hostile() -> Iterator[tuple[str, object]]:
    inner = [drawn(i, "0aa1", []) for i in range(50)]
    yield (
        "a subgraph in itself",
        {
            "nodes": inner,
            "definitions": {"subgraphs": [{"id": "0aa1", "nodes": inner, "links": []}]},
        },
    )
    group = {"nodes": [{"type": "workflow/A"}] * 50, "links": [[0, 0, 0, 0]], "external": [[{}, 0]]}
    yield (
        "a group in itself",
        {"nodes": [drawn(1, "workflow/A", [])], "extra": {"groupNodes": {"A": group}}},
    )
    yield (
        "get and set in a ring",
        {
            "nodes": [drawn(1, "SetNode", ["a"], link("*", "*", 1)), drawn(2, "GetNode", ["a"])],
            "links": [[1, 2, 0, 1, 0, "*"]],
        },
    )
    ring = [
        drawn(i, "Reroute", None, link("", "*", i), mode=4, outputs=[{"name": "", "type": "*"}])
        for i in range(9)
    ]
    yield (
        "bypassed in a ring",
        {"nodes": ring, "links": [[i, (i + 1) % 9, 0, i, 0, "*"] for i in range(9)]},
    )
    yield (
        "odd links",
        {
            "nodes": [drawn(1, "KSampler", [1], link("model", "MODEL", None))],
            "links": [[[], {}, 1], {"id": []}, 5],
        },
    )
    yield (
        "odd lists",
        {
            "nodes": [
                {"id": 1, "type": "A", "inputs": 5, "outputs": [5, {}], "widgets_values": [[], {}]}
            ],
            "extra": {"ue_links": [5, {}], "groupNodes": 5},
            "definitions": {"subgraphs": [5, {"id": [], "nodes": []}]},
        },
    )
    yield (
        "switches that choose one another",
        {
            str(i): node("Switch", select=[str((i + 1) % 900), 0], input1=[str((i + 2) % 900), 0])
            for i in range(900)
        },
    )
    yield (
        "a wide node",
        {
            "1": node(
                "KSampler",
                seed=1,
                steps=2,
                **{f"positive_{i}": [str(i % 40), i] for i in range(20_000)},
            )
        }
        | {
            str(i): node("Zz", **{f"negative_{j}": [str(j % 40), j] for j in range(200)})
            for i in range(2, 40)
        },
    )
    yield (
        "types that nest",
        {"1": node("KSampler", seed=[["1", 0], 0], steps={"a": []}, positive=[{}, 0])},
    )


@pytest.mark.parametrize(("name", "graph"), list(hostile()), ids=[n for n, _ in hostile()])
def test_nothing_hostile_raises_or_hangs(name: str, graph: object) -> None:
    found = comfyui.read_graph(graph, carrier=name, raw="")

    assert found is None or found.tool == "comfyui"


def test_the_work_grows_with_the_graph_and_not_with_its_paths(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = 0
    plain = Graph.links

    def counted(self: Graph, node: Any) -> Any:
        nonlocal calls
        calls += 1
        return plain(self, node)

    monkeypatch.setattr(Graph, "links", counted)

    def cost(count: int) -> int:
        nonlocal calls
        calls = 0
        graph = wired(["c0", 0], ["d0", 1])
        for i in range(count):
            graph[f"c{i}"] = node(
                "ConditioningCombine",
                conditioning_1=[f"c{i + 1}", 0],
                conditioning_2=[f"c{i + 1}", 0],
            )
            graph[f"d{i}"] = node(
                "Zz", positive=[f"d{i + 1}", 0], negative=[f"d{i + 1}", 1], pipe=[f"d{i + 1}", 2]
            )
            graph[f"k{i}"] = node(
                "KSampler", **{**graph["5"]["inputs"], "latent_image": [f"k{i + 1}", 0]}
            )
        graph[f"c{count}"], graph[f"d{count}"], graph[f"k{count}"] = (
            graph["2"],
            graph["3"],
            graph["4"],
        )
        graph["6"]["inputs"]["samples"] = ["k0", 0]
        record(graph)
        return calls

    small, large = cost(300), cost(600)

    assert large < 2.5 * small
    assert small < 300 * MAX_NODES


# Random nesting of what real packs offer.

_KNOWN = st.sampled_from(
    ["reroute", "controlnet", "basic", "detailer", "context", "big", "easy", "unknown"]
)


def _wrap(
    kind: str, key: str, positive: list[object], negative: list[object]
) -> tuple[Api, list[object], list[object]]:
    """One more layer around both sides, as ``kind`` of pack builds it."""
    a, b = f"{key}a", f"{key}b"
    both = {"positive": positive, "negative": negative}
    layers: dict[str, tuple[Api, int, int]] = {
        "reroute": ({}, 0, 0),
        "controlnet": ({b: node("ControlNetApplyAdvanced", **both)}, 0, 1),
        "basic": (
            {a: node("ToBasicPipe", **both), b: node("FromBasicPipe", basic_pipe=[a, 0])},
            3,
            4,
        ),
        "detailer": (
            {
                a: node("ToDetailerPipe", wildcard="kite", **both),
                b: node("FromDetailerPipe", detailer_pipe=[a, 0]),
            },
            3,
            4,
        ),
        "context": (
            {a: node("Context (rgthree)", **both), b: node("Context (rgthree)", base_ctx=[a, 0])},
            4,
            5,
        ),
        "big": (
            {
                a: node("Context Big (rgthree)", **both),
                b: node("Context Merge Big (rgthree)", ctx_01=[a, 0]),
            },
            4,
            5,
        ),
        "easy": (
            {
                a: node("easy pipeIn", pos=positive, neg=negative),
                b: node("easy pipeOut", pipe=[a, 0]),
            },
            2,
            3,
        ),
        "unknown": ({a: node("Zz In", **both), b: node("Zz Out", any_pipe=[a, 0])}, 6, 9),
    }
    if kind == "reroute":
        return (
            {a: node("Reroute", **{"": positive}), b: node("Reroute", **{"": negative})},
            [a, 0],
            [b, 0],
        )
    nodes, up, down = layers[kind]
    return nodes, [b, up], [b, down]


@given(st.lists(_KNOWN, max_size=12))
def test_no_nesting_of_pipes_swaps_or_mixes_the_sides(layers: list[str]) -> None:
    positive: list[object] = ["2", 0]
    negative: list[object] = ["3", 0]
    graph = parts()
    for index, kind in enumerate(layers):
        more, positive, negative = _wrap(kind, f"w{index}", positive, negative)
        graph |= more
    graph["5"]["inputs"] |= {"positive": positive, "negative": negative}

    assert sides(graph) == (WANTED, UNWANTED)


# Real graphs of node packs' documentation.

_FIELDS = {
    "pos": "positive_prompt",
    "neg": "negative_prompt",
    "seed": "seed",
    "steps": "steps",
    "cfg": "guidance_scale",
    "sampler": "sampler",
    "scheduler": "scheduler",
}


@pytest.mark.shared
def test_every_real_graph_that_ran_gives_the_settings_of_one_of_its_samplers(shared: Path) -> None:
    known = json.loads((shared / "comfyui" / "api_fields.json").read_text())
    wrong = {}
    for name, candidates in known.items():
        (first, *_) = read_parameters(open_media(shared / "comfyui" / "api" / name), pixels=False)
        found = {key: getattr(first, field) for key, field in _FIELDS.items()}
        if not any(
            all(found[k] == v for k, v in candidate.items() if v is not None)
            for candidate in candidates
        ):
            wrong[name] = found
    assert wrong == {}
    assert len(known) >= 22


@pytest.mark.shared
def test_real_graphs_are_called_ai_where_something_samples_and_nowhere_else(shared: Path) -> None:
    known = json.loads((shared / "comfyui" / "workflow_samplers.json").read_text())
    wrong, empty = [], []
    for name, graph in known.items():
        media = open_media(shared / "comfyui" / "workflow" / name)
        called = any(f.supports is not None for f in MetadataExaminer().examine(media))
        if called != bool(graph["samplers"]):
            wrong.append(name)
        record = next(iter(read_parameters(media, pixels=False)), None)
        settings = [getattr(record, field, None) for field in _FIELDS.values()]
        if graph["samplers"] and not any(v is not None for v in settings):
            empty.append(name)
    assert (wrong, empty) == ([], [])
    assert len(known) >= 53
