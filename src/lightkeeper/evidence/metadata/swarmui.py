"""SwarmUI: one JSON object with ``sui_image_params``, in PNG text or in EXIF.

``sui_models`` lists the model files with the SHA-256 of their tensor data (AutoV3, unshortened).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.evidence.metadata._numbers import number
from lightkeeper.evidence.metadata._parameters import Parameters
from lightkeeper.evidence.metadata._record import GenerationRecord, ModelHash, Resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lightkeeper.evidence.metadata._carriers import Carriers, Payload

_ROOT = "sui_image_params"


def read(carriers: Carriers) -> Iterable[GenerationRecord]:
    """Records of every SwarmUI object in the file."""
    for payload in carriers.open():
        if _ROOT not in payload.text:
            continue
        parsed = carriers.json(payload)
        if isinstance(parsed, dict) and isinstance(parsed.get(_ROOT), dict):
            carriers.claim(payload)
            yield _record(parsed, payload)


def _record(parsed: Mapping[str, object], payload: Payload) -> GenerationRecord:
    fields = Parameters.of(parsed[_ROOT])
    hashes = dict(_hashes(parsed.get("sui_models")))
    model = fields.text("model")
    skip = fields.number("clipstopatlayer")
    refiner = fields.text("refinermodel")
    vae = fields.text("vae")
    init_image, mask = fields.text("initimage"), fields.text("maskimage")
    own = hashes.get("model", ())
    return GenerationRecord(
        tool="swarmui",
        tool_version=fields.text("swarm_version"),
        carrier=payload.carrier,
        positive_prompt=fields.prompt("prompt"),
        negative_prompt=fields.prompt("negativeprompt"),
        seed=fields.number("seed"),
        steps=fields.number("steps"),
        sampler=fields.text("sampler"),
        scheduler=fields.text("scheduler"),
        guidance_scale=fields.number("cfgscale"),
        width=fields.side("width"),
        height=fields.side("height"),
        model_name=model,
        model_hash=own[0].value if own else None,
        model_hashes=own,
        vae=Resource(kind="vae", name=vae, hashes=hashes.get("vae", ())) if vae else None,
        loras=tuple(_loras(fields, parsed.get("sui_models"))),
        controls=tuple(_controls(fields, hashes)),
        refiner=_refiner(refiner, hashes),
        upscaling=_upscaling(fields) or None,
        denoising_strength=fields.number("initimagecreativity"),
        clip_skip=abs(skip) if skip else None,
        mode="inpaint" if mask else "img2img" if init_image else None,
        init_image=init_image,
        mask=mask,
        extra={**fields.rest(), **_extra(parsed)},
        raw=payload.text,
    )


def _hashes(models: object) -> Iterator[tuple[str, tuple[ModelHash, ...]]]:
    """Hashes by the parameter that the model stood in."""
    for entry in models if isinstance(models, list) else ():
        fields = Parameters.of(entry)
        param, value = fields.text("param"), fields.text("hash")
        if param and value:
            yield param, (ModelHash("autov3", value),)


def _loras(fields: Parameters, models: object) -> Iterator[Resource]:
    known = {
        str(entry.get("name", "")).rpartition(".")[0]: str(entry["hash"])
        for entry in (models if isinstance(models, list) else ())
        if isinstance(entry, dict) and entry.get("hash")
    }
    weights = fields.array("loraweights")
    for index, name in enumerate(fields.array("loras")):
        weight = number(weights[index]) if index < len(weights) else None
        value = known.get(str(name))
        yield Resource(
            kind="lora",
            name=str(name),
            weight=weight,
            hashes=(ModelHash("autov3", value),) if value else (),
        )


def _controls(
    fields: Parameters, hashes: Mapping[str, tuple[ModelHash, ...]]
) -> Iterator[Resource]:
    for word in ("", "two", "three"):
        name = fields.text(f"controlnet{word}model")
        weight = fields.number(f"controlnet{word}strength")
        image = fields.text(f"controlnet{word}imageinput")
        if name:
            own = hashes.get(f"controlnet{word}model", ())
            yield Resource(kind="controlnet", name=name, weight=weight, image=image, hashes=own)


def _refiner(name: str | None, hashes: Mapping[str, tuple[ModelHash, ...]]) -> Resource | None:
    if not name:
        return None
    return Resource(kind="checkpoint", name=name, hashes=hashes.get("refinermodel", ()))


def _upscaling(fields: Parameters) -> dict[str, str | int | float]:
    found = {
        "scale_by": fields.number("refinerupscale"),
        "method": fields.text("refinerupscalemethod"),
        "denoise": fields.number("refinercontrolpercentage"),
        "steps": fields.number("refinersteps"),
    }
    return {k: v for k, v in found.items() if v is not None} if found["scale_by"] else {}


def _extra(parsed: Mapping[str, object]) -> dict[str, object]:
    names = ("sui_extra_data", "sui_models")
    return {name: parsed[name] for name in names if parsed.get(name)}
