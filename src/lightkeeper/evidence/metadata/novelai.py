"""NovelAI: ``Comment`` JSON in PNG text, in a JSON object in EXIF, or hidden in the alpha plane.

Version 4 splits the prompt into a base caption and one caption per character; the base stays the
prompt, the characters' captions are in ``extra`` under the tool's own names. ``signed_hash`` is
kept, not verified.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lightkeeper.evidence.metadata._carriers import Payload, parse_json
from lightkeeper.evidence.metadata._fields import Fields
from lightkeeper.evidence.metadata._record import GenerationRecord, ModelHash

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lightkeeper.evidence.metadata._carriers import Carriers

_KEYS = ("Title", "Description", "Software", "Source", "Generation time", "Comment")
_SOURCE = re.compile(r"(.{1,80}?)\s+([0-9A-F]{8})", re.DOTALL)
_MODES = {"Img2ImgRequest": "img2img", "NativeInfillingRequest": "inpaint"}


def read(carriers: Carriers) -> Iterable[GenerationRecord]:
    """Records of the file's text chunks and of every JSON object in NovelAI's form."""
    chunks = {p.keyword: p for p in reversed(carriers.open()) if p.keyword in _KEYS}
    comment = chunks.get("Comment")
    if comment and _is_comment(parsed := carriers.json(comment)):
        signed = [p for k, p in chunks.items() if p.carrier.split(":")[0] == _kind(comment)]
        carriers.claim(*signed)
        yield _record({p.keyword: p.text for p in signed}, Fields(parsed), comment)
    for payload in carriers.open():
        if "Comment" not in payload.text or payload.keyword == "Comment":
            continue
        envelope = carriers.json(payload)
        inner = _inner(envelope)
        if isinstance(envelope, dict) and _is_comment(inner):
            carriers.claim(payload, *_companions(carriers))
            yield _record(envelope, Fields(inner), payload)


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


def _record(envelope: dict[str, object], fields: Fields, payload: Payload) -> GenerationRecord:
    outer = Fields(envelope)
    description = (outer.text("Description") or "").lstrip("\0") or None
    source = outer.text("Source")
    model = _SOURCE.fullmatch(source[:200].strip()) if source else None
    request = fields.text("request_type")
    mode = _MODES.get(request, "txt2img") if request else None
    return GenerationRecord(
        tool="novelai",
        carrier=payload.carrier,
        positive_prompt=fields.text("prompt") or _base(fields, "v4_prompt") or description,
        negative_prompt=fields.text("uc") or _base(fields, "v4_negative_prompt"),
        seed=fields.seed("seed"),
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
        mode=mode,
        extra=_extra(outer, fields),
        raw=payload.text,
    )


def _base(fields: Fields, name: str) -> str | None:
    return fields.inner(name).inner("caption").text("base_caption")


def _extra(outer: Fields, fields: Fields) -> dict[str, object]:
    found = {
        "source": outer.text("Source"),
        "generation_time": outer.text("Generation time"),
        "request_type": fields.text("request_type"),
        **_captions(fields),
        **fields.rest(),
    }
    return {name: value for name, value in found.items() if value not in (None, "", [], {})}


def _captions(fields: Fields) -> dict[str, object]:
    """Captions of the characters, wished and not wished, kept apart."""
    found: dict[str, object] = {}
    for name in ("v4_prompt", "v4_negative_prompt"):
        entries = fields.inner(name).inner("caption").items("char_captions")
        texts = [t for entry in entries[:64] if (t := Fields(entry).text("char_caption"))]
        if texts:
            found[f"{name}.char_captions"] = texts
    return found
