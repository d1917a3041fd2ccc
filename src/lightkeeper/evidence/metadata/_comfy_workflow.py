"""A ComfyUI editor's workflow, turned into the API form that the graph reader walks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.evidence.metadata._graph import Node, bounded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lightkeeper.evidence.metadata._graph import Graph

# Editors before 2023-06 wrote a truth value here.
_AFTER_SEED = ("fixed", "increment", "decrement", "randomize")
_MUTED, _BYPASSED = 2, 4
_MAX_HOPS = 64
_MAX_SCOPES = 32
_SAMPLER = "seed steps cfg sampler_name scheduler denoise"
_WIDGETS = {
    "KSampler": _SAMPLER,
    "KSamplerAdvanced": (
        "add_noise noise_seed steps cfg sampler_name scheduler start_at_step end_at_step "
        "return_with_leftover_noise"
    ),
    "SamplerCustom": "add_noise noise_seed cfg",
    "RandomNoise": "noise_seed",
    "KSamplerSelect": "sampler_name",
    "BasicScheduler": "scheduler steps denoise",
    "CFGGuider": "cfg",
    "FluxGuidance": "guidance",
    "CheckpointLoaderSimple": "ckpt_name",
    "CheckpointLoader": "config_name ckpt_name",
    "UNETLoader": "unet_name weight_dtype",
    "VAELoader": "vae_name",
    "CLIPLoader": "clip_name type",
    "DualCLIPLoader": "clip_name1 clip_name2 type",
    "LoraLoader": "lora_name strength_model strength_clip",
    "LoraLoaderModelOnly": "lora_name strength_model",
    "HypernetworkLoader": "hypernetwork_name strength",
    "ControlNetLoader": "control_net_name",
    "DiffControlNetLoader": "control_net_name",
    "ControlNetApply": "strength",
    "ControlNetApplyAdvanced": "strength start_percent end_percent",
    "CLIPVisionLoader": "clip_name",
    "CLIPSetLastLayer": "stop_at_clip_layer",
    "CLIPTextEncode": "text",
    "CLIPTextEncodeFlux": "clip_l t5xxl guidance",
    "CLIPTextEncodeSDXL": "width height crop_w crop_h target_width target_height text_g text_l",
    "EmptyLatentImage": "width height batch_size",
    "EmptySD3LatentImage": "width height batch_size",
    "LatentUpscale": "upscale_method width height crop",
    "LatentUpscaleBy": "upscale_method scale_by",
    "ImageScale": "upscale_method width height crop",
    "UpscaleModelLoader": "model_name",
    "LoadImage": "image upload",
    "PrimitiveNode": "value",
}


def from_workflow(workflow: object) -> Graph | None:
    """Graph of ``{"nodes": [...], "links": [...]}``, ``None`` for anything else.

    Muted nodes are left out and bypassed ones are passed through, as the editor does. Widgets of
    unknown classes are read where the node names them. Subgraphs stand beside the rest, unlinked.
    """
    if not isinstance(workflow, dict) or not isinstance(workflow.get("nodes"), list):
        return None
    definitions = workflow.get("definitions")
    subgraphs = definitions.get("subgraphs") if isinstance(definitions, dict) else None
    scopes = [workflow, *(subgraphs if isinstance(subgraphs, list) else [])][:_MAX_SCOPES]
    return bounded(node for index, scope in enumerate(scopes) for node in _nodes(scope, index))


def _nodes(scope: object, index: int) -> Iterator[Node]:
    """Nodes of the workflow (index 0) or of one subgraph, whose outer links stay open."""
    entries = scope.get("nodes") if isinstance(scope, dict) else None
    raw = {
        str(n["id"]): n
        for n in (entries if isinstance(entries, list) else ())
        if isinstance(n, dict)
        and isinstance(n.get("id"), (int, str))
        and isinstance(n.get("type"), str)
    }
    links = dict(_links(scope.get("links") if isinstance(scope, dict) else None))
    prefix = f"{index}/" if index else ""
    for key, node in raw.items():
        if node.get("mode") not in (_MUTED, _BYPASSED):
            linked = {
                name: [prefix + origin, slot] for name, origin, slot in _linked(node, links, raw)
            }
            yield Node(prefix + key, str(node["type"]), {**_widgets(node), **linked})


def _links(links: object) -> Iterator[tuple[int, tuple[str, int]]]:
    """Origin node and output by link number."""
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict):
            link = [link.get("id"), link.get("origin_id"), link.get("origin_slot")]
        if not isinstance(link, list) or len(link) < 3:
            continue
        number, origin, slot = link[:3]
        if isinstance(number, int) and isinstance(origin, (int, str)) and isinstance(slot, int):
            yield number, (str(origin), slot)


def _inputs(node: dict[str, object]) -> list[dict[str, object]]:
    inputs = node.get("inputs")
    return [i for i in inputs if isinstance(i, dict)] if isinstance(inputs, list) else []


def _linked(
    node: dict[str, object],
    links: dict[int, tuple[str, int]],
    raw: dict[str, dict[str, object]],
) -> Iterator[tuple[str, str, int]]:
    for entry in _inputs(node):
        name, number = entry.get("name"), entry.get("link")
        if isinstance(name, str) and isinstance(number, int) and number in links:
            origin, slot = _past_bypassed(links[number], entry.get("type"), links, raw)
            yield name, origin, slot


def _past_bypassed(
    origin: tuple[str, int],
    kind: object,
    links: dict[int, tuple[str, int]],
    raw: dict[str, dict[str, object]],
) -> tuple[str, int]:
    for _ in range(_MAX_HOPS):
        node = raw.get(origin[0])
        if node is None or node.get("mode") != _BYPASSED:
            break
        same = (e["link"] for e in _inputs(node) if e.get("type") == kind and "link" in e)
        number = next((n for n in same if isinstance(n, int) and n in links), None)
        if number is None:
            break
        origin = links[number]
    return origin


def _widgets(node: dict[str, object]) -> dict[str, object]:
    values = node.get("widgets_values")
    if isinstance(values, dict):
        return {str(k): v for k, v in values.items() if not isinstance(v, list)}
    if not isinstance(values, list):
        return {}
    known = _WIDGETS.get(str(node.get("type")))
    named = [e["name"] for e in _inputs(node) if isinstance(e.get("widget"), dict) and "name" in e]
    names = known.split() if known else [str(n) for n in named]
    names = names or [f"widget_{index}" for index in range(len(values))]
    return dict(_named(names, values))


def _named(names: list[str], values: list[object]) -> Iterator[tuple[str, object]]:
    """Pairs of names and values; what the editor adds after a seed has no name and is skipped."""
    rest = iter(values)
    after_seed = False
    for name in names:
        value = next(rest, None)
        if after_seed and (value in _AFTER_SEED or isinstance(value, bool)):
            value = next(rest, None)
        after_seed = name in ("seed", "noise_seed")
        if value is not None and not isinstance(value, list):
            yield name, value
