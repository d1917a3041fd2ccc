"""Models and pictures that a ComfyUI graph loads."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING

from lightkeeper.evidence.metadata._comfy_nodes import ANY, is_pipe
from lightkeeper.evidence.metadata._numbers import number
from lightkeeper.evidence.metadata._record import Resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lightkeeper.evidence.metadata._graph import Graph, Node, Source
    from lightkeeper.evidence.metadata._record import Number

_CHECKPOINT = ("ckpt_name", "unet_name", "diffusion_name", "base_ckpt_name", "gguf_name")
_LORA = re.compile(r"lora(?:_name)?(?:_?(\d{1,2}))?")
_STRENGTHS = (
    "strength_model{}",
    "strength{}",
    "lora_model_strength{}",
    "model_weight{}",
    "model_str{}",
    "lora_wt{}",
    "lora_weight{}",
)
_MAX_MODELS = 400
_EDITS = re.compile(r"textencode\w*edit|referencelatent|instructpixtopix|imageedit")
_PLAIN = re.compile(r"scale|resize|crop|reroute|vaeencode|getnode|setnode|switch|pad")
_PICTURES = ("image", "latent", "pixels")
_MAX_PLAIN = 16
_MAX_NAME = 1_000
"""Longer is no name: the picture itself, as text."""
_AIR = re.compile(r"urn:air:[\w.:-]{1,80}:\d{1,19}@(\d{1,19})")


def checkpoint(graph: Graph, model: Source | None, scope: Sequence[Node]) -> str | None:
    """Name of the model file nearest to a sampler's ``model`` input.

    A loader is known by its inputs, not by its class; ``scope`` is searched where the link is
    missing (a custom node that carries everything in one pipe).
    """
    chain = _models(graph, model) if model else list(scope)
    named = (name for node in chain if (name := graph.string(node, *_CHECKPOINT)))
    loaders = (node for node in chain if _is_loader(node))
    loaded = (name for node in loaders if (name := graph.string(node, "model_name", "model_path")))
    return next(named, None) or next(loaded, None)


def _models(graph: Graph, start: Source) -> list[Node]:
    """Nodes that a model passes on its way, nearest first: a pipe only by its field for it."""
    found = {start.node.id: start.node}
    queue = deque([start.node])
    while queue and len(found) < _MAX_MODELS:
        links = graph.links(queue.popleft())
        own = [
            s for n, s in links.items() if s.type == "MODEL" or n in ("model", "unet", "base_model")
        ]
        pipes = [s for n, s in links.items() if is_pipe(s.type)]
        loose = [s for s in links.values() if s.type == ANY]
        for source in own or pipes or loose:
            if source.node.id not in found:
                found[source.node.id] = source.node
                queue.append(source.node)
    return list(found.values())


def _is_loader(node: Node) -> bool:
    kind = node.kind.lower()
    others = ("lora", "vae", "clip", "control", "upscale")
    return "load" in kind and not any(word in kind for word in others)


def named(graph: Graph, nodes: Iterable[Node], kind: str, *inputs: str) -> Iterator[Resource]:
    """Resources that nodes name under one of these inputs."""
    for node in nodes:
        name = graph.string(node, *inputs)
        if name and name not in ("None", "Baked VAE"):
            weight = graph.number(node, "strength")
            yield Resource(kind=kind, name=name, weight=weight, version_id=air_version(name))


def air_version(name: str) -> str | None:
    """Model version in a Civitai resource name ``urn:air:…:MODEL@VERSION``."""
    found = _AIR.fullmatch(name)
    return found[1] if found else None


def loras(graph: Graph, nodes: Iterable[Node]) -> tuple[Resource, ...]:
    """LoRAs in the order of their application: the loader next to the checkpoint comes first."""
    found = [lora for node in nodes for lora in reversed(list(_loras_of(graph, node)))]
    return tuple(dict.fromkeys(reversed(found)))


def _loras_of(graph: Graph, node: Node) -> Iterator[Resource]:
    for key, value in node.inputs.items():
        match = _LORA.fullmatch(key)
        if not match:
            continue
        if isinstance(value, dict):
            if value.get("on", True) is True and isinstance(value.get("lora"), str):
                yield _lora(value["lora"], value.get("strength"), value.get("strengthTwo"))
            continue
        name = graph.string(node, key)
        if name and name != "None" and _is_on(node, match[1]):
            model, clip = _strengths(graph, node, match[1])
            yield _lora(name, model, clip)


def _is_on(node: Node, number: str | None) -> bool:
    count = node.inputs.get("lora_count")
    if isinstance(count, int) and number and int(number) > count:
        return False
    return node.inputs.get(f"switch_{number}") not in ("Off", False)


def _strengths(graph: Graph, node: Node, number: str | None) -> tuple[Number | None, Number | None]:
    ends = ("",) if number is None else (f"_{number}", number)
    simple = ("lora_wt{}",) if node.inputs.get("input_mode") == "simple" else ()
    model = graph.number(node, *(s.format(end) for s in (*simple, *_STRENGTHS) for end in ends))
    clip_names = ("strength_clip{}", "lora_clip_strength{}", "clip_weight{}", "clip_str{}")
    return model, graph.number(node, *(s.format(end) for s in clip_names for end in ends))


def _lora(name: str, model: object, clip: object) -> Resource:
    weights = (number(model), number(clip))
    weight = next((w for w in weights if w is not None), None)
    return Resource(kind="lora", name=name, weight=weight, version_id=air_version(name))


def controls(graph: Graph, nodes: Iterable[Node]) -> Iterator[Resource]:
    """ControlNet, IP-Adapter, style model, unCLIP and picture-instruction inputs."""
    for node in nodes:
        kind, model = _control_kind(graph, node)
        if not kind:
            continue
        name = _model_behind(graph, model) if model else node.kind
        weight = graph.number(node, "strength", "weight", "strength_start")
        inputs = (
            graph.source(node, n) for n in ("image", "pixels", "clip_vision_output", "image1")
        )
        picture = next((i for i in inputs if i), None)
        image = image_name(graph, picture.node) if picture else None
        yield Resource(
            kind=kind, name=name, weight=weight, image=image, version_id=air_version(name)
        )


def _control_kind(graph: Graph, node: Node) -> tuple[str, Source | None]:
    kind = node.kind.lower()
    if link := graph.source(node, "control_net"):
        takes_part = "conditioning" in node.inputs or "positive" in node.inputs
        return ("controlnet" if takes_part else ""), link
    if link := graph.source(node, "style_model"):
        return "style-model", link
    if "ipadapter" in kind and graph.source(node, "image"):
        return "ip-adapter", graph.source(node, "ipadapter") or graph.source(node, "model")
    if "unclip" in kind and graph.source(node, "clip_vision_output"):
        return "unclip", None
    return ("pix2pix", None) if "instructpixtopix" in kind else ("", None)


def _model_behind(graph: Graph, link: Source) -> str:
    along = ("control_net", "ipadapter", "style_model").__contains__
    chain = graph.upstream(link.node, follow=along)
    names = ("control_net_name", "ipadapter_file", "style_model_name", "model_name", "preset")
    return next((name for n in chain if (name := graph.string(n, *names))), link.node.kind)


def image_name(graph: Graph, start: Node) -> str | None:
    """Name of the picture that is loaded behind a node."""
    return next(filter(None, map(loaded_image, graph.upstream(start))), None)


def loaded_image(node: Node) -> str | None:
    """Name of the picture that this node loads, or its class where the node names none."""
    kind = node.kind.lower()
    if "load" not in kind or not any(word in kind for word in ("image", "video", "photo")):
        image = node.inputs.get("image")
        return image if isinstance(image, str) and "load" in kind else None
    named = (node.inputs.get(n) for n in ("image", "video", "file", "url", "image_path", "path"))
    name = next((n for n in named if isinstance(n, str) and n), node.kind)
    return name if len(name) <= _MAX_NAME else node.kind


def masks(graph: Graph, nodes: Iterable[Node]) -> str | None:
    """What masks the sampling: the mask's file, or the class of the node that makes it.

    A sampler's own mask says where which of its prompts goes; a detailer's, what it paints over.
    """
    for node in nodes:
        details = "detailer" in node.kind.lower()
        link = graph.source(node, "mask") or (graph.source(node, "segs") if details else None)
        covers = details or (
            "sampler" not in node.kind.lower()
            and ("samples" in node.inputs or "pixels" in node.inputs)
        )
        if link and covers:
            return image_name(graph, link.node) or link.node.kind
        if details and "image" in node.inputs:
            return node.kind
    return None


def edited_image(graph: Graph, nodes: Iterable[Node]) -> str | None:
    """Name of a picture that an editing model is told to change: it enters with the prompt."""
    for node in nodes:
        if not _EDITS.search(node.kind.lower()):
            continue
        for name, link in graph.links(node).items():
            if link.type in ("IMAGE", "LATENT", ANY) and name.startswith(_PICTURES):
                chain = [link.node]
                for _ in range(_MAX_PLAIN):
                    image = loaded_image(chain[-1])
                    if image:
                        return image
                    onward = [
                        s
                        for s in graph.links(chain[-1]).values()
                        if s.type in ("IMAGE", "LATENT", ANY)
                    ]
                    if len(onward) != 1 or not _PLAIN.search(chain[-1].kind.lower()):
                        break
                    chain.append(onward[0].node)
    return None


def upscaling(graph: Graph, nodes: Iterable[Node]) -> dict[str, str | Number]:
    """How the picture was enlarged after (or without) sampling; empty where it was not."""
    found: dict[str, str | Number] = {}
    for node in nodes:
        if "upscale_model" in node.inputs:
            link = graph.source(node, "upscale_model")
            name = graph.string(link.node, "model_name") if link else None
            found.setdefault("model", name or node.kind)
        if method := graph.string(node, "upscale_method", "upscale_mode"):
            found.setdefault("method", method)
        for name in ("scale_by", "upscale_by", "width", "height"):
            value = graph.number(node, name)
            if value is not None and _enlarges(node):
                found.setdefault(name, value)
    return found


def _enlarges(node: Node) -> bool:
    return any(n in node.inputs for n in ("upscale_method", "upscale_model", "upscale_by"))


_SIDES = re.compile(r"\s*(\d{2,5})\s*[x×]\s*(\d{2,5})")


def size(graph: Graph, nodes: Iterable[Node]) -> tuple[int | None, int | None]:
    """Width and height, in pixels, of the latent that sampling starts from."""
    for node in nodes:
        for names in (("width", "height"), ("empty_latent_width", "empty_latent_height")):
            width, height = (graph.number(node, n) for n in names)
            if isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0:
                return width, height
        named = ("dimensions", "resolution", "aspect_ratio", "size")
        for name in node.inputs if "latent" in node.kind.lower() else named:
            match = _SIDES.match(graph.string(node, name) or "")
            if match:
                return int(match[1]), int(match[2])
    return None, None
