"""Midjourney: a prompt with its parameters and job, in the PNG ``Description``.

Only downloads from the web site carry it. The prompt ends where the parameters begin: the last
run of ``--name value`` before ``Job ID:``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lightkeeper.evidence.metadata._record import GenerationRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lightkeeper.evidence.metadata._carriers import Carriers, Payload

_JOB = re.compile(r"\bJob ID:\s*([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\s*\Z")
_NAMES = {"aspect": "ar", "version": "v", "quality": "q", "stylize": "s", "chaos": "c"}
_MAX_CHARACTERS = 100_000
_MAX_SEED = 1 << 64


def read(carriers: Carriers) -> Iterable[GenerationRecord]:
    """Records of descriptions that end with a Midjourney job."""
    for payload in carriers.open():
        if payload.keyword not in ("Description", "ImageDescription", "description"):
            continue
        text = payload.text.rstrip(" \t\r\n\0")
        if len(text) > _MAX_CHARACTERS:
            continue
        job = _JOB.search(text[-80:])
        if job:
            carriers.claim(payload)
            yield _record(payload, text[: len(text) - len(job[0])].rstrip(), job[1], carriers)


def _record(payload: Payload, text: str, job: str, carriers: Carriers) -> GenerationRecord:
    prompt, parameters = _split(text)
    seed, negative, version = (parameters.get(name) for name in ("seed", "no", "v"))
    niji = parameters.get("niji")
    extra: dict[str, object] = {"job_id": job, **parameters}
    for name in ("Author", "Creation Time"):
        found = carriers.find(name)
        if found:
            carriers.claim(found)
            extra[name] = found.text
    guid = next((p for p in carriers.payloads if p.keyword == "DigImageGUID"), None)
    if guid:
        extra["DigImageGUID"] = guid.text
    return GenerationRecord(
        tool="midjourney",
        tool_version=version,
        carrier=payload.carrier,
        positive_prompt=prompt,
        negative_prompt=negative or None,
        seed=_number(seed),
        model_name=f"niji {niji}".strip() if niji is not None else version and f"v{version}",
        extra=extra,
        notes=() if guid is None or guid.text.strip() == job else ("job-differs-from-guid",),
        raw=payload.text,
    )


def _split(text: str) -> tuple[str, dict[str, str]]:
    """Prompt and parameters; a parameter's value runs up to the next ``--``."""
    start = _start(text)
    parameters: dict[str, str] = {}
    for part in text[start:].split(" --") if start < len(text) else ():
        name, _, value = part.strip().removeprefix("--").partition(" ")
        if name:
            name = name.lower()
            parameters[_NAMES.get(name, name)] = value.strip()
    return text[:start].rstrip(), parameters


def _start(text: str) -> int:
    match = re.search(r"(?:(?<=\s)|\A)--[A-Za-z]", text)
    return match.start() if match else len(text)


def _number(value: str | None) -> int | str | None:
    if value is None or not value.isascii() or not value.isdigit() or len(value) > 20:
        return value or None
    number = int(value)
    return number if number < _MAX_SEED else value
