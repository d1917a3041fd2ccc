"""Routes of the registry of marked pictures."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from lightkeeper.errors import MatchError
from lightkeeper.evidence.watermark.registry._wire import entry_id
from lightkeeper.plain import to_plain
from lightkeeper.service._refusal import Refusal
from lightkeeper.service.lookups._failures import refusal_of
from lightkeeper.service.lookups._v1 import FAILURES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from lightkeeper.evidence.watermark.registry import MarkEntry
    from lightkeeper.service.lookups._config import LookupConfig

    class MarkEntries(Protocol):
        """Entries of all registries, such as :class:`lightkeeper.storage.marks.SqlMarkRegistry`."""

        def found(self, payload: int) -> Sequence[tuple[str, MarkEntry]]:
            """Entries of a payload, each with the name of its registry."""


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
    sketch: str
    """Base64; see the reference of the registry's format."""


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


def mark_routes(marks: MarkEntries, config: LookupConfig) -> APIRouter:
    """Look up what payloads name."""
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

    return router


def _results(marks: MarkEntries, payloads: Sequence[str]) -> list[dict[str, Any]]:
    results = []
    for payload in payloads:
        entries = [_plain(name, entry) for name, entry in marks.found(int(payload, 16))]
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
            "sketch": b64encode(own.sketch).decode(),
        },
        "manifest_sha256": entry.manifest_sha256,
        "manifest_url": entry.manifest_url,
        "withdrawn": to_plain(entry.withdrawn),
    }
