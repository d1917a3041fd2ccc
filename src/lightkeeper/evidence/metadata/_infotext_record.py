"""The typed record of an infotext."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lightkeeper.evidence.metadata._hashes import model_hashes
from lightkeeper.evidence.metadata._infotext import pairs
from lightkeeper.evidence.metadata._numbers import number
from lightkeeper.evidence.metadata._parameters import Parameters
from lightkeeper.evidence.metadata._prompt_tags import extra_networks
from lightkeeper.evidence.metadata._record import GenerationRecord, Resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lightkeeper.evidence.metadata._carriers import Payload
    from lightkeeper.evidence.metadata._infotext import Infotext

_UPSCALING = ("hires ", "first pass size", "upscale", "postprocess", "ultimate sd upscale ")
_MASK = (
    "mask blur",
    "mask mode",
    "mask weight",
    "masked content",
    "inpaint area",
    "inpainting fill",
    "masked area padding",
    "soft inpainting ",
)
_HASH_LISTS = {"lora": "lora hashes", "embed": "ti hashes"}
_MAX_RESOURCES = 500


def record_of(infotext: Infotext, payload: Payload, *, tool: str) -> GenerationRecord:
    """Type every parameter that has a field; the others stay under the tool's own keys."""
    fields = Parameters(infotext.fields)
    hashes = _Hashes(fields)
    width, height = fields.size("size")
    seed = fields.number("seed")
    checkpoint = fields.text("model hash")
    loras, hypernetworks = _networks(infotext.prompt, fields, hashes)
    mask = "; ".join(f"{key}: {value}" for key, value in fields.starting(*_MASK)) or None
    init_image = fields.text("init image hash")
    return GenerationRecord(
        tool=tool,
        tool_version=fields.text("version"),
        carrier=payload.carrier,
        positive_prompt=infotext.prompt,
        negative_prompt=infotext.negative,
        seed=seed if seed is not None else fields.text("seed"),
        steps=fields.number("steps"),
        sampler=fields.text("sampler"),
        scheduler=fields.text("schedule type", "scheduler"),
        guidance_scale=fields.number("cfg scale"),
        width=width,
        height=height,
        model_name=fields.text("model"),
        model_hash=checkpoint or hashes.of("model"),
        model_hashes=model_hashes(checkpoint, hashes.of("model")),
        vae=_vae(fields, hashes),
        loras=loras,
        embeddings=tuple(hashes.resources("embed", "embedding")),
        hypernetworks=hypernetworks,
        controls=tuple(_controls(fields)),
        refiner=_refiner(fields),
        upscaling=dict(fields.starting(*_UPSCALING)) or None,
        denoising_strength=fields.number("denoising strength"),
        clip_skip=fields.number("clip skip"),
        rng=fields.text("rng"),
        mode=_mode(str(fields.peek("operations") or ""), init_image, mask),
        init_image=init_image,
        mask=mask,
        extra={key: _plain(value) for key, value in fields.rest().items()},
        notes=infotext.notes,
        raw=payload.text,
    )


def bracketed(text: str, opening: str, closing: str) -> tuple[str, str | None]:
    """Split ``name [hash]`` (or ``name(hash)``) into its parts."""
    name, mark, digest = text.strip().rpartition(opening)
    if not mark or not digest.endswith(closing):
        return text.strip(), None
    return name.strip(), digest.removesuffix(closing)


class _Hashes:
    """``Hashes: {"model": …, "lora:x": …}`` and the older lists ``Lora hashes``, ``TI hashes``."""

    def __init__(self, fields: Parameters) -> None:
        table = list(fields.table("hashes").items())[:_MAX_RESOURCES]
        self._by_name = {key: value for key, value in table if isinstance(value, str)}
        for kind, name in _HASH_LISTS.items():
            for item, digest in _name_value_list(fields.text(name) or ""):
                self._by_name.setdefault(f"{kind}:{item}", digest)

    def of(self, name: str) -> str | None:
        """Hash under a full name, such as ``model`` or ``lora:umbrella``."""
        return self._by_name.get(name)

    def names(self, kind: str) -> Iterator[str]:
        """Names of the resources of a kind."""
        prefix = f"{kind}:"
        return (n.removeprefix(prefix) for n in self._by_name if n.startswith(prefix))

    def resources(self, *kinds: str) -> Iterator[Resource]:
        """Every resource of these kinds."""
        for name, digest in self._by_name.items():
            kind, _, bare = name.partition(":")
            if kind in kinds and bare:
                yield Resource(kind="embedding", name=bare, hashes=model_hashes(digest))


def _name_value_list(text: str) -> Iterator[tuple[str, str]]:
    """``name: value, name: value``; a name may hold a colon of its own."""
    for item in text.split(", ")[:_MAX_RESOURCES]:
        name, mark, value = item.rpartition(": ")
        if mark and name.strip():
            yield name.strip(), value.strip()


def _networks(
    prompt: str, fields: Parameters, hashes: _Hashes
) -> tuple[tuple[Resource, ...], tuple[Resource, ...]]:
    """LoRAs and hypernetworks, by the prompt's tags and by the lists of hashes and weights."""
    tagged = extra_networks(prompt)
    weights = dict(_name_value_list(fields.text("lora weights") or ""))
    loras = {r.name: r for r in tagged if r.kind != "hypernetwork"}
    for name in (*hashes.names("lora"), *weights):
        loras.setdefault(name, Resource(kind="lora", name=name, weight=number(weights.get(name))))
    hypernetworks = [r for r in tagged if r.kind == "hypernetwork"]
    if named := fields.text("hypernet"):
        name, digest = bracketed(named, "(", ")")
        hypernetworks.append(
            Resource(
                kind="hypernetwork",
                name=name,
                weight=fields.number("hypernet strength"),
                hashes=model_hashes(digest),
            )
        )
    found = (replace(r, hashes=model_hashes(hashes.of(f"lora:{r.name}"))) for r in loras.values())
    return tuple(found), tuple(hypernetworks)


def _vae(fields: Parameters, hashes: _Hashes) -> Resource | None:
    name, digest = fields.text("vae"), fields.text("vae hash")
    found = model_hashes(digest, hashes.of("vae"))
    return Resource(kind="vae", name=name or "", hashes=found) if name or found else None


def _refiner(fields: Parameters) -> Resource | None:
    """``Refiner: name [hash]``; Fooocus writes the hash under a key of its own."""
    named = fields.text("refiner")
    if named is None:
        return None
    name, digest = bracketed(named, "[", "]")
    return Resource(
        kind="refiner", name=name, hashes=model_hashes(digest, fields.text("refiner hash"))
    )


def _controls(fields: Parameters) -> Iterator[Resource]:
    """ControlNet units: ``ControlNet 0: "Module: …, Model: name [hash], Weight: …"``."""
    old: dict[str, str] = {}
    for key, value in fields.starting("controlnet"):
        unit = dict(_texts(pairs(str(value))))
        if "Model" in unit or "Module" in unit:
            yield _control(unit)
        else:
            old[key.removeprefix("ControlNet").strip("- ")] = str(value)
    if "Model" in old:
        yield _control(old)


def _control(unit: Mapping[str, str]) -> Resource:
    name, digest = bracketed(unit.get("Model", ""), "[", "]")
    module = unit.get("Module") or unit.get("Preprocessor")
    return Resource(
        kind="controlnet",
        name=name if name and name != "None" else module or "",
        weight=number(unit.get("Weight")),
        hashes=model_hashes(digest),
    )


def _plain(value: object) -> object:
    found = number(value)
    return value if found is None else found


def _texts(items: Iterable[tuple[str, object]]) -> Iterator[tuple[str, str]]:
    return ((key, value) for key, value in items if isinstance(value, str))


def _mode(operations: str, init_image: str | None, mask: str | None) -> str | None:
    """What was done, only where the payload says so.

    SD.Next lists its operations; AUTOMATIC1111 writes the mask's settings and the hash of the
    initial image in those modes alone.
    """
    for mode in ("inpaint", "img2img", "txt2img"):
        if mode in operations:
            return mode
    if mask:
        return "inpaint"
    return "img2img" if init_image else None
