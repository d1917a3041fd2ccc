"""What a worker does with the open marks of an upload. It never speaks to a data base."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from lightkeeper.errors import EvidenceError, LimitExceeded, MediaError
from lightkeeper.evidence.watermark.registry import Fingerprint
from lightkeeper.evidence.watermark.registry._entry import parse_payload, payload_hex
from lightkeeper.evidence.watermark.registry._open_mark import OpenMark, read_open_marks
from lightkeeper.evidence.watermark.registry._recover import recover
from lightkeeper.evidence.watermark.registry._wire import entry_line, parse_entry
from lightkeeper.media import open_media
from lightkeeper.plain import to_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from lightkeeper.evidence.provenance import Trust
    from lightkeeper.evidence.watermark.registry import MarkEntry
    from lightkeeper.evidence.watermark.registry._recover import RecoveredManifest
    from lightkeeper.media import Limits, Media

    Answer = dict[str, Any]

_LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True)
class MarkPlan:
    """Where workers find manifests, and whom they trust."""

    manifests: Path | None
    trust: Trust | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What the service found of a picture's payloads, and what they are compared beside."""

    entries: Sequence[tuple[str, MarkEntry]]
    """Each with the name of its registry."""
    decoys: Sequence[Fingerprint]
    choices: int


class _Entries:
    """The entries of one registry that the service found; a :class:`MarkRegistry`."""

    revision = ""

    def __init__(
        self, name: str, entries: Sequence[MarkEntry], decoys: Sequence[Fingerprint], choices: int
    ) -> None:
        self.name = name
        self._entries = entries
        self._decoys = decoys
        self._choices = choices

    def find(self, payload: int) -> Sequence[MarkEntry]:
        return [entry for entry in self._entries if entry.payload == payload]

    def decoys(self, payload: int) -> Sequence[Fingerprint]:
        return self._decoys

    def __len__(self) -> int:
        return self._choices


def marks_of(content: bytes, limits: Limits) -> Answer:
    """Payload and geometry of each open mark."""

    def read(media: Media) -> Sequence[Answer]:
        found = read_open_marks(media.rgb())
        return [{"payload": payload_hex(m.payload), "matrix": m.matrix.tolist()} for m in found]

    return _answer(content, limits, read)


def question(marks: Sequence[Answer], named: Named, content: bytes) -> bytes:
    """Marks that a worker read, what the registries have of them, and the upload again."""
    lines = [[name, entry_line(entry).decode()] for name, entry in named.entries]
    decoys = [msgspec.json.encode(print_).decode() for print_ in named.decoys]
    told = {"marks": marks, "entries": lines, "decoys": decoys, "choices": named.choices}
    head = json.dumps(told).encode()
    return len(head).to_bytes(_LENGTH_BYTES, "big") + head + content


def recovered_of(asked: bytes, limits: Limits, plan: MarkPlan) -> Answer:
    """What each mark leads to; ``asked`` is of :func:`question`."""
    start = _LENGTH_BYTES + int.from_bytes(asked[:_LENGTH_BYTES], "big")
    head = json.loads(asked[_LENGTH_BYTES:start])
    kept: dict[str, list[MarkEntry]] = {}
    for name, line in head["entries"]:
        kept.setdefault(name, []).append(parse_entry(line.encode(), where=name))
    decoys = [msgspec.json.decode(line, type=Fingerprint) for line in head["decoys"]]
    # All of them are one store's: the choices are counted once.
    counts = [head["choices"], *(0 for _ in kept)]
    registries = [
        _Entries(name, entries, decoys, choices)
        for (name, entries), choices in zip(kept.items(), counts, strict=False)
    ]
    marks = [OpenMark(parse_payload(m["payload"]), np.array(m["matrix"])) for m in head["marks"]]

    def follow(media: Media) -> Sequence[Answer]:
        rows = []
        for mark in marks:
            found = recover(media, mark, registries, folder=plan.manifests, trust=plan.trust)
            row = to_plain(found)
            row["manifest"] = _manifest(found.manifest)
            rows.append(row)
        return rows

    return _answer(asked[start:], limits, follow)


def _manifest(found: RecoveredManifest | None) -> Answer | None:
    """The chief things: a whole manifest may be far longer than an answer."""
    if found is None:
        return None
    summary = found.summary
    return {
        "sha256": found.sha256,
        "holds": found.holds,
        "names_mark": found.names_mark,
        "trusted": any(m.trusted and not m.is_lapsed for m in summary.manifests[:1]),
        "signer": summary.signer.issuer if summary.signer else None,
        "claims": [claim.claim.value for claim in summary.claims[:16]],
    }


def _answer(
    content: bytes, limits: Limits, work: Callable[[Media], Sequence[Mapping[str, Any]]]
) -> Answer:
    try:
        return {"marks": work(open_media(content, name="upload", limits=limits)), "error": None}
    except (MediaError, EvidenceError) as error:
        return {"marks": [], "error": {"code": error.code, "message": str(error)}}
    except MemoryError:
        limit = LimitExceeded("it needs more memory than a worker has")
        return {"marks": [], "error": {"code": limit.code, "message": str(limit)}}
