"""InvokeAI, three generations: ``invokeai_metadata`` (3 and later), ``sd-metadata`` (2), ``Dream``.

In version 2 and in ``Dream`` strings, what stands in square brackets is the negative prompt.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lightkeeper.evidence.metadata._numbers import number, whole
from lightkeeper.evidence.metadata._parameters import Parameters
from lightkeeper.evidence.metadata._record import GenerationRecord, ModelHash, Resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lightkeeper.evidence.metadata._carriers import Carriers, Payload
    from lightkeeper.evidence.metadata._record import Number

_CURRENT, _SECOND, _FIRST = "invokeai_metadata", "sd-metadata", "Dream"
_MAX_LISTED = 64
_COMPANIONS = ("invokeai_graph", "invokeai_workflow")


def read(carriers: Carriers) -> Iterable[GenerationRecord]:
    """Records of all three generations; one file may carry the older two side by side."""
    if (payload := carriers.find(_CURRENT)) and isinstance(carriers.json(payload), dict):
        carriers.claim(payload, *(carriers.find(name) for name in _COMPANIONS))
        yield _current(Parameters.of(carriers.json(payload)), payload)
    if (payload := carriers.find(_SECOND)) and isinstance(carriers.json(payload), dict):
        carriers.claim(payload)
        yield _second(Parameters.of(carriers.json(payload)), payload)
    if (payload := carriers.find(_FIRST)) and (record := _first(payload)):
        carriers.claim(payload)
        yield record


def _current(fields: Parameters, payload: Payload) -> GenerationRecord:
    model = fields.inner("model")
    name, own = _model_name(model), _hashes(model)
    mode = fields.text("generation_mode")
    init_image, mask = _image(fields, "init_image"), _image(fields, "mask", "mask_image")
    return GenerationRecord(
        tool="invokeai",
        tool_version=fields.text("app_version"),
        carrier=payload.carrier,
        positive_prompt=fields.prompt("positive_prompt"),
        negative_prompt=fields.prompt("negative_prompt"),
        seed=fields.number("seed"),
        steps=fields.number("steps"),
        sampler=fields.text("scheduler"),
        guidance_scale=fields.number("cfg_scale", "guidance"),
        width=fields.side("width"),
        height=fields.side("height"),
        model_name=name,
        model_hash=own[0].value if own else None,
        model_hashes=own,
        vae=_resource("vae", fields.inner("vae")),
        loras=tuple(_listed(fields, "lora", "loras", model="lora", weight="weight")),
        controls=tuple(_controls(fields)),
        refiner=_resource("checkpoint", fields.inner("refiner_model")),
        upscaling=_upscaling(fields) or None,
        denoising_strength=fields.number("strength"),
        clip_skip=fields.number("clip_skip"),
        rng=fields.text("rand_device"),
        mode=mode.rpartition("_")[2] if mode else None,
        init_image=init_image,
        mask=mask,
        extra={**fields.rest(), **({"generation_mode": mode} if mode else {})},
        raw=payload.text,
    )


def _model_name(model: Parameters) -> str | None:
    return model.text("name", "model_name")


def _hashes(model: Parameters) -> tuple[ModelHash, ...]:
    value = model.text("hash")
    if not value:
        return ()
    kind, colon, _ = value.partition(":")
    return (ModelHash(kind if colon and kind in ("blake3", "sha256") else "unknown", value),)


def _resource(
    kind: str, model: Parameters, *, weight: Number | None = None, image: str | None = None
) -> Resource | None:
    name = _model_name(model)
    if not name:
        return None
    return Resource(kind=kind, name=name, weight=weight, image=image, hashes=_hashes(model))


def _listed(
    fields: Parameters, kind: str, name: str, *, model: str, weight: str
) -> Iterator[Resource]:
    for item in fields.array(name)[:_MAX_LISTED]:
        entry = Parameters.of(item)
        inner = entry.inner(model if entry.peek(model) else "model")
        found = _resource(
            kind, inner, weight=entry.number(weight, "weight"), image=_image(entry, "image")
        )
        if found:
            yield found


def _controls(fields: Parameters) -> Iterator[Resource]:
    for kind, name, model in (
        ("controlnet", "controlnets", "control_model"),
        ("ip-adapter", "ipadapters", "ip_adapter_model"),
        ("t2i-adapter", "t2iadapters", "t2i_adapter_model"),
    ):
        yield from _listed(fields, kind, name, model=model, weight="control_weight")


def _image(fields: Parameters, *names: str) -> str | None:
    inner = (fields.inner(name).text("image_name") for name in names)
    return fields.text(*names) or next(filter(None, inner), None)


def _upscaling(fields: Parameters) -> dict[str, str | int | float]:
    found = {
        "model": fields.text("esrgan_model") or _model_name(fields.inner("upscale_model")),
        "scale_by": fields.number("upscale_scale"),
        "method": fields.text("hrf_method"),
        "denoise": fields.number("hrf_strength"),
    }
    return {k: v for k, v in found.items() if v is not None}


def _second(fields: Parameters, payload: Payload) -> GenerationRecord:
    image = fields.inner("image")
    positive, negative = _split(_prompt(image))
    digest = fields.text("model_hash")
    return GenerationRecord(
        tool="invokeai",
        tool_version=fields.text("app_version"),
        carrier=payload.carrier,
        positive_prompt=positive,
        negative_prompt=negative,
        seed=image.number("seed"),
        steps=image.number("steps"),
        sampler=image.text("sampler"),
        guidance_scale=image.number("cfg_scale"),
        width=image.side("width"),
        height=image.side("height"),
        model_name=fields.text("model_weights", "model_id", "model"),
        model_hash=digest,
        model_hashes=(ModelHash("sha256", digest),) if digest and len(digest) == 64 else (),
        denoising_strength=image.number("strength"),
        mode=image.text("type"),
        init_image=image.text("init_image_path"),
        mask=image.text("mask_image_path"),
        extra={**fields.rest(), **image.rest()},
        raw=payload.text,
    )


def _prompt(image: Parameters) -> str | None:
    """One text, or weighted parts."""
    parts = image.array("prompt")[:_MAX_LISTED]
    texts = (Parameters.of(part).prompt("prompt") for part in parts)
    return "\n".join(filter(None, texts)) if parts else image.prompt("prompt")


_BRACKETS = re.compile(r"\[([^\[\]]*)\]")


def _split(prompt: str | None) -> tuple[str | None, str | None]:
    if prompt is None:
        return None, None
    negative = ", ".join(t.strip() for t in _BRACKETS.findall(prompt) if t.strip())
    if not negative:
        return prompt, None
    return " ".join(_BRACKETS.sub(" ", prompt).split()), negative


_OPTION = re.compile(r"(?:^|\s)-([sSWHCAfIMN])\s?([^\s\"]{1,300})")


def _first(payload: Payload) -> GenerationRecord | None:
    """A ``Dream`` command line: a quoted prompt and one-letter options."""
    text = payload.text.strip(" \n\0")
    end = text.rfind('"')
    if not text.startswith('"') or end == 0:
        return None
    options = dict(_OPTION.findall(text[end + 1 :]))
    positive, negative = _split(text[1:end])
    init_image, mask = options.get("I"), options.get("M")
    return GenerationRecord(
        tool="invokeai",
        carrier=payload.carrier,
        positive_prompt=positive,
        negative_prompt=negative,
        seed=number(options.get("S")),
        steps=number(options.get("s")),
        sampler=options.get("A"),
        guidance_scale=number(options.get("C")),
        width=whole(options.get("W")),
        height=whole(options.get("H")),
        denoising_strength=number(options.get("f")),
        mode="inpaint" if mask else "img2img" if init_image else "txt2img",
        init_image=init_image,
        mask=mask,
        raw=payload.text,
    )
