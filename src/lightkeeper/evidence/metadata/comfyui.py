"""ComfyUI: the node graph that made the picture, walked back from the node that saved it.

Carriers: PNG text ``prompt`` (the graph that ran) and ``workflow`` (the editor's own form), the
``comf`` chunk of animated PNG, EXIF ``Model``/``Make``/``ImageDescription`` with a ``prompt:``
prefix, EXIF ``UserComment`` with both as JSON, or a bare graph anywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lightkeeper.evidence.metadata import _comfy_resources as resources
from lightkeeper.evidence.metadata._carriers import parse_json
from lightkeeper.evidence.metadata._comfy_nodes import node_class
from lightkeeper.evidence.metadata._comfy_samplers import behind, end_rank, is_sampler, passes, ways
from lightkeeper.evidence.metadata._comfy_text import Prompts, embeddings
from lightkeeper.evidence.metadata._comfy_workflow import from_workflow, ports
from lightkeeper.evidence.metadata._graph import from_api
from lightkeeper.evidence.metadata._record import GenerationRecord, Resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lightkeeper.evidence.metadata._carriers import Carriers, Payload
    from lightkeeper.evidence.metadata._comfy_samplers import Pass, Way
    from lightkeeper.evidence.metadata._graph import Graph, Node

_PREFIX = re.compile(r"\s{0,8}(prompt|workflow)\s{0,4}:\s{0,4}(?=\{)", re.IGNORECASE)
_EXTRA_TAGS = frozenset(f"0x{tag:04X}" for tag in range(0x0100, 0x010E)) | {"ImageDescription"}
_EXTRA = re.compile(r"[A-Za-z_][\w .-]{0,60}:\s{0,4}[\[{\"]")


@dataclass(frozen=True, slots=True)
class _Candidate:
    payload: Payload
    role: Literal["prompt", "workflow"]
    text: str
    """The payload without its prefix."""


def read(carriers: Carriers) -> Iterable[GenerationRecord]:
    """One record per graph that ran; an editor's workflow only where no such graph is readable."""
    candidates = [c for p in carriers.open() if (c := _candidate(p))]
    records: list[GenerationRecord] = []
    for role in ("prompt", "workflow"):
        wanted = [c for c in candidates if c.role == role]
        if records:
            carriers.claim(*(c.payload for c in wanted), *_companions(carriers, wanted))
            continue
        for candidate in wanted:
            beside = (c for c in candidates if c.role != role)
            if record := _record_of(candidate, carriers, next(beside, None)):
                records.append(record)
                carriers.claim(candidate.payload)
    return records


def read_graph(
    graph: object, *, carrier: str, raw: str, editor: object = None
) -> GenerationRecord | None:
    """Record of a parsed API graph (``{id: {class_type, inputs}}``) or of an editor's workflow.

    Returns ``None`` where ``graph`` is neither. ``editor`` is the workflow that stands beside an
    API graph: it names the outputs of nodes whose class is not known here. ``tool`` is
    ``comfyui``; the caller may ``dataclasses.replace`` it.
    """
    if ran := from_api(graph, ports(editor)):
        return _record(ran, carrier=carrier, raw=raw)
    drawn = from_workflow(graph)
    return _record(drawn, carrier=carrier, raw=raw, notes=("editor-form",)) if drawn else None


def _candidate(payload: Payload) -> _Candidate | None:
    text = payload.text
    if match := _PREFIX.match(text[:64]):
        role: Literal["prompt", "workflow"] = "workflow" if match[1][0] in "wW" else "prompt"
        return _Candidate(payload, role, text[match.end() :])
    if not text[:64].lstrip().startswith("{"):
        return None
    if payload.keyword.lower() == "workflow":
        return _Candidate(payload, "workflow", text)
    if '"class_type"' in text or '\\"class_type\\"' in text:
        return _Candidate(payload, "prompt", text)
    return _Candidate(payload, "workflow", text) if '"last_node_id"' in text else None


def _record_of(
    candidate: _Candidate, carriers: Carriers, beside: _Candidate | None
) -> GenerationRecord | None:
    graph, editor = _parsed(candidate, carriers), None
    if isinstance(graph, dict) and "prompt" in graph and "class_type" not in graph:
        inner, editor = graph["prompt"], graph.get("workflow")
        graph = parse_json(inner) if isinstance(inner, str) else inner
        editor = parse_json(editor) if isinstance(editor, str) else editor
    elif beside is not None and candidate.role == "prompt":
        editor = _parsed(beside, carriers)
    payload = candidate.payload
    return read_graph(graph, carrier=payload.carrier, raw=candidate.text, editor=editor)


def _parsed(candidate: _Candidate, carriers: Carriers) -> object | None:
    whole = candidate.text is candidate.payload.text
    return carriers.json(candidate.payload) if whole else parse_json(candidate.text)


def _companions(carriers: Carriers, wanted: Iterable[_Candidate]) -> Iterator[Payload]:
    """Further keys that the WebP savers spread over descending EXIF tags."""
    if any(c.payload.carrier in ("exif:Make", "exif:Model") for c in wanted):
        for payload in carriers.open():
            if payload.keyword in _EXTRA_TAGS and _EXTRA.match(payload.text[:80]):
                yield payload


def _record(
    graph: Graph, *, carrier: str, raw: str, notes: tuple[str, ...] = ()
) -> GenerationRecord:
    found = ways(graph)
    sampled = [w for w in found if w.samplers]
    way = next((w for w in sampled if any(node_class(n.kind) for n in w.samplers)), None)
    way = way or next(iter(sampled), None)
    runs = passes(graph, way.samplers) if way else []
    main = runs[0] if runs else None
    way = way or (found[0] if found else None)
    reach = graph.upstream(way.end) if way else list(graph.nodes.values())
    prompts = Prompts(graph)
    positive, negative, unclear = prompts.pair(main.scope) if main else (None, None, False)
    width, height, init_image, mask = _canvas(graph, main, way)
    upscaling = resources.upscaling(graph, _after(graph, main, reach))
    skip = _first_number(graph, reach, "stop_at_clip_layer", "clip_skip")
    scope = graph.upstream(main.node) if main else reach
    scope = scope if len(scope) > 1 else list(graph.nodes.values())
    odd = {
        "truncated": graph.truncated or prompts.truncated,
        "negative-undetermined": unclear,
    }
    return GenerationRecord(
        tool="comfyui",
        carrier=carrier,
        positive_prompt=positive,
        negative_prompt=negative,
        seed=main.seed if main else None,
        steps=main.steps if main else None,
        sampler=main.sampler if main else None,
        scheduler=main.scheduler if main else None,
        guidance_scale=_guidance(graph, main, scope),
        width=width,
        height=height,
        model_name=resources.checkpoint(graph, main.model if main else None, scope),
        vae=next(resources.named(graph, reach, "vae", "vae_name"), None),
        loras=resources.loras(graph, reach),
        embeddings=tuple(
            Resource(kind="embedding", name=name, weight=weight)
            for name, weight in embeddings(positive, negative)
        ),
        hypernetworks=tuple(resources.named(graph, reach, "hypernetwork", "hypernetwork_name")),
        controls=tuple(resources.controls(graph, reach)),
        refiner=_refiner(graph, runs),
        upscaling=upscaling or None,
        denoising_strength=main.denoise if main else None,
        clip_skip=abs(skip) if skip else None,
        mode=_mode(graph, main, way, init_image, mask, upscaling, width),
        init_image=init_image,
        mask=mask,
        extra=_extra(graph, runs, reach, prompts, found),
        notes=(*notes, *(code for code, holds in odd.items() if holds)),
        raw=raw,
    )


def _canvas(
    graph: Graph, main: Pass | None, way: Way | None
) -> tuple[int | None, int | None, str | None, str | None]:
    """Size, initial picture and mask that the main sampler starts from."""
    if main is None:
        nodes = way.nodes if way else ()
        return None, None, next(filter(None, map(resources.loaded_image, nodes)), None), None
    before = behind(graph, main.node)
    width, height = resources.size(graph, before)
    image = next(filter(None, map(resources.loaded_image, before)), None)
    image = image or resources.edited_image(graph, graph.upstream(main.node))
    return width, height, image, resources.masks(graph, before)


def _after(graph: Graph, main: Pass | None, reach: Sequence[Node]) -> Sequence[Node]:
    """Nodes between the main sampler and the saved picture."""
    if main is None:
        return reach
    before = {n.id for n in graph.upstream(main.node)}
    return [n for n in reach if n.id not in before or n is main.node]


def _guidance(graph: Graph, main: Pass | None, scope: Iterable[Node]) -> int | float | None:
    if main is None or main.guidance is not None:
        return main.guidance if main else None
    return _first_number(graph, scope, "guidance")


def _first_number(graph: Graph, nodes: Iterable[Node], *names: str) -> int | float | None:
    found = (graph.number(n, name) for n in nodes for name in names if name in n.inputs)
    return next((v for v in found if v is not None), None)


def _refiner(graph: Graph, runs: Sequence[Pass]) -> Resource | None:
    """Another checkpoint that finishes what the base model leaves with noise in it."""
    base = resources.checkpoint(graph, runs[0].model, ()) if runs[1:] else None
    for run in runs[1:]:
        name = resources.checkpoint(graph, run.model, ())
        if not name or name == base:
            continue
        if run.node.inputs.get("add_noise") == "disable" or "refiner" in name.lower():
            return Resource(kind="checkpoint", name=name)
    return None


def _mode(
    graph: Graph,
    main: Pass | None,
    way: Way | None,
    init_image: str | None,
    mask: str | None,
    upscaling: object,
    width: int | None,
) -> str | None:
    """What was done on the way of the picture, as far as all nodes on it are known.

    A mask makes an inpainting only together with a picture that somebody already had: over an
    empty latent it says which prompt goes where. Nothing sampled is nothing generated.
    """
    if main is None:
        unknown = way is None or not way.nodes or any(_is_opaque(n) for n in way.nodes)
        return "undetermined" if unknown else "upscale" if upscaling else "processed"
    if init_image:
        return "inpaint" if mask else "img2img"
    nodes = way.nodes if way else ()
    if any(resources.loaded_image(n) for n in nodes):
        return "composite"
    before = behind(graph, main.node)
    if any(_encodes_picture(graph, n) for n in before):
        return "img2img"
    return "txt2img" if width or not any(map(_is_opaque, before)) else None


def _encodes_picture(graph: Graph, node: Node) -> bool:
    """Whether pixels that no sampler made go into a latent here, wherever they come from."""
    if "vaeencode" not in node.kind.lower():
        return False
    source = behind(graph, node)
    blank = any(n.kind.lower().startswith(("emptyimage", "solid")) for n in source)
    return not blank and not any(map(is_sampler, source))


def _is_opaque(node: Node) -> bool:
    """Whether nothing is known of what a node does to the picture."""
    return node_class(node.kind) is None and node.kind not in ("Reroute", "GetNode", "SetNode")


def _extra(
    graph: Graph,
    runs: Sequence[Pass],
    reach: Sequence[Node],
    prompts: Prompts,
    all_ways: Sequence[Way],
) -> dict[str, object]:
    rank = end_rank(reach[0]) if reach else 0
    unsampled = sum(not w.samplers for w in all_ways if end_rank(w.end) == rank)
    found: dict[str, object] = {
        "node_count": len(graph.nodes),
        "output_node": reach[0].kind if reach else None,
        "unsampled_outputs": unsampled if runs and unsampled else None,
    }
    if runs:
        found["sampler_node"] = runs[0].node.kind
    if runs[1:]:
        found["other_passes"] = [_other_pass(graph, run, prompts) for run in runs[1:]]
    texts = ("clip_name", "clip_name1", "clip_name2", "clip_name3", "weight_dtype", "config_name")
    numbers = ("guidance", "stop_at_clip_layer", "shift", "batch_size", "start_at_step")
    for node in reach:
        for name in texts:
            if name in node.inputs and (text := graph.string(node, name)):
                key = "clip_vision" if "clipvision" in node.kind.lower() else name
                found.setdefault(key, text)
        for name in numbers:
            if name in node.inputs and not is_sampler(node):
                found.setdefault(name, graph.number(node, name))
    return {name: value for name, value in found.items() if value is not None}


def _other_pass(graph: Graph, run: Pass, prompts: Prompts) -> dict[str, object]:
    """Settings and prompts of a further sampler under their own names."""
    positive, negative, _ = prompts.pair(run.scope)
    own = {
        "model": resources.checkpoint(graph, run.model, ()),
        "positive_prompt": positive,
        "negative_prompt": negative,
    }
    return {**run.summary(), **own}
