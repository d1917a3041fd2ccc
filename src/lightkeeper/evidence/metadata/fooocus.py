"""Fooocus and RuinedFooocus: JSON in PNG ``parameters`` or EXIF ``UserComment``.

Fooocus writes IFD0 0x9286 without an Exif IFD, its name in ``Software`` and the scheme
(``fooocus`` or ``a1111``) in ``MakerNote`` or PNG ``fooocus_scheme``; the scheme ``a1111`` is an
infotext with ``Raw prompt`` and ``Lora weights``. Older versions put labels for keys (``Base
Model``) into ``Comment``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lightkeeper.evidence.metadata._hashes import model_hashes
from lightkeeper.evidence.metadata._infotext_record import record_of
from lightkeeper.evidence.metadata._numbers import number
from lightkeeper.evidence.metadata._parameters import Parameters
from lightkeeper.evidence.metadata._record import GenerationRecord, Resource
from lightkeeper.evidence.metadata.a1111 import infotexts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lightkeeper.evidence.metadata._carriers import Carriers, Payload

_MARKS = ("Fooocus", '"base_model"', '"Base Model"')
_DEFAULT_VAE = "Default (model)"
_MAX_RESOURCES = 500


def read(carriers: Carriers) -> Iterable[GenerationRecord]:
    """Records of the JSON forms of both."""
    for payload in carriers.open():
        if not any(mark in payload.text for mark in _MARKS):
            continue
        parsed = carriers.json(payload)
        if not isinstance(parsed, dict):
            continue
        fields = {str(k).lower().replace(" ", "_"): v for k, v in parsed.items()}
        if fields.get("software") == "RuinedFooocus":
            carriers.claim(payload)
            yield _ruined(Parameters(fields), payload)
        elif "base_model" in fields and "prompt" in fields:
            carriers.claim(payload, carriers.find("fooocus_scheme"))
            yield _fooocus(Parameters(fields), payload)


def read_infotext(carriers: Carriers) -> Iterable[GenerationRecord]:
    """Records of the scheme ``a1111``."""
    for payload, infotext in infotexts(carriers):
        if str(infotext.fields.get("Version", "")).startswith("Fooocus"):
            carriers.claim(payload, carriers.find("fooocus_scheme"))
            record = record_of(infotext, payload, tool="fooocus")
            yield _with_typed_prompts(record)


def _with_typed_prompts(record: GenerationRecord) -> GenerationRecord:
    """The prompt lines hold what Fooocus made of the prompts; these are what the user typed."""
    extra = dict(record.extra)
    raw, raw_negative = extra.pop("Raw prompt", None), extra.pop("Raw negative prompt", None)
    if not isinstance(raw, str):
        return record
    extra["full_prompt"] = record.positive_prompt
    extra["full_negative_prompt"] = record.negative_prompt
    negative = raw_negative if isinstance(raw_negative, str) else record.negative_prompt
    return replace(record, positive_prompt=raw, negative_prompt=negative, extra=extra)


def _fooocus(fields: Parameters, payload: Payload) -> GenerationRecord:
    width, height = fields.size("resolution")
    digest = fields.text("base_model_hash")
    return GenerationRecord(
        tool="fooocus",
        tool_version=fields.text("version"),
        carrier=payload.carrier,
        positive_prompt=fields.prompt("prompt"),
        negative_prompt=fields.prompt("negative_prompt"),
        seed=fields.number("seed"),
        steps=fields.number("steps"),
        sampler=fields.text("sampler"),
        scheduler=fields.text("scheduler"),
        guidance_scale=fields.number("guidance_scale"),
        width=width,
        height=height,
        model_name=fields.text("base_model"),
        model_hash=digest,
        model_hashes=model_hashes(digest),
        vae=_named(fields, "vae"),
        loras=tuple(_loras(fields)),
        refiner=_named(fields, "refiner_model"),
        clip_skip=fields.number("clip_skip"),
        extra=fields.rest(),
        raw=payload.text,
    )


def _ruined(fields: Parameters, payload: Payload) -> GenerationRecord:
    digest = fields.text("base_model_hash")
    return GenerationRecord(
        tool="ruined-fooocus",
        carrier=payload.carrier,
        positive_prompt=fields.prompt("prompt"),
        negative_prompt=fields.prompt("negative"),
        seed=fields.number("seed"),
        steps=fields.number("steps"),
        sampler=fields.text("sampler_name"),
        scheduler=fields.text("scheduler"),
        guidance_scale=fields.number("cfg"),
        width=fields.side("width"),
        height=fields.side("height"),
        model_name=fields.text("base_model_name"),
        model_hash=digest,
        model_hashes=model_hashes(digest),
        loras=tuple(_loras(fields)),
        denoising_strength=fields.number("denoise"),
        clip_skip=fields.number("clip_skip"),
        extra=fields.rest(),
        raw=payload.text,
    )


def _named(fields: Parameters, name: str) -> Resource | None:
    if fields.peek(name) == _DEFAULT_VAE:
        return None
    found = fields.text(name)
    kind = name.removesuffix("_model")
    hashes = model_hashes(fields.text(f"{name}_hash"))
    return Resource(kind=kind, name=found, hashes=hashes) if found else None


def _loras(fields: Parameters) -> Iterator[Resource]:
    """``[name, weight, hash]``, ``[hash, "weight - name"]`` or, older, ``name : weight``."""
    names = set()
    for item in fields.array("loras")[:_MAX_RESOURCES]:
        resource = _lora(item)
        if resource:
            names.add(resource.name)
            yield resource
    for _, value in fields.starting("lora_combined_", "lora_1", "lora_2", "lora_3", "lora_4"):
        name, _, weight = str(value).rpartition(" : ")
        if name and name not in names:
            yield Resource(kind="lora", name=name, weight=number(weight))


def _lora(item: object) -> Resource | None:
    if isinstance(item, dict):
        name, weight, digest = item.get("name"), item.get("weight"), item.get("hash")
    elif isinstance(item, list) and len(item) >= 2:
        name, weight, digest = item[0], item[1], item[2] if len(item) > 2 else None
        if isinstance(weight, str) and " - " in weight:
            digest, (weight, _, name) = name, weight.partition(" - ")
    else:
        return None
    if not isinstance(name, str):
        return None
    return Resource(kind="lora", name=name, weight=number(weight), hashes=model_hashes(digest))
