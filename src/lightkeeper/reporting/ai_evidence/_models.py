"""Models that a file's parameters or an item's source name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lightkeeper.reporting.ai_evidence._block import Hash, Model
from lightkeeper.reporting.ai_evidence._row import hashes, name, number, objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lightkeeper.cases.item import Item

_LISTS: Final = {
    "loras": "lora",
    "embeddings": "embedding",
    "hypernetworks": "hypernetwork",
    "controls": "control",
}
_SOURCE: Final = "said-by-source"
"""Carrier of what whoever opened the case says, not the file."""


def models_of(item: Item, records: Iterable[dict[str, Any]], *, most: int) -> Iterator[Model]:
    """Checkpoints and what was added to them, record by record; then the source's word."""
    for record in records:
        details = record.get("details")
        if isinstance(details, dict):
            yield from _of_record(details, most)
    yield from _of_source(item)


def _of_record(details: dict[str, Any], most: int) -> Iterator[Model]:
    carrier = name(details.get("carrier")) or ""
    checkpoint = hashes(details, "model_hashes", most)
    if not checkpoint and (value := name(details.get("model_hash"))):
        checkpoint = (Hash(kind="unknown", value=value),)
    called = name(details.get("model_name"))
    if called or checkpoint:
        yield Model(kind="checkpoint", name=called, hashes=checkpoint, weight=None, carrier=carrier)
    for key in ("vae", "refiner"):
        if isinstance(found := details.get(key), dict):
            yield _resource(key, found, carrier, most)
    for key, kind in _LISTS.items():
        for each in objects(details.get(key)):
            yield _resource(kind, each, carrier, most)


def _resource(kind: str, found: dict[str, Any], carrier: str, most: int) -> Model:
    return Model(
        kind=kind,
        name=name(found.get("name")),
        hashes=hashes(found, "hashes", most),
        weight=number(found.get("weight")),
        carrier=carrier,
    )


def _of_source(item: Item) -> Iterator[Model]:
    called = name(item.facts.get("model"))
    digest = name(item.facts.get("model-sha256"))
    if called or digest:
        found = (Hash(kind="sha256", value=digest),) if digest else ()
        yield Model(kind="checkpoint", name=called, hashes=found, weight=None, carrier=_SOURCE)
