"""Easy Diffusion: one PNG text per field, or one JSON object in EXIF ``UserComment``.

Field names are the request's (``use_stable_diffusion_model``) or the labels of the page
(``Stable Diffusion model``); all values of the PNG form are ``str()`` of something.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.evidence.metadata._numbers import number
from lightkeeper.evidence.metadata._parameters import Parameters
from lightkeeper.evidence.metadata._record import GenerationRecord, Resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lightkeeper.evidence.metadata._carriers import Carriers

_MODEL = ("use_stable_diffusion_model", "Stable Diffusion model")
_OTHERS = (
    *("prompt", "Prompt", "negative_prompt", "Negative Prompt", "seed", "Seed"),
    *("num_inference_steps", "Steps", "guidance_scale", "Guidance Scale"),
    *("sampler_name", "Sampler", "scheduler_name", "Scheduler", "width", "Width"),
    *("height", "Height", "clip_skip", "Clip Skip", "use_vae_model", "VAE model"),
    *("use_lora_model", "LoRA model", "lora_alpha", "LoRA Strength"),
    *("use_hypernetwork_model", "Hypernetwork model", "hypernetwork_strength"),
    *("Hypernetwork Strength", "prompt_strength", "Prompt Strength"),
    *("use_upscale", "Use Upscaling", "upscale_amount", "Upscale By"),
    *("use_face_correction", "Use Face Correction", "tiling", "Seamless Tiling"),
    *("use_controlnet_model", "ControlNet model", "control_alpha", "ControlNet Strength"),
    *("use_embeddings_model", "Embedding models", "output_format", "vram_usage_level"),
)
_ALL = frozenset({*_MODEL, *_OTHERS})
_MAX_RESOURCES = 500


def read(carriers: Carriers) -> Iterable[GenerationRecord]:
    """The record that a file's texts, or one JSON object, make up."""
    named = carriers.find(*_MODEL)
    if named:
        payloads = [p for p in carriers.open() if p.keyword in _ALL]
        carriers.claim(*payloads)
        raw = "\n".join(f"{p.keyword}: {p.text}" for p in payloads)
        yield _record(Parameters({p.keyword: p.text for p in payloads}), named.carrier, raw)
    for payload in carriers.open():
        if any(f'"{name}"' in payload.text for name in _MODEL):
            parsed = carriers.json(payload)
            if isinstance(parsed, dict) and not parsed.keys().isdisjoint(_MODEL):
                carriers.claim(payload)
                yield _record(Parameters(parsed), payload.carrier, payload.text)


def _record(fields: Parameters, carrier: str, raw: str) -> GenerationRecord:
    vae = fields.text("use_vae_model", "vae model")
    return GenerationRecord(
        tool="easy-diffusion",
        carrier=carrier,
        positive_prompt=fields.prompt("prompt"),
        negative_prompt=fields.prompt("negative_prompt", "negative prompt"),
        seed=fields.number("seed"),
        steps=fields.number("num_inference_steps", "steps"),
        sampler=fields.text("sampler_name", "sampler"),
        scheduler=fields.text("scheduler_name", "scheduler"),
        guidance_scale=fields.number("guidance_scale", "guidance scale"),
        width=fields.side("width"),
        height=fields.side("height"),
        model_name=fields.text("use_stable_diffusion_model", "stable diffusion model"),
        vae=Resource(kind="vae", name=vae) if vae else None,
        loras=tuple(_loras(fields)),
        hypernetworks=tuple(_hypernetworks(fields)),
        controls=tuple(_controls(fields)),
        upscaling=_upscaling(fields),
        denoising_strength=fields.number("prompt_strength", "prompt strength"),
        clip_skip=fields.number("clip_skip", "clip skip"),
        extra=fields.rest(),
        raw=raw,
    )


def _loras(fields: Parameters) -> Iterator[Resource]:
    names = _items(fields.take("use_lora_model") or fields.take("lora model"))
    weights = _items(fields.take("lora_alpha") or fields.take("lora strength"))
    for index, name in enumerate(names):
        weight = number(weights[index]) if index < len(weights) else None
        yield Resource(kind="lora", name=name, weight=weight)


def _items(value: object) -> list[str]:
    """``a``, ``['a', 'b']`` or a list: the PNG form holds ``str()`` of a Python list."""
    if isinstance(value, list):
        return [str(item) for item in value[:_MAX_RESOURCES]]
    parts = str(value if value is not None else "").strip("[] ").split(",")[:_MAX_RESOURCES]
    return [part.strip(" '\"") for part in parts if part.strip(" '\"") not in ("", "None")]


def _hypernetworks(fields: Parameters) -> Iterator[Resource]:
    name = fields.text("use_hypernetwork_model", "hypernetwork model")
    weight = fields.number("hypernetwork_strength", "hypernetwork strength")
    if name:
        yield Resource(kind="hypernetwork", name=name, weight=weight)


def _controls(fields: Parameters) -> Iterator[Resource]:
    name = fields.text("use_controlnet_model", "controlnet model")
    weight = fields.number("control_alpha", "controlnet strength")
    if name:
        yield Resource(kind="controlnet", name=name, weight=weight)


def _upscaling(fields: Parameters) -> dict[str, str | int | float] | None:
    if fields.text("use_upscale", "use upscaling") is None:
        return None
    return {"upscale_amount": fields.number("upscale_amount", "upscale by") or 1}
