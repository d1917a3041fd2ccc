"""AUTOMATIC1111 and its forks: every typed field, and which fork wrote it."""

from __future__ import annotations

import time

import pytest

from lightkeeper.evidence.metadata import a1111
from lightkeeper.evidence.metadata._carriers import Carriers
from lightkeeper.evidence.metadata._families import MAX_RECORDS, records_from
from lightkeeper.evidence.metadata._record import GenerationRecord, ModelHash, Resource
from lightkeeper.media import Embedded, TextBlock
from lightkeeper.testing._infotext import infotext

_BASE = {"Steps": 20, "Sampler": "Euler a", "CFG scale": 7, "Seed": 11, "Size": "512x768"}


def records(*texts: tuple[str, str]) -> list[GenerationRecord]:
    blocks = tuple(TextBlock("png:tEXt", key, text, "latin-1") for key, text in texts)
    return list(a1111.read(Carriers(Embedded(texts=blocks))))


def record(prompt: str = "a lighthouse", **parameters: object) -> GenerationRecord:
    named = {key.replace("_", " "): value for key, value in parameters.items()}
    text = infotext(prompt, negative="fog", parameters={**_BASE, **named})
    (found,) = records(("parameters", text))
    return found


def test_the_plain_fields_keep_the_form_that_the_tool_wrote() -> None:
    found = record(Schedule_type="Karras", Denoising_strength=0.45, Clip_skip=2, RNG="CPU")
    assert (found.seed, found.steps, found.guidance_scale) == (11, 20, 7)
    assert isinstance(found.guidance_scale, int)
    assert (found.sampler, found.scheduler) == ("Euler a", "Karras")
    assert (found.width, found.height) == (512, 768)
    assert (found.denoising_strength, found.clip_skip, found.rng) == (0.45, 2, "CPU")
    assert (found.positive_prompt, found.negative_prompt) == ("a lighthouse", "fog")
    assert found.carrier == "png:tEXt:parameters"
    assert found.extra == {}


def test_a_number_with_a_point_stays_a_float() -> None:
    text = infotext("x", parameters={**_BASE, "CFG scale": "5.0"})
    assert isinstance(records(("parameters", text))[0].guidance_scale, float)


@pytest.mark.parametrize(
    ("version", "tool"),
    [
        ("v1.10.1", "a1111"),
        ("1.6.0", "a1111"),
        ("f2.0.1v1.10.1-previous-659-gc055f2d4", "forge"),
        ("f0.0.17v1.8.0rc-latest-277-g0af28699", "forge"),
        ("f1.0.0v2-v1.10.1RC-latest-2498-g5120e679", "reforge"),
        ("f1.0.0-v1.10.1-12-g0123abcd", "easy-reforge"),
        ("classic", "forge-classic"),
        ("neo", "forge-neo"),
        ("neo-2.1", "forge-neo"),
    ],
)
def test_the_version_tells_the_fork(version: str, tool: str) -> None:
    found = record(Version=version)
    assert (found.tool, found.tool_version) == (tool, version)


def test_without_a_version_the_form_is_called_by_its_first_tool() -> None:
    found = record()
    assert (found.tool, found.tool_version) == ("a1111", None)


def test_an_infotext_by_a_node_of_comfyui_says_so() -> None:
    assert record(Version="ComfyUI").notes == ("written-by-comfyui-node",)


@pytest.mark.parametrize(
    ("digest", "kind"),
    [
        ("64e73fcb", "autov1"),
        ("6ce0161689", "autov2"),
        ("0123456789ab", "autov3"),
        ("A" * 64, "sha256"),
        ("blake3:" + "0" * 64, "blake3"),
        ("unheard-of", "unknown"),
    ],
)
def test_a_checkpoint_hash_is_kept_by_kind(digest: str, kind: str) -> None:
    found = record(Model="paper-boat", Model_hash=digest)
    assert (found.model_name, found.model_hash) == ("paper-boat", digest)
    assert found.model_hashes == (ModelHash(kind, digest),)


def test_loras_join_their_tag_and_their_hash() -> None:
    found = record(
        "a boat <lora:paper:0.8> <lora:sail> <lyco:rope:1>",
        Lora_hashes="paper: 0123456789ab, anchor: ba9876543210",
    )
    assert found.loras == (
        Resource(
            kind="lora", name="paper", weight=0.8, hashes=(ModelHash("autov3", "0123456789ab"),)
        ),
        Resource(kind="lora", name="sail"),
        Resource(kind="lycoris", name="rope", weight=1),
        Resource(kind="lora", name="anchor", hashes=(ModelHash("autov3", "ba9876543210"),)),
    )


def test_the_table_of_hashes_names_checkpoint_vae_loras_and_embeddings() -> None:
    found = record(
        "x <lora:paper:1>",
        Hashes={
            "model": "0123456789",
            "vae": "abcdef0123",
            "lora:paper": "0123456789ab",
            "embed:calm": "abcdef0123",
        },
        VAE="soft.safetensors",
    )
    assert found.model_hash == "0123456789"
    assert found.model_hashes == (ModelHash("autov2", "0123456789"),)
    assert found.vae == Resource(
        kind="vae", name="soft.safetensors", hashes=(ModelHash("autov2", "abcdef0123"),)
    )
    assert found.loras[0].hashes == (ModelHash("autov3", "0123456789ab"),)
    assert [e.name for e in found.embeddings] == ["calm"]


def test_hypernetworks_come_from_the_tag_and_from_the_old_field() -> None:
    found = record("x <hypernet:ink:0.5>", Hypernet="chalk(0123abcd)", Hypernet_strength=0.7)
    assert found.hypernetworks == (
        Resource(kind="hypernetwork", name="ink", weight=0.5),
        Resource(
            kind="hypernetwork", name="chalk", weight=0.7, hashes=(ModelHash("autov1", "0123abcd"),)
        ),
    )


def test_upscaling_and_refiner_are_kept_apart() -> None:
    found = record(
        Hires_upscale=1.5,
        Hires_steps=10,
        Hires_upscaler="ESRGAN 4x",
        Refiner="polish [0123456789]",
        Refiner_switch_at=0.8,
    )
    assert found.upscaling == {
        "Hires upscale": 1.5,
        "Hires steps": 10,
        "Hires upscaler": "ESRGAN 4x",
    }
    assert found.refiner == Resource(
        kind="refiner", name="polish", hashes=(ModelHash("autov2", "0123456789"),)
    )
    assert found.extra == {"Refiner switch at": 0.8}


def test_controlnet_units_are_controls() -> None:
    found = record(
        ControlNet_0="Module: canny, Model: edges [d14c016b], Weight: 0.9, Guidance Start: 0",
        ControlNet_1="Module: reference_only, Model: None, Weight: 1",
    )
    assert found.controls == (
        Resource(
            kind="controlnet", name="edges", weight=0.9, hashes=(ModelHash("autov1", "d14c016b"),)
        ),
        Resource(kind="controlnet", name="reference_only", weight=1),
    )


def test_a_mask_makes_it_inpainting() -> None:
    found = record(
        Denoising_strength=0.6,
        Mask_blur=4,
        Inpaint_area="Only masked",
        Masked_area_padding=32,
        Init_image_hash="0123abcd",
    )
    assert found.mode == "inpaint"
    assert found.mask == "Mask blur: 4; Inpaint area: Only masked; Masked area padding: 32"
    assert found.init_image == "0123abcd"


def test_an_initial_image_alone_makes_it_img2img() -> None:
    assert record(Init_image_hash="0123abcd").mode == "img2img"
    assert record(Denoising_strength=0.6).mode is None


def test_what_has_no_field_stays_under_the_name_the_tool_gave_it() -> None:
    found = record(ENSD=31337, ADetailer_model="face.pt", Template="a, b")
    assert found.extra == {"ENSD": 31337, "ADetailer model": "face.pt", "Template": "a, b"}


def test_the_extras_tab_joins_the_generation_that_it_upscaled() -> None:
    generated = infotext("x", parameters=_BASE)
    extras = "Postprocess upscale by: 4, Postprocess upscaler: ESRGAN 4x"
    (joined,) = records(("parameters", generated), ("postprocessing", extras))
    (alone,) = records(("postprocessing", extras))
    assert (
        joined.upscaling
        == alone.upscaling
        == {
            "Postprocess upscale by": 4,
            "Postprocess upscaler": "ESRGAN 4x",
        }
    )
    assert (joined.seed, alone.seed, alone.mode) == (11, None, "upscale")


@pytest.mark.parametrize("value", ["nan", "inf", "1e999", "9" * 50, "twenty"])
def test_a_number_that_is_none_stays_beside_the_typed_fields(value: str) -> None:
    found = record(Denoising_strength=value)
    assert found.denoising_strength is None
    assert found.extra == {"Denoising strength": value}


@pytest.mark.parametrize(
    ("prompt", "parameters"),
    [
        ("<lora:a:1>" * 30_000, {}),
        ("<" * 300_000, {}),
        ("<lora:" * 50_000, {}),
        ("x", {"Lora hashes": "a: 0123456789ab, " * 20_000}),
        ("x", {"Hashes": {f"lora:{i}": "0123456789ab" for i in range(20_000)}}),
        ("x", {"ControlNet 0": "Module: a, Model: b, " * 10_000}),
        ("x", {f"ControlNet {i}": "Module: a, Model: b" for i in range(5_000)}),
    ],
)
def test_bulk_is_bounded(prompt: str, parameters: dict[str, object]) -> None:
    text = infotext(prompt, parameters={**parameters, **_BASE})
    started = time.perf_counter()
    (found,) = records(("parameters", text))
    assert time.perf_counter() - started < 1.5
    assert found.seed == 11
    assert len(found.loras) <= 1_000


def test_thousands_of_payloads_give_a_bounded_number_of_records() -> None:
    text = infotext("x", parameters=_BASE)
    blocks = tuple(TextBlock("png:tEXt", "parameters", text, "latin-1") for _ in range(10_000))
    started = time.perf_counter()
    found = records_from(Embedded(texts=blocks))
    assert time.perf_counter() - started < 1.5
    assert len(found) == MAX_RECORDS
