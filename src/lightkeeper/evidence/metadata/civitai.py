"""Civitai's generator: an infotext with resource lists, or a ComfyUI graph with its own notes.

Carriers: EXIF ``UserComment`` of JPEG (UTF-16BE in a little-endian TIFF), beside ``Artist: ai``
and a job's UUID in ``Software``; PNG ``parameters`` after a download. The marks are
``Civitai resources``, ``Civitai metadata`` and ``extraMetadata``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lightkeeper.evidence.metadata._carriers import parse_json
from lightkeeper.evidence.metadata._infotext_record import record_of
from lightkeeper.evidence.metadata._numbers import number
from lightkeeper.evidence.metadata._parameters import Parameters
from lightkeeper.evidence.metadata._record import GenerationRecord, Resource
from lightkeeper.evidence.metadata.a1111 import infotexts
from lightkeeper.evidence.metadata.comfyui import read_graph

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lightkeeper.evidence.metadata._carriers import Carriers, Payload
    from lightkeeper.evidence.metadata._record import Number

_RESOURCES, _METADATA = "Civitai resources", "Civitai metadata"
_KINDS = {
    "lora": "lora",
    "locon": "lora",
    "lycoris": "lycoris",
    "dora": "lora",
    "embed": "embedding",
    "embedding": "embedding",
    "textualinversion": "embedding",
    "hypernet": "hypernetwork",
    "hypernetwork": "hypernetwork",
    "controlnet": "controlnet",
    "vae": "vae",
}
_MAX_RESOURCES = 500


def read(carriers: Carriers) -> Iterable[GenerationRecord]:
    """Records of graphs that carry ``extraMetadata``."""
    for payload in carriers.open():
        if '"extraMetadata"' in payload.text:
            graph = carriers.json(payload)
            notes = _extra_metadata(graph)
            if notes:
                carriers.claim(payload)
                yield _graph_record(graph, notes, payload)


def read_infotext(carriers: Carriers) -> Iterable[GenerationRecord]:
    """Records of infotexts that bear Civitai's marks and name no other application."""
    artist = carriers.find("Artist")
    signed = artist is not None and artist.text == "ai"
    for payload, infotext in infotexts(carriers):
        keys = infotext.fields.keys()
        marked = signed or _RESOURCES in keys or _METADATA in keys
        if marked and not {"App", "Version"} & keys:
            carriers.claim(payload)
            yield _with_resources(record_of(infotext, payload, tool="civitai"))


def _with_resources(record: GenerationRecord) -> GenerationRecord:
    listed = record.extra.get(_RESOURCES)
    found = list(_resources(listed if isinstance(listed, list) else []))
    checkpoint = next((r for r in found if r.kind == "checkpoint"), None)
    of_kind = {
        field: tuple(r for r in found if r.kind in kinds)
        for field, kinds in (
            ("loras", ("lora", "lycoris")),
            ("embeddings", ("embedding",)),
            ("hypernetworks", ("hypernetwork",)),
            ("controls", ("controlnet",)),
        )
    }
    return replace(
        record,
        model_name=record.model_name or (checkpoint.name or None if checkpoint else None),
        vae=record.vae or next((r for r in found if r.kind == "vae"), None),
        loras=of_kind["loras"] or record.loras,
        embeddings=of_kind["embeddings"] or record.embeddings,
        hypernetworks=of_kind["hypernetworks"] or record.hypernetworks,
        controls=of_kind["controls"] or record.controls,
    )


def _resources(listed: list[object]) -> Iterator[Resource]:
    for item in listed[:_MAX_RESOURCES]:
        if isinstance(item, dict):
            kind = str(item.get("type", "")).lower()
            version = item.get("modelVersionId")
            yield Resource(
                kind=_KINDS.get(kind, kind),
                name=str(item.get("modelName") or ""),
                weight=number(item.get("weight")),
                version_id=None if version is None else str(version),
            )


def _extra_metadata(graph: object) -> Mapping[str, object]:
    found = graph.get("extraMetadata") if isinstance(graph, dict) else None
    parsed = parse_json(found) if isinstance(found, str) else found
    return parsed if isinstance(parsed, dict) else {}


def _graph_record(graph: object, notes: Mapping[str, object], payload: Payload) -> GenerationRecord:
    """The graph's record, overruled by what Civitai noted of the request."""
    base = read_graph(graph, carrier=payload.carrier, raw=payload.text)
    base = base or GenerationRecord(tool="civitai", carrier=payload.carrier, raw=payload.text)
    fields = Parameters(notes)
    positive, negative = fields.prompt("prompt"), fields.prompt("negativeprompt")
    seed, steps, guidance = (fields.number(name) for name in ("seed", "steps", "cfgscale"))
    return replace(
        base,
        tool="civitai",
        positive_prompt=base.positive_prompt if positive is None else positive,
        negative_prompt=base.negative_prompt if negative is None else negative,
        seed=base.seed if seed is None else seed,
        steps=base.steps if steps is None else steps,
        sampler=fields.text("sampler") or base.sampler,
        guidance_scale=base.guidance_scale if guidance is None else guidance,
        width=fields.side("width") or base.width,
        height=fields.side("height") or base.height,
        model_name=base.model_name or fields.text("basemodel"),
        clip_skip=fields.number("clipskip") or base.clip_skip,
        mode=fields.text("workflow") or (base.mode if base.seed is not None else None),
        upscaling=_upscaling(fields) or base.upscaling,
        extra={**base.extra, **fields.rest()},
    )


def _upscaling(fields: Parameters) -> Mapping[str, str | Number] | None:
    """The size that a later ``upscale`` transformation asked for."""
    steps = fields.peek("transformations")
    for step in steps[:_MAX_RESOURCES] if isinstance(steps, list) else ():
        if isinstance(step, dict) and step.get("type") == "upscale":
            return {
                key: value
                for key, value in step.items()
                if key.startswith("upscale") and isinstance(value, (int, float, str))
            }
    return None
