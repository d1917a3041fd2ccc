"""AUTOMATIC1111 and its forks, told apart by the version that each writes.

Carriers: PNG ``parameters`` (``postprocessing`` and ``extras`` for the Extras tab), EXIF
``UserComment`` of JPEG, WebP and AVIF; ``jpeg:COM``, ``ImageDescription`` and XMP after other
programs moved the text. Many tools write the same form: without a version the id is ``a1111``.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from lightkeeper.evidence.metadata._infotext import pairs
from lightkeeper.evidence.metadata._infotext_record import record_of
from lightkeeper.evidence.metadata._numbers import number
from lightkeeper.evidence.metadata._record import GenerationRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lightkeeper.evidence.metadata._carriers import Carriers, Payload
    from lightkeeper.evidence.metadata._infotext import Infotext

_KEYWORDS = frozenset(
    {
        "",
        "parameters",
        "Parameters",
        "UserComment",
        "Comment",
        "comment",
        "ImageDescription",
        "Description",
        "description",
        "XPComment",
    }
)
"""Where an infotext stands, or lands when another program re-saves the file."""

_EXTRAS = ("postprocessing", "extras")
_VERSIONS = (
    ("forge-classic", re.compile(r"classic")),
    ("forge-neo", re.compile(r"neo")),
    ("easy-reforge", re.compile(r"f\d+\.\d+(\.\d+)?-v")),
    ("reforge", re.compile(r"f\d+\.\d+(\.\d+)?v\d+-v")),
    ("forge", re.compile(r"f\d")),
    ("fooocus", re.compile(r"Fooocus")),
)
"""Forge writes ``f2.0.1v1.10.1-…``, reForge ``f1.0.0v2-v1.10.1RC-…``, EasyReforge ``f1.0.0-v…``;
Forge Classic and Neo write their branch's name, AUTOMATIC1111 ``v1.10.1``."""


def read(carriers: Carriers) -> Iterable[GenerationRecord]:
    """Records of the infotexts that no other family has claimed, and of the Extras tab."""
    extras = carriers.find(*_EXTRAS)
    upscaling = dict(_extras(extras)) if extras else {}
    for payload, infotext in infotexts(carriers):
        record = _record(carriers, payload, infotext)
        if upscaling:
            record = replace(record, upscaling={**(record.upscaling or {}), **upscaling})
            carriers.claim(extras)
            upscaling = {}
        yield record
    if extras and upscaling:
        carriers.claim(extras)
        yield GenerationRecord(
            tool="a1111",
            carrier=extras.carrier,
            mode="upscale",
            upscaling=upscaling,
            raw=extras.text,
        )


def infotexts(carriers: Carriers) -> Iterator[tuple[Payload, Infotext]]:
    """Open payloads that parse as an infotext."""
    for payload in carriers.open():
        infotext = carriers.infotext(payload) if payload.keyword in _KEYWORDS else None
        if infotext:
            yield payload, infotext


def tool_by_version(version: str) -> str:
    """Stable id of the fork that writes this version."""
    return next((tool for tool, pattern in _VERSIONS if pattern.match(version)), "a1111")


def _record(carriers: Carriers, payload: Payload, infotext: Infotext) -> GenerationRecord:
    carriers.claim(payload)
    version = str(infotext.fields.get("Version", ""))
    record = record_of(infotext, payload, tool=tool_by_version(version))
    if version != "ComfyUI":
        return record
    return replace(record, notes=(*record.notes, "written-by-comfyui-node"))


def _extras(payload: Payload) -> Iterator[tuple[str, str | int | float]]:
    for key, value in pairs(payload.text):
        if key.startswith(("Postprocess", "Upscale")) and isinstance(value, str):
            as_number = number(value)
            yield key, value if as_number is None else as_number
