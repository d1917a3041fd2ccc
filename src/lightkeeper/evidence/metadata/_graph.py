"""A ComfyUI graph as nodes and links, whatever nonsense a file holds."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lightkeeper.evidence.metadata._numbers import number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MAX_NODES = 4_000
MAX_INPUTS = 30_000
"""Of all nodes together. Real graphs stay under a third of both; what is beyond is not read."""

_MAX_OUTPUTS = 16
_MAX_HOPS = 8
_PRIMITIVE_INPUTS = ("value", "Value", "int", "float", "number", "Number", "string", "text")


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One node: its class and its inputs, literal or linked; compared by identity."""

    id: str
    kind: str
    inputs: Mapping[str, object]


class Source(NamedTuple):
    """The far end of a link: a node and the number of its output."""

    node: Node
    slot: int


class Graph:
    """Nodes by id; every walk visits a node once, so cycles and diamonds cost nothing."""

    def __init__(self, nodes: Mapping[str, Node], *, truncated: bool = False) -> None:
        self.nodes = nodes
        self.truncated = truncated
        self._links: dict[str, dict[str, Source]] = {}

    def source(self, node: Node, name: str) -> Source | None:
        """Where the input ``name`` is linked to, ``None`` where it is absent or literal."""
        return self.links(node).get(name)

    def links(self, node: Node) -> Mapping[str, Source]:
        """Linked inputs by name, in file order."""
        found = self._links.get(node.id)
        if found is None:
            lists = ((n, v) for n, v in node.inputs.items() if isinstance(v, list))
            found = {name: link for name, value in lists if (link := self._resolve(value))}
            if isinstance(node.inputs.get("select"), int):
                found = {n: link for n, link in found.items() if not _is_switched_off(node, n)}
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
        """Literal of an input, followed through reroutes and primitive nodes."""
        wanted = name
        for _ in range(_MAX_HOPS):
            found = node.inputs.get(name)
            source = self._resolve(found) if isinstance(found, list) else None
            if source is None:
                return found
            node = source.node
            names = (n for n in (wanted, *_PRIMITIVE_INPUTS) if n in node.inputs)
            name = next(names, next(iter(node.inputs), "") if len(node.inputs) == 1 else "")
        return None

    def number(self, node: Node, *names: str) -> int | float | None:
        """First of these inputs that is a finite number, or its decimal text."""
        values = (number(self.value(node, n)) for n in names if n in node.inputs)
        return next((v for v in values if v is not None), None)

    def string(self, node: Node, *names: str) -> str | None:
        """First of these inputs that is a text with content."""
        values = (self.value(node, n) for n in names if n in node.inputs)
        return next((v for v in values if isinstance(v, str) and v), None)

    def _resolve(self, value: list[object]) -> Source | None:
        if len(value) != 2:
            return None
        origin, slot = value
        if not isinstance(origin, (str, int)) or not isinstance(slot, int):
            return None
        node = self.nodes.get(str(origin))
        return Source(node, slot) if node else None


def _is_switched_off(node: Node, name: str) -> bool:
    """Whether a switch node passes on another of its numbered inputs."""
    chosen = f"input{node.inputs['select']}"
    numbered = name.startswith("input") and name[5:].isdecimal()
    return numbered and chosen in node.inputs and name != chosen


def from_api(graph: object) -> Graph | None:
    """Graph of the API form ``{id: {"class_type", "inputs"}}``, ``None`` for anything else."""
    if not isinstance(graph, dict):
        return None
    return bounded(node for item in graph.items() if (node := _api_node(*item)))


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


def _api_node(key: object, node: object) -> Node | None:
    if not isinstance(node, dict) or not isinstance(node.get("class_type"), str):
        return None
    inputs = node.get("inputs")
    return Node(str(key), node["class_type"], inputs if isinstance(inputs, dict) else {})


def outputs(graph: Graph) -> list[Node]:
    """Nodes that end the graph: those that save, then those that show, then other ends."""
    links = ((node, s.node) for node in graph.nodes.values() for s in graph.links(node).values())
    used = {origin.id for node, origin in links if origin is not node}
    ends = [n for n in graph.nodes.values() if n.id not in used]
    return sorted(ends or graph.nodes.values(), key=_end_rank)[:_MAX_OUTPUTS]


def _end_rank(node: Node) -> int:
    kind = node.kind.lower()
    if "save" in kind:
        return 0
    return 1 if "preview" in kind else 2


def distinct(nodes: Iterable[Node]) -> list[Node]:
    """Nodes without repeats, in order."""
    return list({n.id: n for n in nodes}.values())
