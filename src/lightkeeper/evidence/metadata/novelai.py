"""NovelAI: ``Comment`` JSON in PNG text, in a JSON object in EXIF, or hidden in the alpha plane.

Version 4 splits the prompt into a base caption and one caption per character; the base stays the
prompt, the characters' captions are in ``extra`` under the tool's own names. ``signed_hash`` is
kept, not verified.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lightkeeper.evidence.metadata._carriers import Payload, parse_json
from lightkeeper.evidence.metadata._parameters import Parameters
from lightkeeper.evidence.metadata._record import GenerationRecord, ModelHash

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lightkeeper.evidence.metadata._carriers import Carriers

_KEYS = ("Title", "Description", "Software", "Source", "Generation time", "Comment")
_SOURCE = re.compile(r"(.{1,80}?)\s+([0-9A-F]{8})", re.DOTALL)
_MAX_CHARACTERS = 64
_MODES = {"Img2ImgRequest": "img2img", "NativeInfillingRequest": "inpaint"}


def read(carriers: Carriers) -> Iterable[GenerationRecord]:
    """Records of the file's text chunks and of every JSON object in NovelAI's form."""
    chunks = {p.keyword: p for p in reversed(carriers.open()) if p.keyword in _KEYS}
    comment = chunks.get("Comment")
    if comment and _is_comment(parsed := carriers.json(comment)):
        signed = [p for k, p in chunks.items() if p.carrier.split(":")[0] == _kind(comment)]
        carriers.claim(*signed)
        yield _record({p.keyword: p.text for p in signed}, Parameters.of(parsed), comment)
    for payload in carriers.open():
        if "Comment" not in payload.text or payload.keyword == "Comment":
            continue
        envelope = carriers.json(payload)
        inner = _inner(envelope)
        if isinstance(envelope, dict) and _is_comment(inner):
            carriers.claim(payload, *_companions(carriers))
            yield _record(envelope, Parameters.of(inner), payload)


def _kind(payload: Payload) -> str:
    return payload.carrier.split(":")[0]


def _inner(envelope: object) -> object | None:
    comment = envelope.get("Comment") if isinstance(envelope, dict) else None
    return parse_json(comment) if isinstance(comment, str) else comment


def _is_comment(parsed: object) -> bool:
    """``uc`` is NovelAI's own name for the negative prompt; others use ``sampler`` too."""
    names = {"uc", "v4_prompt", "request_type", "signed_hash"}
    return isinstance(parsed, dict) and "steps" in parsed and not names.isdisjoint(parsed)


def _companions(carriers: Carriers) -> Iterator[Payload]:
    """EXIF fields that repeat what the JSON object says."""
    for payload in carriers.open():
        if payload.keyword in ("Software", "ImageDescription", "0x010D"):
            novelai = "NovelAI" in payload.text or payload.keyword == "ImageDescription"
            if novelai and payload.carrier.startswith("exif:"):
                yield payload


def _record(envelope: dict[str, object], fields: Parameters, payload: Payload) -> GenerationRecord:
    outer = Parameters.of(envelope)
    description = (outer.prompt("description") or "").lstrip("\0") or None
    source = outer.text("source")
    model = _SOURCE.fullmatch(source[:200].strip()) if source else None
    positive, negative = fields.inner("v4_prompt"), fields.inner("v4_negative_prompt")
    base, characters = _captions(positive)
    negative_base, negative_characters = _captions(negative)
    request = fields.text("request_type")
    extra = {
        "source": source,
        "generation_time": outer.text("generation time"),
        "request_type": request,
        "v4_prompt.char_captions": characters,
        "v4_negative_prompt.char_captions": negative_characters,
    }
    return GenerationRecord(
        tool="novelai",
        carrier=payload.carrier,
        positive_prompt=fields.prompt("prompt") or base or description,
        negative_prompt=fields.prompt("uc") or negative_base,
        seed=fields.number("seed"),
        steps=fields.number("steps"),
        sampler=fields.text("sampler"),
        scheduler=fields.text("noise_schedule"),
        guidance_scale=fields.number("scale"),
        width=fields.side("width"),
        height=fields.side("height"),
        model_name=model[1] if model else source,
        model_hash=model[2] if model else None,
        model_hashes=(ModelHash("unknown", model[2]),) if model else (),
        denoising_strength=fields.number("strength"),
        mode=_MODES.get(request, "txt2img") if request else None,
        extra={**{name: value for name, value in extra.items() if value}, **fields.rest()},
        raw=payload.text,
    )


def _captions(prompt: Parameters) -> tuple[str | None, list[str]]:
    """Caption of the scene, and those of its characters."""
    caption = prompt.inner("caption")
    entries = caption.array("char_captions")[:_MAX_CHARACTERS]
    texts = (Parameters.of(entry).text("char_caption") for entry in entries)
    return caption.prompt("base_caption"), [text for text in texts if text]
