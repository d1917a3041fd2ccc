"""The prompts of a ComfyUI graph: from a sampler's conditioning back to what was typed.

A conditioning is followed by what it is for. An output that is called ``negative`` leads to the
input of that name; a pipe is searched for its field of that name; only where neither says
anything is every conditioning of a node followed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from lightkeeper.evidence.metadata._comfy_nodes import ANY, is_pipe, side

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lightkeeper.evidence.metadata._graph import Graph, Node, Source

_ENCODED = (
    "text",
    "text_g",
    "text_l",
    "clip_g",
    "clip_l",
    "t5xxl",
    "bert",
    "mt5xl",
    "llama",
    "qwen2.5_7b",
    "prompt",
    "prompt_g",
    "prompt_l",
    "user_prompt",
    "prompts",
    "populated_text",
    "wildcard_text",
)
_INSTEAD = {"wildcard_text": "populated_text", "text": "populated_text"}
"""What is typed, and what became of it once wildcards were drawn."""
_NOT_CONDITIONING = frozenset(
    (
        "clip",
        "model",
        "vae",
        "image",
        "images",
        "pixels",
        "control_net",
        "style_model",
        "clip_vision",
        "clip_vision_output",
        "mask",
        "latent",
        "latent_image",
        "samples",
        "segs",
        "stage_c",
        "strength",
        "start_percent",
        "end_percent",
        "width",
        "height",
        "seed",
        "steps",
        "cfg",
        "guidance",
    )
)
_SIDED_TEXT = re.compile(
    r"(?:(?:text|prompt|prompts|string|opt|optional|base|clip|linguistic)_)?"
    r"(?P<side>positive|negative|pos|neg)(?:_(?:text|prompt|prompts|string|g|l|\d))*"
)
_WHOLE = (
    "populated_text",
    "populated",
    "text",
    "string",
    "value",
    "prompt",
    "Text",
    "String",
    "wildcard_text",
    "text_positive",
    "",
)
_PART = re.compile(r"(?:text|string|str|prompt|input|line)[ _]?(?:[a-h]|\d{1,2})")
_UNNAMED = re.compile(r"widget_\d+")
_PROSE = re.compile(r"\w[\s,]+\w")
_MAX_DEPTH = 40
_MAX_TEXT = 1_000_000
_MAX_EMBEDDINGS = 256
_MAX_REPLACED = 20_000
_MAX_REPLACEMENTS = 32


class Want(NamedTuple):
    """What is looked for behind a link: a conditioning of this side, of the refiner or not."""

    side: str | None
    refiner: bool = False


@dataclass(slots=True)
class Found:
    """Texts behind a conditioning, by the node and input that hold them."""

    texts: dict[tuple[str, str], str] = field(default_factory=dict)
    guessed: bool = False
    """Whether a node of an unknown kind, with several ways to go, stood on the way."""

    def prompt(self) -> str | None:
        """The texts, one a line without repeats; ``None`` where nothing encodes one."""
        if not self.texts:
            return None
        return "\n".join(dict.fromkeys(t for t in self.texts.values() if t))


class Prompts:
    """Resolves texts of one graph; each node once, and never more than a million characters."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._known: dict[tuple[str, int | str, str | None], str] = {}
        self._both: dict[str, bool] = {}
        self._outputs: dict[str, dict[int, str | None]] = {}
        self._left = _MAX_TEXT
        self.truncated = False

    def pair(self, scope: Sequence[Node]) -> tuple[str | None, str | None, bool]:
        """Positive and negative prompt of a sampler, and whether the negative stayed unclear.

        ``scope`` is the sampler with the nodes that configure it, nearest first. One text stands
        on both sides only where the graph leads one node to both: where a way had to be guessed,
        what the positive side claims is not reported as unwanted.
        """
        positive = self._conditioned(scope, Want("positive"))
        negative = self._conditioned(scope, Want("negative"))
        unclear = False
        if positive.guessed or negative.guessed:
            shared = positive.texts.keys() & negative.texts.keys()
            unclear = bool(shared)
            for key in shared:
                del negative.texts[key]
        return positive.prompt(), negative.prompt(), unclear

    def _conditioned(self, scope: Sequence[Node], want: Want) -> Found:
        """Texts behind the first input of ``scope`` that carries this side."""
        found = Found()
        for node in scope:
            own, pipes, texts = self._inputs(node, want)
            if want.side == "positive" and not own and not texts:
                own = self._plain(node)[:1]
            if own or pipes or texts:
                self._keep(node, texts, found)
                self._follow([(own, False), (pipes, True)], want, found)
            if found.texts or own:
                break
        if not found.texts and want.side == "positive":
            for node in scope[:1]:
                self._keep(node, dict(self._encoded(node)), found)
        return found

    def _follow(
        self, starts: Iterable[tuple[Sequence[Source], bool]], want: Want, found: Found
    ) -> None:
        """Depth first over nodes and what is wanted of them, each once.

        A group that is marked is one of pipes, of which the first that holds something counts.
        """
        seen: set[tuple[str, Want]] = set()
        stack = [(iter(sources), want, first, len(found.texts)) for sources, first in starts][::-1]
        while stack and not self.truncated:
            sources, want, first, before = stack[-1]
            source = None if first and len(found.texts) > before else next(sources, None)
            if source is None:
                stack.pop()
                continue
            here = self._at(source, want)
            if here is None or (source.node.id, here) in seen:
                continue
            seen.add((source.node.id, here))
            for onward, is_alternative in self._onward(source.node, here, found):
                stack.append((iter(onward), here, is_alternative, len(found.texts)))
            too_long = len(stack) > 1 and sum(map(len, found.texts.values())) > _MAX_TEXT
            self.truncated = self.truncated or too_long

    def _at(self, source: Source, want: Want) -> Want | None:
        """What is wanted, once the output's own name has had its say; ``None`` at a dead end."""
        node, slot = source
        if "zeroout" in node.kind.lower():
            return None
        port = node.port(slot)
        if port is None:
            if want.side is None and 0 <= slot < 2 and self._takes_both(node):
                return Want(("positive", "negative")[slot], want.refiner)
            return want
        if port.type == "CONDITIONING":
            named = self._conditionings(node).get(slot)
            refiner = "refiner" in port.name.lower() if named else want.refiner
            return Want(named or want.side, refiner)
        return None if port.type in _DEAD_ENDS else want

    def _takes_both(self, node: Node) -> bool:
        if node.id not in self._both:
            self._both[node.id] = {side(n) for n in node.inputs} >= _BOTH
        return self._both[node.id]

    def _conditionings(self, node: Node) -> dict[int, str | None]:
        """Sides of a node's conditionings, by output: named, or else the first and the second."""
        if node.id not in self._outputs:
            slots = [i for i, p in enumerate(node.outputs) if p.type == "CONDITIONING"]
            found = {i: side(node.outputs[i].name) for i in slots}
            if len(slots) > 1 and not any(found.values()) and self._takes_both(node):
                found |= dict(zip(slots, ("positive", "negative"), strict=False))
            self._outputs[node.id] = found
        return self._outputs[node.id]

    def _onward(
        self, node: Node, want: Want, found: Found
    ) -> Iterator[tuple[Sequence[Source], bool]]:
        """Where to go on from a node, last group first; its own texts are kept on the way."""
        own, pipes, texts = self._inputs(node, want)
        if own or texts:
            self._keep(node, texts, found)
            yield own, False
            return
        # A text of no side, where both sides or a pipe come out, is what was wanted.
        wanted = want.side == "negative" and _is_for_both(node)
        encoded = {} if wanted else dict(self._encoded(node))
        if pipes and not encoded:
            yield pipes, True
            return
        plain = self._plain(node)
        if not plain and not encoded:
            plain = self._unknown(node, want)
            encoded = {} if plain or wanted else dict(_unnamed(node))
        if len(plain) > 1 and not node.outputs:
            found.guessed = True
        self._keep(node, encoded, found)
        yield plain, "switch" in node.kind.lower()

    def _inputs(self, node: Node, want: Want) -> tuple[list[Source], list[Source], dict[str, str]]:
        """Links of this side, pipes that may hold it, and texts of this side typed in place."""
        links = self._graph.links(node)
        sided = {
            n: s
            for n, s in links.items()
            if want.side and side(n) == want.side and s.type not in _DEAD_ENDS
        }
        of_refiner = {n: s for n, s in sided.items() if "refiner" in n.lower()}
        of_base = {n: s for n, s in sided.items() if n not in of_refiner}
        sided = (of_refiner or of_base) if want.refiner else (of_base or of_refiner)
        own = [s for n, s in sided.items() if not _is_text(n, s)]
        texts = {n: self._text(s, want.side, 0) for n, s in sided.items() if _is_text(n, s)}
        for name, value in node.inputs.items():
            match = _SIDED_TEXT.fullmatch(name.lower()) if isinstance(value, str) else None
            if match and want.side and want.side.startswith(match["side"]):
                texts[name] = str(value)
        pipes = [s for n, s in links.items() if is_pipe(s.type) or (s.type == ANY and is_pipe(n))]
        if "merge" in node.kind.lower():
            pipes.reverse()
        return own, pipes, texts

    def _plain(self, node: Node) -> list[Source]:
        """Conditionings of no side: of combiners, appliers, guiders, reroutes."""
        links = self._graph.links(node)
        return [
            s
            for n, s in links.items()
            if side(n) is None
            and (s.type == "CONDITIONING" or (s.type == ANY and ("cond" in n.lower() or n == "")))
        ]

    def _unknown(self, node: Node, want: Want) -> list[Source]:
        """Anything that may be a conditioning, short of what is known for something else."""
        other = {"positive": "negative", "negative": "positive"}.get(want.side or "")
        links = {
            n: s
            for n, s in self._graph.links(node).items()
            if n not in _NOT_CONDITIONING and s.type not in _DEAD_ENDS and side(n) != other
        }
        return list(links.values())

    def _keep(self, node: Node, texts: dict[str, str], found: Found) -> None:
        found.texts.update({(node.id, name): text for name, text in texts.items()})

    def _encoded(self, node: Node) -> Iterator[tuple[str, str]]:
        """The texts that a node encodes; nothing where it is not an encoder."""
        names = [n for n in _ENCODED if n in node.inputs]
        for name in names:
            if _INSTEAD.get(name) in names:
                continue
            text = self.text(node, name)
            if text is not None:
                yield name, text
        if not names and any(p.type == "CONDITIONING" for p in node.outputs):
            yield from _unnamed(node)

    def text(self, node: Node, name: str, *, depth: int = 0) -> str | None:
        """Text of one input, literal or behind links."""
        value = node.inputs.get(name)
        if isinstance(value, str):
            return value
        source = self._graph.source(node, name)
        return self._text(source, side(name), depth) if source else None

    def _text(self, source: Source, wanted: str | None, depth: int) -> str:
        port = source.node.port(source.slot)
        wanted = (side(port.name) if port else None) or wanted
        key = (source.node.id, port.name if port else min(source.slot, 2), wanted)
        if key not in self._known:
            self._known[key] = ""
            text = self._composed(source, wanted, depth + 1) if depth < _MAX_DEPTH else ""
            self.truncated = self.truncated or len(text) > self._left or depth >= _MAX_DEPTH
            self._known[key] = text[: self._left]
            self._left -= len(self._known[key])
        return self._known[key]

    def _composed(self, source: Source, wanted: str | None, depth: int) -> str:
        node, slot = source
        port = node.port(slot)
        names = list(node.inputs)
        if chosen := self._graph.chosen(node):
            return self.text(node, chosen, depth=depth) or ""
        if node.kind == "StringReplace":
            return self._replaced(node, depth)
        named = [n for n in names if port and n.lower() == port.name.lower()]
        sided = [n for n in names if wanted and side(n) == wanted]
        if "text_positive" in names and "text_negative" in names and slot == 1:
            sided = ["text_negative"]
        parts = [n for n in names if _PART.fullmatch(n)]
        links = self._graph.links(node)
        if named and not (port and port.type in (ANY, "STRING") and port.name.lower() == "string"):
            parts = named[:1]
        elif sided:
            parts = sided[:1]
        elif len(parts) < 2 or "switch" in node.kind.lower():
            entire = [n for n in _WHOLE if n in names]
            pipes = [n for n, s in links.items() if is_pipe(s.type)]
            unnamed = [n for n, _ in _unnamed(node)]
            linked = [n for n, s in links.items() if s.type in ("STRING", ANY)]
            parts = [n for n in parts if n in links][:1] if "switch" in node.kind.lower() else []
            parts = parts or entire[:1] or pipes[:1] or linked[:1] or unnamed[:1]
        else:
            parts = [n for n in parts if isinstance(node.inputs[n], str) or n in links]
        joint = node.inputs.get("delimiter", node.inputs.get("separator", ""))
        texts = (self.text(node, n, depth=depth) for n in parts)
        return (joint if isinstance(joint, str) else "").join(t for t in texts if t)

    def _replaced(self, node: Node, depth: int) -> str:
        names = ("string", "find", "replace")
        whole, old, new = (self.text(node, n, depth=depth) or "" for n in names)
        if not old:
            return whole
        return whole[:_MAX_REPLACED].replace(old, new[:_MAX_REPLACED], _MAX_REPLACEMENTS)


_BOTH = frozenset(("positive", "negative"))
_DEAD_ENDS = frozenset(
    (
        "MODEL", "CLIP", "VAE", "IMAGE", "LATENT", "MASK", "SEGS", "INT", "FLOAT", "BOOLEAN",
        "CONTROL_NET", "CLIP_VISION", "CLIP_VISION_OUTPUT", "STYLE_MODEL",
    )
)  # fmt: skip


def _is_for_both(node: Node) -> bool:
    """Whether a node gives out both sides, by name, by number or in one pipe."""
    plain = sum(p.type == "CONDITIONING" for p in node.outputs)
    return plain > 1 or any(is_pipe(p.type) for p in node.outputs)


def _unnamed(node: Node) -> Iterator[tuple[str, str]]:
    """The first text of a node whose widgets nobody can name, if it reads like one.

    None of a node that gives out both sides: which text is for which does not show.
    """
    if any(is_pipe(p.type) for p in node.outputs):
        return
    encodes = "textencode" in node.kind.lower()
    typed = ((n, v) for n, v in node.inputs.items() if isinstance(v, str) and _UNNAMED.fullmatch(n))
    yield from islice((i for i in typed if encodes or _PROSE.search(i[1])), 1)


def _is_text(name: str, source: Source) -> bool:
    typed = source.type == ANY and ("prompt" in name.lower() or "text" in name.lower())
    return source.type == "STRING" or typed


_EMBEDDING = re.compile(r"embedding:([^\s,:()\[\]{}<>]{1,200})(?::(\d{1,3}(?:\.\d{1,6})?)(?=\)))?")


def embeddings(*prompts: str | None) -> list[tuple[str, float | None]]:
    """Names, and weights where given, of ``embedding:name`` in prompts."""
    found = (m for text in prompts if text for m in _EMBEDDING.finditer(text))
    pairs = ((m[1], float(m[2]) if m[2] else None) for m in islice(found, _MAX_EMBEDDINGS))
    return list(dict.fromkeys(pairs))
