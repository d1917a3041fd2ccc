"""A ComfyUI editor's workflow, turned into the API form that the graph reader walks.

Muted nodes are left out and bypassed ones are passed through, as the editor does. Subgraphs and
group nodes are unfolded in place; ``Get`` nodes lead to their ``Set``; what ``Anything
Everywhere`` sends is linked. A value stands in ``widgets_values`` without its name: names come
from the file where it lists all of them, else from the table of node classes, and a sampler of an
unknown class is known by its sampler's and scheduler's names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lightkeeper.evidence.metadata._comfy_nodes import ANY, Port, node_class, side
from lightkeeper.evidence.metadata._graph import MAX_NODES, Node, bounded
from lightkeeper.evidence.metadata._numbers import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lightkeeper.evidence.metadata._graph import Graph

Raw = dict[str, object]

_CONTROLS = ("fixed", "increment", "decrement", "randomize", "increment-wrap")
_SEEDS = frozenset(("seed", "noise_seed", "value"))
_MUTED, _BYPASSED = 2, 4
_INPUT, _OUTPUT = "-10", "-20"
"""Ids that stand for a subgraph's own inputs and outputs in its links."""
_MAX_HOPS = 64
_MAX_SCOPES = 256
_MAX_DEPTH = 8
_MAX_VALUES = 512
_LETTERS = {"INT": "i", "FLOAT": "f", "STRING": "s", "BOOLEAN": "b"}
_GROUP = re.compile(r"workflow[>/]")
_SAMPLER_WORDS = (
    "euler euler_cfg_pp euler_ancestral euler_ancestral_cfg_pp heun heunpp2 dpm_2 dpm_2_ancestral "
    "lms dpm_fast dpm_adaptive dpmpp_2s_ancestral dpmpp_2s_ancestral_cfg_pp dpmpp_sde "
    "dpmpp_sde_gpu dpmpp_2m dpmpp_2m_cfg_pp dpmpp_2m_sde dpmpp_2m_sde_gpu dpmpp_3m_sde "
    "dpmpp_3m_sde_gpu ddpm lcm ipndm ipndm_v deis res_multistep res_multistep_cfg_pp "
    "res_multistep_ancestral gradient_estimation er_sde seeds_2 seeds_3 sa_solver ddim uni_pc "
    "uni_pc_bh2"
)
_SCHEDULER_WORDS = (
    "normal karras exponential sgm_uniform simple ddim_uniform beta linear_quadratic kl_optimal"
)
_SAMPLERS = frozenset(_SAMPLER_WORDS.split())
_SCHEDULERS = frozenset(_SCHEDULER_WORDS.split())


def from_workflow(workflow: object) -> Graph | None:
    """Graph of ``{"nodes": [...], "links": [...]}``, ``None`` for anything else."""
    if not isinstance(workflow, dict) or not isinstance(workflow.get("nodes"), list):
        return None
    return bounded(_Editor(workflow).nodes())


def ports(workflow: object) -> dict[str, tuple[Port, ...]]:
    """Outputs by node id, as the editor's form of a graph names them."""
    nodes = workflow.get("nodes") if isinstance(workflow, dict) else None
    return {
        str(n["id"]): found
        for n in (nodes if isinstance(nodes, list) else ())
        if isinstance(n, dict) and isinstance(n.get("id"), (int, str)) and (found := _ports(n))
    }


@dataclass(slots=True, eq=False)
class _Scope:
    """The workflow itself, or one use of a subgraph or a group node."""

    prefix: str
    nodes: dict[str, Raw]
    links: dict[int, tuple[str, int]]
    outer: _Scope | None = None
    entries: list[tuple[_Scope, Raw]] = field(default_factory=list)
    """The inputs of the node that uses it, by number; their values where they are not linked."""
    values: dict[int, object] = field(default_factory=dict)
    exits: dict[int, tuple[str, int]] = field(default_factory=dict)
    """Inner node and output behind each output of the node that uses it."""
    inner: dict[str, _Scope] = field(default_factory=dict)


class _Editor:
    def __init__(self, workflow: Raw) -> None:
        definitions = workflow.get("definitions")
        subgraphs = definitions.get("subgraphs") if isinstance(definitions, dict) else None
        self._subgraphs = {
            str(s["id"]): s
            for s in (subgraphs if isinstance(subgraphs, list) else ())
            if isinstance(s, dict) and isinstance(s.get("nodes"), list) and "id" in s
        }
        extra = workflow.get("extra")
        groups = extra.get("groupNodes") if isinstance(extra, dict) else None
        self._groups = groups if isinstance(groups, dict) else {}
        self._scopes: list[_Scope] = []
        self._left = 2 * MAX_NODES
        self._sets: dict[str, tuple[_Scope, Raw]] = {}
        root = _Scope("", _raw_nodes(workflow), dict(_links(workflow.get("links"))))
        self._open(root, 0)
        _add_everywhere(root, extra.get("ue_links") if isinstance(extra, dict) else None)

    def nodes(self) -> Iterator[Node]:
        for scope in self._scopes:
            for key, raw in scope.nodes.items():
                if key not in scope.inner and raw.get("mode") not in (_MUTED, _BYPASSED):
                    known = node_class(str(raw["type"]))
                    inputs = {**widgets(raw), **dict(self._linked(scope, raw))}
                    outputs = _ports(raw) or (known.outputs if known else ())
                    yield Node(scope.prefix + key, str(raw["type"]), inputs, outputs)

    def _open(self, scope: _Scope, depth: int) -> None:
        self._scopes.append(scope)
        self._left -= len(scope.nodes)
        for key, raw in scope.nodes.items():
            if raw.get("mode") in (_MUTED, _BYPASSED):
                continue
            kind = str(raw["type"])
            if kind.lower().endswith("setnode") and (name := _first_text(raw)):
                self._sets.setdefault(name, (scope, raw))
            if len(self._scopes) >= _MAX_SCOPES or depth >= _MAX_DEPTH or self._left <= 0:
                continue
            inner: _Scope | None = None
            if kind in self._subgraphs:
                inner = _subgraph(self._subgraphs[kind], scope, key, raw)
            elif _GROUP.match(kind):
                definition = self._groups.get(kind[len("workflow/") :])
                inner = (
                    _group(definition, scope, key, raw) if isinstance(definition, dict) else None
                )
            if inner is not None:
                scope.inner[key] = inner
                self._open(inner, depth + 1)

    def _linked(self, scope: _Scope, raw: Raw) -> Iterator[tuple[str, object]]:
        kind = str(raw["type"]).lower()
        if kind.endswith("getnode"):
            setter = self._sets.get(_first_text(raw) or "")
            entry = next(iter(_inputs(setter[1])), None) if setter else None
            if setter and entry and (found := self._end(setter[0], entry)) is not None:
                yield "", found
            return
        for entry in _inputs(raw):
            name = entry.get("name")
            if not isinstance(name, str):
                continue
            found = self._end(scope, entry)
            if found is not None:
                yield name, found

    def _end(self, scope: _Scope, entry: Raw) -> object | None:
        """What an input is linked to: ``[id, output]``, or a value typed on the way."""
        link = entry.get("link")
        at = scope.links.get(link) if isinstance(link, int) else None
        for _ in range(_MAX_HOPS):
            if at is None:
                return None
            origin, slot = at
            if origin == _INPUT and scope.outer is not None:
                if not 0 <= slot < len(scope.entries):
                    return scope.values.get(slot)
                outer, entry = scope.entries[slot]
                link = entry.get("link")
                if not isinstance(link, int):
                    return scope.values.get(slot)
                scope, at = outer, outer.links.get(link)
                continue
            raw = scope.nodes.get(origin)
            if raw is None or raw.get("mode") == _MUTED:
                return None
            if origin in scope.inner:
                scope = scope.inner[origin]
                at = scope.exits.get(slot)
            elif raw.get("mode") == _BYPASSED:
                at = _past(raw, slot, scope)
            else:
                return [scope.prefix + origin, slot]
        return None


def _past(raw: Raw, slot: int, scope: _Scope) -> tuple[str, int] | None:
    """What a bypassed node hands on: its input of the same type, of the same number if it can."""
    outputs = _ports(raw)
    kind = outputs[slot].type if 0 <= slot < len(outputs) else ANY
    entries = _inputs(raw)
    same = [e for e in entries if e.get("type") == kind or ANY in (kind, e.get("type"))]
    if 0 <= slot < len(entries) and entries[slot] in same:
        same.insert(0, entries[slot])
    linked = (e["link"] for e in same if isinstance(e.get("link"), int))
    return next((scope.links[n] for n in linked if n in scope.links), None)


def _subgraph(definition: Raw, outer: _Scope, key: str, raw: Raw) -> _Scope:
    found = list(_links_with_target(definition.get("links")))
    scope = _Scope(
        f"{outer.prefix}{key}:",
        _raw_nodes(definition),
        {number: (origin, slot) for number, origin, slot, _, _ in found},
        outer,
    )
    for _, origin, slot, target, target_slot in found:
        if target == _OUTPUT:
            scope.exits.setdefault(target_slot, (origin, slot))
    listed = definition.get("inputs")
    declared = [i for i in listed if isinstance(i, dict)] if isinstance(listed, list) else []
    names = [str(i.get("name")) for i in declared]
    entries = {str(e.get("name")): e for e in _inputs(raw)}
    # The values stand in the order of the definition; older files list only what the node shows.
    typed = [e for e in declared if e.get("type") in (*_LETTERS, "COMBO")]
    shown = [_named(e) for e in _inputs_with_widgets(raw)]
    values = _aligned(map(_named, typed), _values(raw), whole=True)
    values = values or _aligned(shown, _values(raw), whole=True) or {}
    for index, name in enumerate(names[:_MAX_VALUES]):
        scope.entries.append((outer, entries.get(name, {})))
        if name in values:
            scope.values[index] = values[name]
    _proxied(raw, scope)
    return scope


def _proxied(raw: Raw, scope: _Scope) -> None:
    """Values of inner widgets that the outer node shows, where it has kept its own copy."""
    properties = raw.get("properties")
    shown = properties.get("proxyWidgets") if isinstance(properties, dict) else None
    pairs = [
        p for p in (shown if isinstance(shown, list) else ()) if isinstance(p, list) and len(p) >= 2
    ]
    values = _values(raw)
    if not pairs or len(pairs) != len(values) or _inputs_with_widgets(raw):
        return
    for (node_id, name), value in zip(((str(p[0]), str(p[1])) for p in pairs), values, strict=True):
        inner = scope.nodes.get(node_id)
        if inner is not None and _scalar(value):
            given = inner.get("given")
            scope.nodes[node_id] = {
                **inner,
                "given": {**(given if isinstance(given, dict) else {}), name: value},
            }


def _group(definition: Raw, outer: _Scope, key: str, raw: Raw) -> _Scope | None:
    """One use of a group node, whose links name their ends by the inner nodes' numbers."""
    listed = definition.get("nodes")
    inner = [dict(n) for n in (listed if isinstance(listed, list) else ()) if isinstance(n, dict)]
    inner = [n for n in inner if isinstance(n.get("type"), str)][:_MAX_VALUES]
    links: dict[int, tuple[str, int]] = {}
    fed: dict[tuple[int, int], int] = {}
    gone: set[tuple[int, int]] = set()
    listed = definition.get("links")
    for index, link in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(link, list) and len(link) >= 4 and all(isinstance(v, int) for v in link[:4]):
            links[index] = (str(link[0]), link[1])
            fed[link[2], link[3]] = index
            gone.add((link[0], link[1]))
    fresh = len(listed) if isinstance(listed, list) else 0
    listed = definition.get("external")
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, list) and len(entry) >= 2:
            of = entry[0].get("index") if isinstance(entry[0], dict) else entry[0]
            if isinstance(of, int) and isinstance(entry[1], int):
                gone.discard((of, entry[1]))
    scope = _Scope(f"{outer.prefix}{key}:", {}, links, outer)
    outer_entries = [e for e in _inputs(raw) if not isinstance(e.get("widget"), dict)]
    count = 0
    for position, node in enumerate(inner):
        entries = [dict(e) for e in _inputs(node)]
        for slot, entry in enumerate(entries):
            if (position, slot) in fed:
                entry["link"] = fed[position, slot]
            elif not isinstance(entry.get("widget"), dict):
                links[fresh + count] = (_INPUT, count)
                entry["link"] = fresh + count
                scope.entries.append(
                    (outer, outer_entries[count] if count < len(outer_entries) else {})
                )
                count += 1
        scope.nodes[str(position)] = {**node, "id": position, "inputs": entries}
    _shared_values(scope, inner, _values(raw), definition.get("config"))
    for position, node in enumerate(inner):
        for slot in range(len(_ports(node))):
            if (position, slot) not in gone and not _hidden(
                definition.get("config"), position, "output", str(slot)
            ):
                scope.exits[len(scope.exits)] = (str(position), slot)
    return scope


def _shared_values(
    scope: _Scope, inner: Sequence[Raw], values: list[object], config: object
) -> None:
    """Hand a group node's values to the nodes in it, in their order; none where they do not fit."""
    own = [_values(n) for n in inner]
    if sum(map(len, own)) == len(values):
        rest = iter(values)
        for position, node_values in enumerate(own):
            raw = scope.nodes[str(position)]
            scope.nodes[str(position)] = {
                **raw,
                "widgets_values": [next(rest) for _ in node_values],
            }
        return
    rest = iter(values)
    for position, node in enumerate(inner):
        given: dict[str, object] = {}
        for name, letter in _names(node):
            hidden = _hidden(config, position, "input", name)
            linked = any(
                e.get("name") == name and isinstance(e.get("link"), int)
                for e in _inputs(scope.nodes[str(position)])
            )
            if hidden or linked:
                continue
            value = next(rest, None)
            if value in _CONTROLS or value is None:
                value = next(rest, None)
            if _fits(value, letter):
                given[name] = value
        scope.nodes[str(position)] = {
            **scope.nodes[str(position)],
            "widgets_values": [],
            "given": given,
        }


def _hidden(config: object, position: int, part: str, name: str) -> bool:
    found: object = config
    for step in (str(position), part, name):
        found = found.get(step) if isinstance(found, dict) else None
    return isinstance(found, dict) and found.get("visible") is False


def _add_everywhere(root: _Scope, listed: object) -> None:
    """Links that ``Anything Everywhere`` makes when the graph runs."""
    fresh = max(root.links, default=0) + 1
    if isinstance(listed, list) and listed:
        for link in listed[: len(root.nodes) * 32]:
            fields = link if isinstance(link, dict) else {}
            target, origin = str(fields.get("downstream")), str(fields.get("upstream"))
            slot, number_of = fields.get("upstream_slot"), fields.get("downstream_slot")
            if isinstance(slot, int) and isinstance(number_of, int) and origin in root.nodes:
                fresh = _plug(root, target, number_of, (origin, slot), fresh)
        return
    sent: dict[tuple[str, str | None], tuple[str, int]] = {}
    for raw in root.nodes.values():
        kind = str(raw["type"])
        if not kind.endswith(("Everywhere", "Everywhere?", "Everywhere3")):
            continue
        prompts = kind.startswith("Prompts")
        for index, entry in enumerate(_inputs(raw)):
            link = entry.get("link")
            if isinstance(link, int) and link in root.links:
                of = ("positive", "negative")[index % 2] if prompts else None
                sent.setdefault((str(entry.get("type")), of), root.links[link])
    if not sent:
        return
    for key, raw in root.nodes.items():
        if "Everywhere" in str(raw["type"]):
            continue
        for number_of, entry in enumerate(_inputs(raw)):
            kind = str(entry.get("type"))
            origin_of = sent.get((kind, side(str(entry.get("name"))))) or sent.get((kind, None))
            if (
                origin_of
                and origin_of[0] != key
                and kind != ANY
                and not isinstance(entry.get("widget"), dict)
            ):
                fresh = _plug(root, key, number_of, origin_of, fresh)


def _plug(root: _Scope, key: str, number_of: int, origin: tuple[str, int], fresh: int) -> int:
    raw = root.nodes.get(key)
    entries = _inputs(raw) if raw else []
    taken = entries[number_of].get("link") if 0 <= number_of < len(entries) else 0
    if raw is None or (isinstance(taken, int) and taken in root.links) or not entries[number_of:]:
        return fresh
    entries[number_of] = {**entries[number_of], "link": fresh}
    root.nodes[key] = {**raw, "inputs": entries}
    root.links[fresh] = origin
    return fresh + 1


def _raw_nodes(scope: Raw) -> dict[str, Raw]:
    entries = scope.get("nodes")
    return {
        str(n["id"]): n
        for n in (entries if isinstance(entries, list) else ())
        if isinstance(n, dict)
        and isinstance(n.get("id"), (int, str))
        and isinstance(n.get("type"), str)
    }


def _links(links: object) -> Iterator[tuple[int, tuple[str, int]]]:
    for number_of, origin, slot, _, _ in _links_with_target(links):
        yield number_of, (origin, slot)


def _links_with_target(links: object) -> Iterator[tuple[int, str, int, str, int]]:
    """Number, origin node and output, target node and input of each link."""
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict):
            names = ("id", "origin_id", "origin_slot", "target_id", "target_slot")
            link = [link.get(n) for n in names]
        if not isinstance(link, list) or len(link) < 3:
            continue
        number_of, origin, slot = link[:3]
        target, target_slot = (*link[3:5], None, None)[:2]
        if isinstance(number_of, int) and isinstance(origin, (int, str)) and isinstance(slot, int):
            at = target_slot if isinstance(target_slot, int) else -1
            yield number_of, str(origin), slot, str(target), at


def _inputs(node: Raw) -> list[Raw]:
    inputs = node.get("inputs")
    listed = inputs[:_MAX_VALUES] if isinstance(inputs, list) else []
    return [i for i in listed if isinstance(i, dict)]


def _inputs_with_widgets(node: Raw) -> list[Raw]:
    return [e for e in _inputs(node) if isinstance(e.get("widget"), dict) and "name" in e]


def _ports(node: Raw) -> tuple[Port, ...]:
    outputs = node.get("outputs")
    listed = [o for o in outputs if isinstance(o, dict)] if isinstance(outputs, list) else []
    return tuple(
        Port(
            str(o.get("name") or o.get("type") or ""),
            o["type"] if isinstance(o.get("type"), str) else ANY,
        )
        for o in listed[:_MAX_VALUES]
    )


def _values(node: Raw) -> list[object]:
    values = node.get("widgets_values")
    return values[:_MAX_VALUES] if isinstance(values, list) else []


def _first_text(node: Raw) -> str | None:
    found = _values(node)[:1]
    return found[0] if found and isinstance(found[0], str) else None


def _named(entry: Raw) -> tuple[str, str]:
    return str(entry.get("name")), _letter(entry.get("type"))


def _letter(kind: object) -> str:
    return _LETTERS.get(str(kind), "c")


def _names(node: Raw) -> list[tuple[str, str]]:
    """Widgets of a node by name and type, from the table or as far as the file lists them."""
    known = node_class(str(node.get("type")))
    if known and known.widgets:
        return list(known.widgets)
    return [_named(e) for e in _inputs_with_widgets(node)]


def widgets(node: Raw) -> dict[str, object]:
    """Literals of a node by name, out of its ``widgets_values``."""
    given = node.get("given")
    extra = given if isinstance(given, dict) else {}
    values = node.get("widgets_values")
    if isinstance(values, dict):
        return {**{str(k): v for k, v in values.items() if not isinstance(v, list)}, **extra}
    listed = _values(node)
    if not listed:
        return dict(extra)
    own = [_named(e) for e in _inputs_with_widgets(node)]
    known = node_class(str(node.get("type")))
    by_file = _aligned(own, listed, whole=True) if own else None
    by_table = _aligned(known.widgets, listed) if known and known.widgets else None
    found = by_file or by_table
    pattern = _by_pattern(listed)
    if found is None:
        named = {str(k): v for k, v in pattern.items()}
        taken = list(named.values())
        left = {f"widget_{i}": v for i, v in enumerate(listed) if _scalar(v) and v not in taken}
        if len(own) == 1 and len(listed) == 1 and _scalar(listed[0]):
            return {own[0][0]: listed[0], **extra}
        return {**left, **named, **extra}
    if pattern and found.get("sampler_name", pattern["sampler_name"]) != pattern["sampler_name"]:
        found = {**found, **pattern}
    return {**found, **extra}


def _scalar(value: object) -> bool:
    return value is not None and not isinstance(value, list)


def _aligned(
    names: Iterable[tuple[str, str]], values: list[object], *, whole: bool = False
) -> dict[str, object] | None:
    """Values by name; ``None`` where one is of another type, or (``whole``) where some are left.

    What the editor adds behind a seed has no name and is skipped.
    """
    found: dict[str, object] = {}
    position = 0
    before = ""
    for name, letter in names:
        while position < len(values):
            value = values[position]
            added = (
                value in _CONTROLS
                if isinstance(value, str)
                else value is None or isinstance(value, bool)
            )
            if not (before in _SEEDS and added) or (isinstance(value, bool) and letter == "b"):
                break
            position += 1
            before = ""
        if position >= len(values):
            break
        value = values[position]
        if not _fits(value, letter):
            return None
        position += 1
        if _scalar(value):
            found[name] = value
        before = name
    left = [
        v
        for v in values[position:]
        if not (isinstance(v, str) and v in _CONTROLS) and v is not None
    ]
    return None if whole and left else found


def _fits(value: object, letter: str) -> bool:
    if letter in "if":
        plain = isinstance(value, (int, float)) and not isinstance(value, bool)
        return plain or value is None
    return isinstance(value, str) if letter == "s" else True


def _by_pattern(values: list[object]) -> dict[str, object]:
    """Settings around a sampler's name with a scheduler's behind it; empty where there is none."""
    for i in range(len(values) - 1):
        sampler, scheduler = values[i], values[i + 1]
        if not isinstance(sampler, str) or not isinstance(scheduler, str):
            continue
        if sampler not in _SAMPLERS or scheduler not in _SCHEDULERS:
            continue
        found: dict[str, object] = {"sampler_name": sampler, "scheduler": scheduler}
        before = (v for v in values[:i] if isinstance(v, (int, float)) and not isinstance(v, bool))
        numbers = [v for v in before if number(v) is not None][-3:]
        if len(numbers) == 3:
            found |= dict(zip(("seed", "steps", "cfg"), numbers, strict=True))
        denoise = number(values[i + 2]) if i + 2 < len(values) else None
        if denoise is not None and 0 <= denoise <= 1 and not isinstance(values[i + 2], bool):
            found["denoise"] = denoise
        return found
    return {}
