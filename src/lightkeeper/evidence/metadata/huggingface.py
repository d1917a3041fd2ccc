"""Hugging Face spaces that write their request as JSON: PNG ``parameters``, EXIF ``UserComment``.

The form of the Illustrious and Animagine spaces: ``resolution`` as text, ``num_inference_steps``,
``Model`` and a full SHA-256 in ``Model hash``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.evidence.metadata._hashes import model_hashes
from lightkeeper.evidence.metadata._parameters import Parameters
from lightkeeper.evidence.metadata._record import GenerationRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lightkeeper.evidence.metadata._carriers import Carriers, Payload

_MARKS = ("num_inference_steps", "resolution", "prompt")


def read(carriers: Carriers) -> Iterable[GenerationRecord]:
    """Records of requests in the form of the spaces."""
    for payload in carriers.open():
        if '"num_inference_steps"' in payload.text:
            parsed = carriers.json(payload)
            if isinstance(parsed, dict) and all(mark in parsed for mark in _MARKS):
                carriers.claim(payload)
                yield _record(Parameters(parsed), payload)


def _record(fields: Parameters, payload: Payload) -> GenerationRecord:
    width, height = fields.size("resolution")
    digest = fields.text("model hash")
    upscaler = fields.table("use_upscaler")
    scalars = {k: v for k, v in upscaler.items() if isinstance(v, (str, int, float))}
    return GenerationRecord(
        tool="huggingface-space",
        carrier=payload.carrier,
        positive_prompt=fields.prompt("prompt"),
        negative_prompt=fields.prompt("negative_prompt"),
        seed=fields.number("seed"),
        steps=fields.number("num_inference_steps"),
        sampler=fields.text("sampler"),
        scheduler=fields.text("scheduler"),
        guidance_scale=fields.number("guidance_scale"),
        width=width,
        height=height,
        model_name=fields.text("model"),
        model_hash=digest,
        model_hashes=model_hashes(digest),
        upscaling=scalars or None,
        extra=fields.rest(),
        raw=payload.text,
    )
