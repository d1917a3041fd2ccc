"""Draw Things: JSON in the XMP property ``exif:UserComment``, beside a text for people.

Keys are ``c`` (prompt), ``uc`` (negative prompt), ``size`` (``WxH``), ``strength`` and others;
``v2`` holds the application's own settings. No file of the application itself was at hand: the
form is the one that readers of it agree on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.evidence.metadata._numbers import number
from lightkeeper.evidence.metadata._parameters import Parameters
from lightkeeper.evidence.metadata._record import GenerationRecord, Resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lightkeeper.evidence.metadata._carriers import Carriers, Payload

_MARKS = ("c", "uc", "sampler")
_MAX_RESOURCES = 500


def read(carriers: Carriers) -> Iterable[GenerationRecord]:
    """The record of a ``UserComment`` with these keys."""
    for payload in carriers.open():
        if payload.keyword == "UserComment" and '"uc"' in payload.text:
            parsed = carriers.json(payload)
            if isinstance(parsed, dict) and all(mark in parsed for mark in _MARKS):
                record = _record(Parameters(parsed), payload)
                carriers.claim(payload, _same_told_to_people(carriers, record))
                yield record


def _same_told_to_people(carriers: Carriers, record: GenerationRecord) -> Payload | None:
    payload = carriers.find("description", "ImageDescription")
    infotext = carriers.infotext(payload) if payload else None
    same = infotext and Parameters(infotext.fields).number("seed") == record.seed
    return payload if same else None


def _record(fields: Parameters, payload: Payload) -> GenerationRecord:
    width, height = fields.size("size")
    return GenerationRecord(
        tool="draw-things",
        carrier=payload.carrier,
        positive_prompt=fields.prompt("c"),
        negative_prompt=fields.prompt("uc"),
        seed=fields.number("seed"),
        steps=fields.number("steps"),
        sampler=fields.text("sampler"),
        guidance_scale=fields.number("scale"),
        width=width,
        height=height,
        model_name=fields.text("model"),
        loras=tuple(_loras(fields.array("lora"))),
        denoising_strength=fields.number("strength"),
        extra=fields.rest(),
        raw=payload.text,
    )


def _loras(listed: list[object]) -> Iterator[Resource]:
    for item in listed[:_MAX_RESOURCES]:
        if isinstance(item, dict):
            name = item.get("model") or item.get("file") or ""
            yield Resource(kind="lora", name=str(name), weight=number(item.get("weight")))
