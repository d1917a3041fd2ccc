"""Routes of the registry of marked pictures."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Request
from fastapi import Path as PathParameter
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from lightkeeper.errors import EvidenceError, MatchError
from lightkeeper.evidence.watermark.registry._recover import kept_manifest
from lightkeeper.evidence.watermark.registry._wire import entry_id
from lightkeeper.plain import to_plain
from lightkeeper.service._refusal import Refusal
from lightkeeper.service.lookups._failures import refusal_of
from lightkeeper.service.lookups._hash_worker import Purpose
from lightkeeper.service.lookups._mark_worker import Named, question
from lightkeeper.service.lookups._uploads import read_upload
from lightkeeper.service.lookups._v1 import FAILURES, UPLOAD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Protocol

    from lightkeeper.evidence.watermark.registry import Fingerprint, MarkEntry
    from lightkeeper.service.lookups._config import LookupConfig
    from lightkeeper.service.lookups._hasher import Hasher

    class MarkEntries(Protocol):
        """Entries of all registries, such as :class:`lightkeeper.storage.marks.SqlMarkRegistry`."""

        def found_all(
            self, payloads: Iterable[int]
        ) -> Mapping[int, Sequence[tuple[str, MarkEntry]]]:
            """Entries of each payload, each with the name of its registry."""

        def decoys(self, payload: int) -> Sequence[Fingerprint]:
            """Some fingerprints of entries with other payloads."""

        def __len__(self) -> int:
            """Entries of all payloads."""


_STORE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/c2pa": {"schema": {"type": "string", "format": "binary"}}}}
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


Payload = Annotated[str, Field(pattern="^[0-9a-f]{12}$", examples=["00c0ffee0042"])]


class MarksIn(_Strict):
    """Payloads that were read from pictures."""

    payloads: list[Payload] = Field(min_length=1)


class FingerprintOut(_Strict):
    """By which a picture is told from the one that the mark was made for."""

    width: int
    height: int
    pdq: str
    quality: int
    sketch_sha256: str
    """The sketch itself stays here: ``POST /v1/marks/recover`` compares a picture with it."""


class WithdrawalOut(_Strict):
    """Since when an entry does not count any more, and why."""

    on: str
    reason: str


class EntryOut(_Strict):
    """What a payload names; one that was withdrawn says nothing about any picture."""

    id: str
    registry: str
    organisation: str
    model: str
    version: str | None
    period: str
    fingerprint: FingerprintOut
    manifest_sha256: str | None
    manifest_url: str | None
    withdrawn: WithdrawalOut | None


class NamedOut(_Strict):
    """One payload; ``entries`` is empty where it is unknown."""

    payload: str
    known: bool
    entries: list[EntryOut]


class MarksOut(_Strict):
    """Results in the order of the payloads."""

    results: list[NamedOut]


class ComparisonOut(_Strict):
    """The picture beside the fingerprint of an entry."""

    likeness: str
    pdq_distance: int | None
    pdq_quality: int
    agreement: float
    detail: float
    cells: int
    agreeing: int
    parts: int
    alike: float
    choices: int
    forged_psnr: float | None


class ManifestOut(_Strict):
    """A manifest that the entry names; ``GET /v1/marks/manifests/{sha256}`` gives all of it."""

    sha256: str
    holds: bool
    """Signature and assertions are intact, the bytes of the picture aside."""
    names_mark: bool
    """Its own soft binding is this mark: only so does the signer vouch for the link."""
    trusted: bool
    signer: str | None
    claims: list[str]


class RecoveredOut(_Strict):
    """What one mark of the picture led to."""

    payload: str
    standing: str
    registry: str | None
    maker: str | None
    comparison: ComparisonOut | None
    manifest: ManifestOut | None


class RecoveryOut(_Strict):
    """All open marks of the picture; none where it carries none."""

    marks: list[RecoveredOut]
    error: dict[str, str] | None


def mark_routes(marks: MarkEntries, hasher: Hasher, config: LookupConfig) -> APIRouter:
    """Look up what payloads name, and go from a picture to the manifest that it lost."""
    router = APIRouter(prefix="/v1/marks", responses=FAILURES, tags=["marks"])

    @router.post("/lookup", response_model=MarksOut)
    async def look_up_marks(asked: MarksIn) -> JSONResponse:
        """Entries of payloads, each for itself. An unknown payload is an answer, not an error."""
        if len(asked.payloads) > config.max_batch:
            message = f"More than {config.max_batch} payloads; send several requests."
            raise Refusal(413, "batch-too-large", message)
        try:
            results = await asyncio.to_thread(_results, marks, asked.payloads)
        except MatchError as error:
            raise refusal_of(error) from None
        return JSONResponse({"results": results})

    @router.post("/recover", response_model=RecoveryOut, openapi_extra=UPLOAD)
    async def recover_manifests(request: Request) -> JSONResponse:
        """From a picture to its marks, their entries and their manifests. Nothing is fetched."""
        with hasher.place():
            upload = await read_upload(request)
            return JSONResponse(await recovered(marks, hasher, upload.content))

    @router.get("/manifests/{sha256}", response_class=Response, responses=_STORE)
    async def manifest(
        sha256: Annotated[str, PathParameter(pattern="^[0-9a-f]{64}$")],
    ) -> Response:
        """A manifest store that entries name, byte for byte."""
        found = None
        if config.manifests is not None:
            try:
                found = await asyncio.to_thread(kept_manifest, config.manifests, sha256)
            except EvidenceError as error:
                raise refusal_of(error) from None
        if found is None:
            raise Refusal(404, "no-manifest", "There is no such manifest here.")
        return Response(found, media_type="application/c2pa")

    return router


async def recovered(marks: MarkEntries, hasher: Hasher, content: bytes) -> dict[str, Any]:
    """What the open marks of a picture lead to.

    Raises
    ------
    Refusal
        The store does not answer, or opening the picture took too long.
    """
    read = await hasher.ask(Purpose.MARKS, content)
    if read["error"] or not read["marks"]:
        return read
    payloads = [int(mark["payload"], 16) for mark in read["marks"]]
    try:
        named = await asyncio.to_thread(_named, marks, payloads)
    except MatchError as error:
        raise refusal_of(error) from None
    return await hasher.ask(Purpose.RECOVER, question(read["marks"], named, content))


def _named(marks: MarkEntries, payloads: Sequence[int]) -> Named:
    found = marks.found_all(payloads)
    entries = [each for entries in found.values() for each in entries]
    decoys = [p for payload, known in found.items() if known for p in marks.decoys(payload)]
    return Named(entries=entries, decoys=decoys, choices=len(marks) if entries else 0)


def _results(marks: MarkEntries, payloads: Sequence[str]) -> list[dict[str, Any]]:
    found = marks.found_all(int(payload, 16) for payload in payloads)
    results = []
    for payload in payloads:
        entries = [_plain(name, entry) for name, entry in found[int(payload, 16)]]
        results.append({"payload": payload, "known": bool(entries), "entries": entries})
    return results


def _plain(registry: str, entry: MarkEntry) -> dict[str, Any]:
    own = entry.fingerprint
    return {
        "id": entry_id(entry).hex(),
        "registry": registry,
        "organisation": entry.organisation,
        "model": entry.model,
        "version": entry.version,
        "period": entry.period,
        "fingerprint": {
            "width": own.width,
            "height": own.height,
            "pdq": own.pdq.hex(),
            "quality": own.quality,
            "sketch_sha256": own.sketch_sha256,
        },
        "manifest_sha256": entry.manifest_sha256,
        "manifest_url": entry.manifest_url,
        "withdrawn": to_plain(entry.withdrawn),
    }
