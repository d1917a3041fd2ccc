"""ComfyUI: the node graph that made the picture, walked back from the node that saved it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lightkeeper.evidence.metadata._carriers import Carriers
    from lightkeeper.evidence.metadata._record import GenerationRecord


def read(carriers: Carriers) -> Iterable[GenerationRecord]:
    """Records of every ComfyUI graph in the file."""
    del carriers
    return ()


def read_graph(graph: object, *, carrier: str, raw: str) -> GenerationRecord | None:
    """Record of a parsed API graph (``{id: {class_type, inputs}}``) or of an editor's workflow.

    Returns ``None`` where ``graph`` is neither. ``tool`` is ``comfyui``; the caller may
    ``dataclasses.replace`` it.
    """
    del graph, carrier, raw
    return None
