"""Which sampler of a ComfyUI graph made the picture, and with what settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.evidence.metadata._graph import distinct, outputs

if TYPE_CHECKING:
    from collections.abc import Callable

    from lightkeeper.evidence.metadata._graph import Graph, Node, Source
    from lightkeeper.evidence.metadata._record import Number

MAX_PASSES = 24
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
    )
)
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
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One run of a sampler, as far as its node and the nodes that configure it say."""

    node: Node
    seed: Number | None
    steps: Number | None
    sampler: str | None
    scheduler: str | None
    guidance: Number | None
    denoise: Number | None
    model: Source | None
    positive: Source | None
    negative: Source | None

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


def passes(graph: Graph) -> list[Pass]:
    """All sampler runs behind the saved picture; the one that made its composition first.

    That one has no other sampler before it on the way of the picture: not the upscaling or
    detailing second pass, but the first pass that it refines; stage C of Stable Cascade; the
    base model before the refiner.
    """
    along = picture_path(graph)
    found: list[Node] = []
    for end in outputs(graph):
        found = [n for n in graph.upstream(end, follow=along) if is_sampler(n)]
        found = found or [n for n in graph.upstream(end) if is_sampler(n)]
        if found:
            break
    found = (found or [n for n in graph.nodes.values() if is_sampler(n)])[:MAX_PASSES]
    roots = [n for n in found if not _has_sampler_before(graph, n, along)] or found
    runs = {n.id: _read(graph, n) for n in distinct(found)}
    ranked = sorted(roots, key=lambda n: _rank(runs[n.id]))
    return [runs[n.id] for n in distinct([*ranked[:1], *found])]


def is_sampler(node: Node) -> bool:
    """By its inputs, so that custom nodes count: a seed, something to do with it, and a link."""
    names = node.inputs
    if "save" in node.kind.lower():
        return False
    if "guider" in names and "sigmas" in names:
        return True
    if not any(n in names for n in _SEEDS) or not any(n in names for n in _WORK):
        return False
    if "prompt" in names or "sampler" in node.kind.lower():
        return True
    return any(isinstance(v, list) for v in names.values())


def picture_path(graph: Graph) -> Callable[[str], bool]:
    """Says which inputs carry the picture itself, as pixels or latents."""
    blocked = _NOT_PICTURE
    if any("stage_c" in n.inputs for n in graph.nodes.values()):
        blocked = blocked - {"positive", "conditioning"}
    return lambda name: name not in blocked


def _has_sampler_before(graph: Graph, node: Node, along: Callable[[str], bool]) -> bool:
    return any(n is not node and is_sampler(n) for n in graph.upstream(node, follow=along))


def _rank(run: Pass) -> tuple[float, float]:
    denoise = 1.0 if run.denoise is None else run.denoise
    return -denoise, -(run.steps or 0)


def _read(graph: Graph, node: Node) -> Pass:
    scope = graph.upstream(node, follow=_SETTINGS.__contains__)

    def number(*names: str) -> Number | None:
        return next((v for n in scope if (v := graph.number(n, *names)) is not None), None)

    def string(*names: str) -> str | None:
        return next((v for n in scope if (v := graph.string(n, *names))), None)

    def source(*names: str) -> Source | None:
        links = (graph.source(n, name) for n in scope for name in names)
        return next((link for link in links if link), None)

    return Pass(
        node=node,
        seed=number(*_SEEDS),
        steps=number("steps"),
        sampler=string("sampler_name", "sampler") or _kind_behind(graph, scope, "sampler"),
        scheduler=string("scheduler", "scheduler_name") or _kind_behind(graph, scope, "sigmas"),
        guidance=number("cfg", "cfg_conds", "cfg_scale", "guidance_scale"),
        denoise=number("denoise", "denoise_strength"),
        model=source("model"),
        positive=source("positive", "conditioning", "cond1", "cond"),
        negative=source("negative"),
    )


def _kind_behind(graph: Graph, scope: list[Node], name: str) -> str | None:
    """Class of the node that stands for a sampler or a schedule without naming it."""
    links = (graph.source(n, name) for n in scope)
    return next((link.node.kind for link in links if link), None)
