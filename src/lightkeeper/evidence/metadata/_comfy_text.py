"""The prompts of a ComfyUI graph: from a sampler's conditioning back to what was typed."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    "user_prompt",
    "prompts",
)
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
        "clip_vision_output",
        "mask",
        "latent",
        "latent_image",
        "samples",
        "stage_c",
        "strength",
        "start_percent",
        "end_percent",
        "width",
        "height",
        "seed",
    )
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
)
_PART = re.compile(r"(?:text|string|str|prompt|input|line)[ _]?(?:[a-h]|\d{1,2})")
_MAX_DEPTH = 40
_MAX_TEXT = 1_000_000
_MAX_EMBEDDINGS = 256


class Prompts:
    """Resolves texts of one graph; each node once, and never more than a million characters."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._known: dict[tuple[str, bool], str] = {}
        self._left = _MAX_TEXT
        self.truncated = False

    def conditioning(self, source: Source | None, *, negative: bool = False) -> str | None:
        """Texts behind a conditioning link, one a line; ``None`` where there are none.

        A conditioning that is zeroed out carries no text. Where a node takes both a positive and
        a negative conditioning, its outputs 0 and 1 are those two.
        """
        texts: dict[str, None] = {}
        stack = [source] if source else []
        seen: set[tuple[str, int]] = set()
        while stack and not self.truncated:
            node, slot = stack.pop()
            key = (node.id, min(slot, 2))
            if key in seen or "zeroout" in node.kind.lower():
                continue
            seen.add(key)
            encoded = self._encoded(node, negative=negative)
            if encoded is None:
                stack.extend(reversed(self._towards_text(node, slot)))
            else:
                texts[encoded] = None
                too_long = bool(stack) and sum(map(len, texts)) > _MAX_TEXT
                self.truncated = self.truncated or too_long
        return "\n".join(texts) if texts else None

    def _towards_text(self, node: Node, slot: int) -> list[Source]:
        links = {n: s for n, s in self._graph.links(node).items() if n not in _NOT_CONDITIONING}
        if "positive" in links and "negative" in links:
            wanted = ("positive", "negative")[slot : slot + 1] if slot >= 0 else ()
            return [links[name] for name in wanted]
        return list(links.values())

    def _encoded(self, node: Node, *, negative: bool) -> str | None:
        """The text that a node encodes; ``None`` where it is not an encoder."""
        own = "negative" if negative else "positive"
        for name in (own, f"optional_{own}", f"{own}_prompt"):
            if isinstance(node.inputs.get(name), str):
                return str(node.inputs[name])
        texts = [t for name in _ENCODED if (t := self.text(node, name)) is not None]
        if not texts:
            return None
        return "\n".join(dict.fromkeys(t for t in texts if t))

    def text(self, node: Node, name: str, *, depth: int = 0) -> str | None:
        """Text of one input, literal or behind links."""
        value = node.inputs.get(name)
        if isinstance(value, str):
            return value
        source = self._graph.source(node, name)
        return self._behind(source, depth) if source else None

    def _behind(self, source: Source, depth: int) -> str:
        key = (source.node.id, source.slot == 1)
        if key not in self._known:
            self._known[key] = ""
            text = self._composed(source, depth + 1) if depth < _MAX_DEPTH else ""
            self.truncated = self.truncated or len(text) > self._left or depth >= _MAX_DEPTH
            self._known[key] = text[: self._left]
            self._left -= len(self._known[key])
        return self._known[key]

    def _composed(self, source: Source, depth: int) -> str:
        node, slot = source
        names = list(node.inputs)
        if "text_positive" in names and "text_negative" in names and slot == 1:
            return self.text(node, "text_negative", depth=depth) or ""
        parts = [n for n in names if _PART.fullmatch(n)]
        if len(parts) < 2:
            whole = [n for n in _WHOLE if n in names]
            parts = whole[:1] or list(self._graph.links(node))[:1]
        joint = node.inputs.get("delimiter", node.inputs.get("separator", ""))
        texts = (self.text(node, n, depth=depth) for n in parts)
        return (joint if isinstance(joint, str) else "").join(t for t in texts if t)


_EMBEDDING = re.compile(r"embedding:([^\s,:()\[\]{}<>]{1,200})(?::(\d{1,3}(?:\.\d{1,6})?)(?=\)))?")


def embeddings(*prompts: str | None) -> list[tuple[str, float | None]]:
    """Names, and weights where given, of ``embedding:name`` in prompts."""
    found = (m for text in prompts if text for m in _EMBEDDING.finditer(text))
    pairs = ((m[1], float(m[2]) if m[2] else None) for m in islice(found, _MAX_EMBEDDINGS))
    return list(dict.fromkeys(pairs))
