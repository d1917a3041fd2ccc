"""SD.Next: an infotext with its own order of fields, often without ``Sampler``.

Carriers: those of :mod:`lightkeeper.evidence.metadata.a1111`. The mark is ``App: SD.Next``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lightkeeper.evidence.metadata._infotext_record import record_of
from lightkeeper.evidence.metadata.a1111 import infotexts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lightkeeper.evidence.metadata._carriers import Carriers
    from lightkeeper.evidence.metadata._infotext import Infotext
    from lightkeeper.evidence.metadata._record import GenerationRecord

_TEMPLATES = ("\nNegative template:", "\nTemplate:")


def read(carriers: Carriers) -> Iterable[GenerationRecord]:
    """Records of the infotexts whose ``App`` is SD.Next."""
    for payload, infotext in infotexts(carriers):
        if infotext.fields.get("App") == "SD.Next":
            carriers.claim(payload)
            plain, templates = _without_templates(infotext)
            record = record_of(plain, payload, tool="sd-next")
            if templates:
                record = replace(record, extra={**record.extra, **templates})
            yield record


def _without_templates(infotext: Infotext) -> tuple[Infotext, dict[str, str]]:
    """Take the prompt's template, written after the negative prompt, out of the latter."""
    templates: dict[str, str] = {}
    negative = "\n" + (infotext.negative or "")
    for mark in _TEMPLATES:
        before, found, after = negative.partition(mark)
        if found:
            negative = before
            templates[found.strip("\n:")] = after.strip()
    if not templates:
        return infotext, templates
    return replace(infotext, negative=negative.strip()), templates
