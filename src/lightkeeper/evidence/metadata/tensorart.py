"""TensorArt: PNG ``generation_data`` (JSON in UTF-8, with a trailing NUL) beside a graph.

``seed`` is -1 where the user left it to chance; the graph in ``prompt``, which its own family
reads too, holds the one that was drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.evidence.metadata._hashes import model_hashes
from lightkeeper.evidence.metadata._numbers import number
from lightkeeper.evidence.metadata._parameters import Parameters
from lightkeeper.evidence.metadata._record import GenerationRecord, Resource
from lightkeeper.evidence.metadata.comfyui import read_graph

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lightkeeper.evidence.metadata._carriers import Carriers
    from lightkeeper.evidence.metadata._record import Number

_MAX_RESOURCES = 500


def read(carriers: Carriers) -> Iterable[GenerationRecord]:
    """The record of ``generation_data``."""
    payload = carriers.find("generation_data")
    parsed = carriers.json(payload) if payload else None
    if not payload or not isinstance(parsed, dict):
        return
    carriers.claim(payload)
    fields = Parameters(parsed)
    base = Parameters(fields.table("basemodel"))
    digest = base.text("hash")
    models = list(_models(fields.array("models")))
    yield GenerationRecord(
        tool="tensorart",
        carrier=payload.carrier,
        positive_prompt=fields.prompt("prompt"),
        negative_prompt=fields.prompt("negativeprompt"),
        seed=_seed(fields, carriers),
        steps=fields.number("steps"),
        sampler=fields.text("ksamplername", "sampler"),
        scheduler=fields.text("schedule"),
        guidance_scale=fields.number("cfgscale"),
        width=fields.side("width"),
        height=fields.side("height"),
        model_name=base.text("modelfilename", "label"),
        model_hash=digest,
        model_hashes=model_hashes(digest),
        loras=tuple(m for m in models if m.kind == "lora"),
        embeddings=tuple(m for m in models if m.kind == "embedding"),
        clip_skip=fields.number("clipskip"),
        extra={**fields.rest(), "baseModel": base.rest()},
        raw=payload.text,
    )


def _seed(fields: Parameters, carriers: Carriers) -> Number | str | None:
    seed = fields.number("seed")
    if seed is not None and seed >= 0:
        return seed
    payload = carriers.find("prompt")
    graph = carriers.json(payload) if payload else None
    ran = read_graph(graph, carrier=payload.carrier, raw="") if payload and graph else None
    return seed if ran is None or ran.seed is None else ran.seed


def _models(listed: list[object]) -> Iterator[Resource]:
    for item in listed[:_MAX_RESOURCES]:
        if isinstance(item, dict):
            fields = Parameters(item)
            kind = str(item.get("type", "")).lower()
            file_id = item.get("modelFileId")
            yield Resource(
                kind="embedding" if kind in ("embedding", "textual_inversion") else kind,
                name=fields.text("modelfilename", "label") or "",
                weight=number(item.get("weight")),
                hashes=model_hashes(item.get("hash")),
                version_id=None if file_id is None else str(file_id),
            )
