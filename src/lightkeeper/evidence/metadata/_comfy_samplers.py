"""What a ComfyUI graph did on the way to its pictures: which nodes sampled, with what settings."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.evidence.metadata._comfy_nodes import (
    ANY,
    PICTURE,
    carries_picture,
    is_pipe,
    node_class,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence, Set

    from lightkeeper.evidence.metadata._graph import Graph, Node, Source
    from lightkeeper.evidence.metadata._record import Number

MAX_PASSES = 24
_MAX_ENDS = 16
_SEEDS = ("seed", "noise_seed")
_WORK = ("steps", "sigmas", "sampler_name", "prompt")
_SETTINGS = frozenset(
    (
        "noise",
        "guider",
        "sampler",
        "sigmas",
        "sigmas_1",
        "sigmas_2",
        "scheduler",
        "sampler_settings",
        "settings",
        "base_sampler",
        "mask_sampler",
        "upscaler",
        "sampler_opt",
    )
)
_SETTING_TYPES = frozenset(
    ("NOISE", "GUIDER", "SAMPLER", "SIGMAS", "KSAMPLER", "KSAMPLER_ADVANCED", "UPSCALER")
)
_PROVIDED = frozenset(("KSAMPLER", "KSAMPLER_ADVANCED", "UPSCALER"))
_PROVIDED_TO = ("base_sampler", "mask_sampler", "upscaler")
_NOT_PICTURE = frozenset(
    (
        "model",
        "clip",
        "vae",
        "positive",
        "negative",
        "conditioning",
        "control_net",
        "guider",
        "noise",
        "sigmas",
        "sampler",
        "clip_vision",
        "clip_vision_output",
        "style_model",
        "upscale_model",
        "mask",
        "width",
        "height",
        "seed",
        "steps",
        "cfg",
        "denoise",
        "text",
        "opt_vae",
        "ipadapter",
        "lora_stack",
        "cnet_stack",
        "bbox_detector",
        "sam_model",
        "detailer_hook",
        "script",
    )
)
_NOT_SAMPLING = re.compile(
    r"save|preview|provider|config|select|setting|scheduler|loader|schedule|hook|script|preset"
)
_SAMPLING = re.compile(r"(?<!up)(?<!re)(?<!down)sampler|detailer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One run of a sampler, as far as its node and the nodes that configure it say."""

    node: Node
    scope: Sequence[Node]
    """The sampler and the nodes that configure it, nearest first."""
    seed: Number | None
    steps: Number | None
    sampler: str | None
    scheduler: str | None
    guidance: Number | None
    denoise: Number | None
    model: Source | None

    def summary(self) -> dict[str, object]:
        """Its settings under their own names, without the absent ones."""
        settings = {
            "node": self.node.kind,
            "seed": self.seed,
            "steps": self.steps,
            "sampler": self.sampler,
            "scheduler": self.scheduler,
            "guidance_scale": self.guidance,
            "denoise": self.denoise,
        }
        return {name: value for name, value in settings.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What lies on the way of the picture to one end of the graph."""

    end: Node
    nodes: Sequence[Node]
    """Nearest to the end first, the end itself left out unless it samples."""
    samplers: Sequence[Node]
    """Those of them that sampled."""


def ways(graph: Graph) -> list[Way]:
    """The ways to all ends of the graph that a picture reaches: those that save before others.

    An end is a node that ComfyUI runs for its own sake. Where the graph has none (a fragment), it
    is any node that nothing else depends on.
    """
    used = {
        s.node.id for n in graph.nodes.values() for s in graph.links(n).values() if s.node is not n
    }
    loose = [n for n in graph.nodes.values() if n.id not in used]
    ends = [n for n in graph.nodes.values() if _ends(n, n.id not in used)]
    ends = sorted(ends or loose or graph.nodes.values(), key=lambda n: (end_rank(n), _number(n)))[
        :_MAX_ENDS
    ]
    found = [_way(graph, end) for end in ends]
    return [way for way in found if way.nodes] or found[:1]


def _way(graph: Graph, end: Node) -> Way:
    nodes = behind(graph, end)
    return Way(end=end, nodes=nodes, samplers=[n for n in nodes if is_sampler(n)])


def _ends(node: Node, loose: bool) -> bool:
    known = node_class(node.kind)
    named = known.ends if known else loose
    return named or (loose and re.search(r"save|preview", node.kind.lower()) is not None)


def end_rank(node: Node) -> int:
    """0 for an end that saves, 1 for one that shows, 2 for others."""
    kind = node.kind.lower()
    return 0 if "save" in kind or is_sampler(node) else 1 if "preview" in kind else 2


def _number(node: Node) -> int:
    """The node's number, which both forms of a graph share."""
    first = node.id.partition(":")[0]
    return int(first) if first.isascii() and first.isdigit() and len(first) < 16 else 0


def behind(graph: Graph, *starts: Node) -> list[Node]:
    """Nodes that the picture passes on its way into ``starts``, nearest first.

    Starts that sample are among them. A pipe is searched for what it was entered for: pixels or
    latents.
    """
    found = {n.id: n for n in starts if is_sampler(n)}
    for node in _walk(graph, starts):
        found.setdefault(node.id, node)
    return list(found.values())


def _walk(graph: Graph, starts: Sequence[Node]) -> Iterator[Node]:
    queue: deque[tuple[Node, str]] = deque((n, ANY) for n in starts)
    seen = {(n.id, ANY) for n in starts}
    while queue:
        node, wanted = queue.popleft()
        for source in _picture_inputs(graph, node, wanted):
            kind = source.type
            kind = kind if kind in PICTURE else wanted if is_pipe(kind) else ANY
            if (source.node.id, kind) not in seen:
                seen.add((source.node.id, kind))
                queue.append((source.node, kind))
                yield source.node


def _picture_inputs(graph: Graph, node: Node, wanted: str) -> list[Source]:
    links = graph.links(node)
    if "instructpixtopix" in node.kind.lower():
        return []  # Its latent is blank: the picture goes in with the prompt.
    bundles = any(is_pipe(p.type) for p in node.outputs)
    if bundles and wanted in PICTURE and not is_sampler(node):
        own = [s for s in links.values() if s.type == wanted]
        if own:
            return own
    return [s for n, s in links.items() if _is_picture(n, s)]


def _is_picture(name: str, source: Source) -> bool:
    if name in ("positive", "conditioning") and "stage_c" in source.node.inputs:
        return True
    kind = source.type
    if kind != ANY:
        return carries_picture(kind) or ("," in kind and not PICTURE.isdisjoint(kind.split(",")))
    return name not in _NOT_PICTURE and not name.endswith(("_detector", "_opt", "_hook", "_name"))


def is_sampler(node: Node) -> bool:
    """By its inputs, so that custom nodes count: a seed, something to do with it, and a link.

    A node that is known to give out no picture is none, whatever its inputs are called.
    """
    names, kind = node.inputs, node.kind.lower()
    known = node_class(node.kind)
    if known and known.remote:
        return True
    if node.outputs and not any(_may_be_picture(p.type) for p in node.outputs):
        return bool(known and known.ends) and _has_work(node)
    named_otherwise = _NOT_SAMPLING.search(kind) is not None
    if "save" in kind or (named_otherwise and not node.outputs and "guider" not in names):
        return False
    if "guider" in names and "sigmas" in names:
        return True
    if any(isinstance(names.get(n), list) for n in _PROVIDED_TO) or _has_work(node):
        return True
    linked = any(isinstance(v, list) for v in names.values())
    sampling = _SAMPLING.search(kind) is not None and not named_otherwise
    return linked and sampling and not _edits_pipe(node)


def _edits_pipe(node: Node) -> bool:
    """Whether it only packs or unpacks what a detailer is given."""
    return "pipe" in node.kind.lower() and not any(
        n in node.inputs for n in ("image", "segs", "latent_image", "samples", "pipe")
    )


def _has_work(node: Node) -> bool:
    names = node.inputs
    if not any(n in names for n in _SEEDS) or not any(n in names for n in _WORK):
        return False
    if "prompt" in names or _SAMPLING.search(node.kind.lower()):
        return True
    return any(isinstance(v, list) for v in names.values())


def _may_be_picture(kind: str) -> bool:
    return kind == ANY or carries_picture(kind) or "," in kind


def passes(graph: Graph, found: Sequence[Node]) -> list[Pass]:
    """Runs of these samplers; the one that made the composition first.

    That one has no other sampler before it on the way of the picture: not the upscaling or
    detailing second pass, but the first pass that it refines; stage C of Stable Cascade; the
    base model before the refiner. A sampler of a known class goes before one that only looks
    like one; one that adds no noise (a depth model) goes last.
    """
    found = found[:MAX_PASSES]
    runs = {n.id: _read(graph, n) for n in found}
    seeded = {n.id for n in found if runs[n.id].seed is not None}
    roots = [n for n in found if not _has_sampler_before(graph, n, seeded)] or list(found)
    ranked = sorted(roots, key=lambda n: _rank(runs[n.id]))
    return [runs[n.id] for n in dict.fromkeys([*ranked[:1], *found])]


def _has_sampler_before(graph: Graph, node: Node, counting: Set[str]) -> bool:
    return any(n is not node and n.id in counting for n in _walk(graph, (node,)))


def _rank(run: Pass) -> tuple[bool, bool, float, float]:
    denoise = 1.0 if run.denoise is None else run.denoise
    unknown = node_class(run.node.kind) is None
    return unknown, run.seed is None, -denoise, -(run.steps or 0)


def _read(graph: Graph, node: Node) -> Pass:
    scope = _configuring(graph, node)

    def number(*names: str) -> Number | None:
        return next((v for n in scope if (v := graph.number(n, *names)) is not None), None)

    def string(*names: str) -> str | None:
        return next((v for n in scope if (v := graph.string(n, *names))), None)

    return Pass(
        node=node,
        scope=scope,
        seed=number(*_SEEDS),
        steps=number("steps", "base_steps"),
        sampler=string("sampler_name", "sampler") or _kind_behind(graph, scope, "sampler"),
        scheduler=string("scheduler", "scheduler_name") or _kind_behind(graph, scope, "sigmas"),
        guidance=number("cfg", "cfg_conds", "cfg_scale", "guidance_scale"),
        denoise=number("denoise", "denoise_strength"),
        model=next(filter(None, (graph.source(n, "model") for n in scope)), None)
        or next((s for n in scope for s in graph.links(n).values() if is_pipe(s.type)), None),
    )


def _configuring(graph: Graph, node: Node) -> list[Node]:
    """The sampler and what is plugged into it as settings, nearest first."""
    queue = deque([node])
    found = {node.id: node}
    while queue:
        current = queue.popleft()
        for name, source in graph.links(current).items():
            setting = source.type in _SETTING_TYPES or (source.type == ANY and name in _SETTINGS)
            if setting and source.node.id not in found:
                found[source.node.id] = source.node
                queue.append(source.node)
    return list(found.values())


def _kind_behind(graph: Graph, scope: Iterable[Node], name: str) -> str | None:
    """Class of the node that stands for a sampler or a schedule without naming it."""
    links = (graph.source(n, name) for n in scope)
    return next((s.node.kind for s in links if s and s.type in (*_SETTING_TYPES, ANY)), None)
