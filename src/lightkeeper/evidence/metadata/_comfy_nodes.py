"""What is known of ComfyUI's node classes: the order of their widgets, the names of their outputs.

``comfy_nodes.json`` holds a row per class, by node pack: widgets (``name:letter``), outputs
(``name:TYPE``, or the type alone), ``out`` where the node ends a graph, and ``remote`` where it
asks a service for a picture. The names and orders are the packs' public interface at the commit
that stands beside each pack.
"""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

ANY = "*"
PICTURE = frozenset(("IMAGE", "LATENT", "VIDEO", "SEGS", "SEG_ELT"))
"""Types that carry the picture itself, as pixels, latents or cut-outs."""
_CHOICE = ("COMBO", "c")
_BARE_PIPES = frozenset(("BASIC_PIPE", "DETAILER_PIPE", "SDXL_TUPLE", "IPADAPTER_PIPE"))
_PIPE = re.compile(r"pipe|ctx|context|tuple|bundle|embeds", re.IGNORECASE)


class Port(NamedTuple):
    """An output of a node: its name, and the type of what comes out."""

    name: str
    type: str


class NodeClass(NamedTuple):
    """Interface of a node class, as far as a saved graph leaves it out."""

    widgets: tuple[tuple[str, str], ...]
    """Names in the editor's order, each with a letter for its type: ``i f s b c``."""
    outputs: tuple[Port, ...]
    ends: bool
    """Whether the node saves or shows something, so that it runs without being asked for."""
    remote: bool
    """Whether a service makes the picture: no sampler stands in such a graph."""


@cache
def _rows() -> dict[str, list[str]]:
    text = files(__package__).joinpath("comfy_nodes.json").read_text("utf-8")
    return {kind: row for pack in json.loads(text).values() for kind, row in pack.items()}


@lru_cache(maxsize=1024)
def node_class(kind: str) -> NodeClass | None:
    """Interface of this class, ``None`` where no pack of the table has it."""
    row = _rows().get(kind)
    if row is None:
        return None
    widgets, outputs, marks = (*row, "", "", "")[:3]
    return NodeClass(
        tuple((w[:-2], w[-1]) for w in widgets.split("|") if w),
        tuple(_port(o) for o in outputs.split("|") if o),
        marks == "out",
        marks == "remote",
    )


def _port(text: str) -> Port:
    name, _, kind = text.partition(":")
    return Port(name, kind or name)


@lru_cache(maxsize=1024)
def is_pipe(kind: str) -> bool:
    """Whether this type bundles several things under their names."""
    return bool(_PIPE.search(kind))


@lru_cache(maxsize=1024)
def carries_picture(kind: str) -> bool:
    """Whether the picture may travel in an output of this type."""
    return kind in PICTURE or (is_pipe(kind) and kind not in _BARE_PIPES)


_NEGATIVE = re.compile(r"negative|uncond|(?:^|[\W_])neg(?=$|[\W_\d])|-$")
_POSITIVE = re.compile(r"positive|(?:^|[\W_])pos(?=$|[\W_\d])|\+$")


@lru_cache(maxsize=4096)
def side(name: str) -> str | None:
    """``positive`` or ``negative`` where the name of a port says so."""
    lowered = name.strip().lower()
    if _NEGATIVE.search(lowered):
        return "negative"
    return "positive" if _POSITIVE.search(lowered) else None
