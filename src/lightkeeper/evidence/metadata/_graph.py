"""A ComfyUI graph as nodes and links, whatever nonsense a file holds."""

from __future__ import annotations

import math
import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lightkeeper.evidence.metadata._comfy_nodes import ANY, Port, is_pipe, node_class
from lightkeeper.evidence.metadata._numbers import number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MAX_NODES = 4_000
MAX_INPUTS = 30_000
"""Of all nodes together. Real graphs stay under a third of both; what is beyond is not read."""

_MAX_HOPS = 32
_MAX_CHOOSING = 8
_PRIMITIVE_INPUTS = ("value", "int", "float", "number", "string", "text", "")
_ALIASES = {
    "steps": ("steps_total",),
    "sampler": ("sampler_name",),
    "sampler_name": ("sampler",),
    "seed": ("noise_seed",),
    "noise_seed": ("seed",),
}
_PIPED = "|pipe"
_GENERIC = frozenset(
    ("int", "float", "string", "combo", "boolean", "value", "output", "number", ANY, "")
)
_NUMBERED = re.compile(r"(.*?)_?(\d{1,3})")
_SELECTORS = ("select", "Input", "input", "index", "selected_index")


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One node: its class, its inputs, literal or linked, and its outputs where they are known;
    compared by identity.
    """

    id: str
    kind: str
    inputs: Mapping[str, object]
    outputs: tuple[Port, ...] = ()

    def port(self, slot: int) -> Port | None:
        """The output of this number, ``None`` where nothing is known of it."""
        return self.outputs[slot] if 0 <= slot < len(self.outputs) else None


class Source(NamedTuple):
    """The far end of a link: a node and the number of its output."""

    node: Node
    slot: int

    @property
    def type(self) -> str:
        """Type of what comes out there, :data:`ANY` where it is not known."""
        port = self.node.port(self.slot)
        return port.type if port else ANY


class Graph:
    """Nodes by id; every walk visits a node once, so cycles and diamonds cost nothing."""

    def __init__(self, nodes: Mapping[str, Node], *, truncated: bool = False) -> None:
        self.nodes = nodes
        self.truncated = truncated
        self._links: dict[str, dict[str, Source]] = {}
        self._names: dict[str, dict[str, str]] = {}
        self._chosen: dict[str, str | None] = {}
        self._choosing = 0

    def source(self, node: Node, name: str) -> Source | None:
        """Where the input ``name`` is linked to, ``None`` where it is absent or literal."""
        return self.links(node).get(name)

    def links(self, node: Node) -> Mapping[str, Source]:
        """Linked inputs by name, in file order, without those that a switch leaves out."""
        found = self._links.get(node.id)
        if found is None:
            lists = ((n, v) for n, v in node.inputs.items() if isinstance(v, list))
            found = {name: link for name, value in lists if (link := self._resolve(value))}
            found = self._switched(node, found)
            self._links[node.id] = found
        return found

    def upstream(self, *starts: Node, follow: Callable[[str], bool] | None = None) -> list[Node]:
        """``starts`` and everything they depend on, nearest first.

        ``follow`` says by its name whether a linked input is walked.
        """
        seen = {node.id for node in starts}
        queue = deque(starts)
        found: list[Node] = []
        while queue:
            node = queue.popleft()
            found.append(node)
            for name, (origin, _) in self.links(node).items():
                if origin.id not in seen and (follow is None or follow(name)):
                    seen.add(origin.id)
                    queue.append(origin)
        return found

    def value(self, node: Node, name: str) -> object | None:
        """Literal of an input, followed through reroutes, primitive nodes, switches and pipes."""
        wanted = name
        for _ in range(_MAX_HOPS):
            found = node.inputs.get(name)
            source = self._resolve(found) if isinstance(found, list) else None
            if source is None:
                return found
            node, slot = source
            if node.kind == "ResolutionSelector":
                return _side_length(node, slot)
            port = node.port(slot)
            if port and not is_pipe(port.type) and port.name.lower() not in _GENERIC:
                wanted = port.name
            following = self._giving(node, wanted.lower())
            if following is None:
                return None
            name = following
        return None

    def number(self, node: Node, *names: str) -> int | float | None:
        """First of these inputs that is a finite number, or its decimal text."""
        values = (number(self.value(node, n)) for n in names if n in node.inputs)
        return next((v for v in values if v is not None), None)

    def string(self, node: Node, *names: str) -> str | None:
        """First of these inputs that is a text with content."""
        values = (self.value(node, n) for n in names if n in node.inputs)
        return next((v for v in values if isinstance(v, str) and v), None)

    def _giving(self, node: Node, wanted: str) -> str | None:
        """Input of ``node`` that an output called ``wanted`` hands on."""
        if chosen := self.chosen(node):
            return chosen
        lowered = self._lowered(node)
        for name in (wanted, *_ALIASES.get(wanted, ()), *_PRIMITIVE_INPUTS, _PIPED):
            if name in lowered:
                return lowered[name]
        links = self.links(node)
        only = links or node.inputs
        return next(iter(only), None) if len(only) == 1 or _is_switch(node) else None

    def _lowered(self, node: Node) -> Mapping[str, str]:
        """Inputs by their names in small letters, the first pipe as well under its own key."""
        found = self._names.get(node.id)
        if found is None:
            found = {name.lower(): name for name in reversed([*node.inputs])}
            pipes = (n for n, s in self.links(node).items() if is_pipe(s.type) or is_pipe(n))
            if pipe := next(pipes, None):
                found[_PIPED] = pipe
            self._names[node.id] = found
        return found

    def _resolve(self, value: list[object]) -> Source | None:
        if len(value) != 2:
            return None
        origin, slot = value
        if not isinstance(origin, (str, int)) or not isinstance(slot, int):
            return None
        node = self.nodes.get(str(origin))
        return Source(node, slot) if node else None

    def chosen(self, node: Node) -> str | None:
        """The input that a switch passes on, linked or typed; ``None`` where that is not known."""
        if node.id not in self._chosen:
            self._chosen[node.id] = None
            if self._choosing < _MAX_CHOOSING:
                self._choosing += 1
                self._chosen[node.id] = self._choose(node)
                self._choosing -= 1
        return self._chosen[node.id]

    def _choose(self, node: Node) -> str | None:
        inputs = node.inputs
        if "on_true" in inputs or "on_false" in inputs:
            held = next((self.value(node, n) for n in ("switch", "boolean") if n in inputs), None)
            if not isinstance(held, bool):
                return None
            name = "on_true" if held else "on_false"
            return name if name in inputs else None
        selector = next((n for n in _SELECTORS if n in inputs), None)
        held = number(self.value(node, selector)) if selector else None
        if held is None or selector is None:
            return None
        numbered = ((n, m) for n in inputs if n != selector and (m := _NUMBERED.fullmatch(n)))
        return next((n for n, m in numbered if int(m[2]) == held), None)

    def _switched(self, node: Node, links: dict[str, Source]) -> dict[str, Source]:
        """Links without those that a switch does not pass on."""
        chosen = self.chosen(node)
        if chosen is None:
            return links
        if chosen in ("on_true", "on_false"):
            return {n: link for n, link in links.items() if n == chosen}
        match = _NUMBERED.fullmatch(chosen)
        taken = match[2] if match else ""
        return {
            n: link
            for n, link in links.items()
            if not (m := _NUMBERED.fullmatch(n)) or int(m[2]) == int(taken)
        }


def _is_switch(node: Node) -> bool:
    return "switch" in node.kind.lower() or "context" in node.kind.lower()


def _side_length(node: Node, slot: int) -> int | None:
    """Width (output 0) or height that a shape and a number of megapixels amount to."""
    shape = re.match(r"\s*(\d{1,3})\s*:\s*(\d{1,3})", str(node.inputs.get("aspect_ratio", "")))
    megapixels = number(node.inputs.get("megapixels"))
    step = number(node.inputs.get("multiple", 8))
    if not shape or not megapixels or not step or not 0 < megapixels < 4096 or not 0 < step < 4096:
        return None
    sides = int(shape[1]), int(shape[2])
    if not all(sides) or slot not in (0, 1):
        return None
    scale = math.sqrt(megapixels * 1024 * 1024 / (sides[0] * sides[1]))
    return int(round(sides[slot] * scale / step) * step)


def from_api(graph: object, ports: Mapping[str, tuple[Port, ...]] | None = None) -> Graph | None:
    """Graph of the API form ``{id: {"class_type", "inputs"}}``, ``None`` for anything else.

    ``ports`` are outputs by node, for those whose class is not known.
    """
    if not isinstance(graph, dict):
        return None
    return bounded(node for item in graph.items() if (node := _api_node(*item, ports or {})))


def bounded(nodes: Iterable[Node]) -> Graph | None:
    """Graph of these nodes as far as the limits allow, ``None`` where there are none."""
    kept: dict[str, Node] = {}
    inputs = 0
    truncated = False
    for node in nodes:
        inputs += len(node.inputs)
        truncated = inputs > MAX_INPUTS or len(kept) >= MAX_NODES
        if truncated:
            break
        kept[node.id] = node
    return Graph(kept, truncated=truncated) if kept else None


def _api_node(key: object, node: object, ports: Mapping[str, tuple[Port, ...]]) -> Node | None:
    if not isinstance(node, dict) or not isinstance(node.get("class_type"), str):
        return None
    inputs = node.get("inputs")
    known = node_class(node["class_type"])
    return Node(
        str(key),
        node["class_type"],
        inputs if isinstance(inputs, dict) else {},
        known.outputs if known else ports.get(str(key), ()),
    )
