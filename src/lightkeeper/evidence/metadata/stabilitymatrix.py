"""Stability Matrix: one generation told three times.

Carriers: PNG text ``parameters-json`` (its own form), ``parameters`` (infotext, UTF-8 with
carriage returns), ``prompt`` (the ComfyUI graph that ran, read by its own family) and ``smproj``
(the project). The graph names the sampler as the engine does; the other two as the menu does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.evidence.metadata._hashes import model_hashes
from lightkeeper.evidence.metadata._parameters import Parameters
from lightkeeper.evidence.metadata._record import GenerationRecord
from lightkeeper.evidence.metadata.comfyui import read_graph

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lightkeeper.evidence.metadata._carriers import Carriers


def read(carriers: Carriers) -> Iterable[GenerationRecord]:
    """The record of ``parameters-json``, completed from the graph."""
    payload = carriers.find("parameters-json")
    parsed = carriers.json(payload) if payload else None
    if not payload or not isinstance(parsed, dict) or "PositivePrompt" not in parsed:
        return
    carriers.claim(payload, carriers.find("smproj"))
    fields = Parameters(parsed)
    graph = _graph(carriers)
    menu_sampler = fields.text("sampler")
    digest = fields.text("modelhash")
    seed = fields.number("seed")
    _claim_same(carriers, seed)
    yield GenerationRecord(
        tool="stability-matrix",
        carrier=payload.carrier,
        positive_prompt=fields.prompt("positiveprompt"),
        negative_prompt=fields.prompt("negativeprompt"),
        seed=seed,
        steps=fields.number("steps"),
        sampler=(graph.sampler if graph else None) or menu_sampler,
        scheduler=graph.scheduler if graph else None,
        guidance_scale=fields.number("cfgscale"),
        width=fields.side("width"),
        height=fields.side("height"),
        model_name=fields.text("modelname"),
        model_hash=digest,
        model_hashes=model_hashes(digest),
        loras=graph.loras if graph else (),
        clip_skip=graph.clip_skip if graph else None,
        extra={**fields.rest(), "Sampler": menu_sampler},
        raw=payload.text,
    )


def _graph(carriers: Carriers) -> GenerationRecord | None:
    payload = carriers.find("prompt")
    graph = carriers.json(payload) if payload else None
    return read_graph(graph, carrier=payload.carrier, raw="") if payload and graph else None


def _claim_same(carriers: Carriers, seed: object) -> None:
    """Claim the infotext that repeats this record; one with another seed stays a record."""
    payload = carriers.find("parameters")
    infotext = carriers.infotext(payload) if payload else None
    if infotext and Parameters(infotext.fields).number("seed") == seed:
        carriers.claim(payload)
