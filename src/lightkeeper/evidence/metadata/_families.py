"""All tool families, in the order in which they may claim a file's payloads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.evidence.metadata import (
    _iptc_source,
    a1111,
    civitai,
    comfyui,
    drawthings,
    easydiffusion,
    fooocus,
    huggingface,
    invokeai,
    midjourney,
    novelai,
    sdnext,
    stabilitymatrix,
    swarmui,
    tensorart,
)
from lightkeeper.evidence.metadata._carriers import Carriers

if TYPE_CHECKING:
    from lightkeeper.evidence.metadata._carriers import Family
    from lightkeeper.evidence.metadata._record import GenerationRecord
    from lightkeeper.media import Embedded

FAMILIES: tuple[Family, ...] = (
    swarmui.read,
    stabilitymatrix.read,
    tensorart.read,
    invokeai.read,
    novelai.read,
    civitai.read,
    fooocus.read,
    easydiffusion.read,
    huggingface.read,
    drawthings.read,
    comfyui.read,
    sdnext.read,
    fooocus.read_infotext,
    civitai.read_infotext,
    a1111.read,
    midjourney.read,
    _iptc_source.read,
)
"""Tools with marks of their own come first, then the graph that ran, then infotexts: a node of
ComfyUI may write an infotext that contradicts the graph."""

MAX_RECORDS = 64
"""No honest file carries more; the rest of a hostile one is not read."""


def records_from(embedded: Embedded) -> tuple[GenerationRecord, ...]:
    """Every family's records, the most trustworthy account of the picture first."""
    return read_carriers(Carriers(embedded))


def read_carriers(carriers: Carriers) -> tuple[GenerationRecord, ...]:
    """Every family's records of these payloads, in the order of :data:`FAMILIES`."""
    records: list[GenerationRecord] = []
    for family in FAMILIES:
        if not carriers.open():
            break
        for record in family(carriers):
            records.append(record)
            if len(records) == MAX_RECORDS:
                return tuple(records)
    return tuple(records)
