"""Routes of the service's own API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from lightkeeper.matching._lookup import HashQuery
from lightkeeper.plain import to_plain
from lightkeeper.service._refusal import Refusal
from lightkeeper.service.lookups._answers import LISTS, Answers, query_of
from lightkeeper.service.lookups._hash_worker import Purpose
from lightkeeper.service.lookups._models import (
    Failure,
    HashIn,
    HashOut,
    IndexOut,
    LookupIn,
    LookupOut,
    MatchedOut,
    ResultOut,
    SetOut,
    SetsOut,
)
from lightkeeper.service.lookups._stream import NdjsonStream
from lightkeeper.service.lookups._uploads import read_upload

if TYPE_CHECKING:
    from lightkeeper.service.lookups._config import LookupConfig
    from lightkeeper.service.lookups._hasher import Hasher

FAILURES: dict[int | str, dict[str, Any]] = {
    status: {"model": Failure, "description": text}
    for status, text in {
        400: "The request is broken.",
        401: "No valid key.",
        403: "Not served to this host.",
        408: "The body stopped coming.",
        413: "The body or the batch is too large.",
        422: "What was sent cannot be used.",
        429: "Too many requests with this key.",
        503: "Busy.",
        504: "It took too long.",
    }.items()
}
_BYTES = {"schema": {"type": "string", "format": "binary"}}
_FORM = {
    "schema": {
        "type": "object",
        "properties": {"file": {"type": "string", "format": "binary"}},
        "required": ["file"],
    }
}
UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": _BYTES,
            "image/*": _BYTES,
            "multipart/form-data": _FORM,
        },
    }
}
_LINES = {
    "requestBody": {
        "required": True,
        "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
    }
}
_NO_RESULT: dict[str, Any] = {name: [] for name in LISTS}
Sets = Annotated[list[str] | None, Query(description="Names of the sets to look in.")]


def v1_routes(answers: Answers, hasher: Hasher, config: LookupConfig) -> APIRouter:
    """Hash, look up, match; the sets and the index."""
    router = APIRouter(prefix="/v1", responses=FAILURES, tags=["look-ups"])

    @router.post("/hash", response_model=HashOut, openapi_extra=UPLOAD)
    async def hash_upload(request: Request) -> JSONResponse:
        """Digests and PDQ of a file. Nothing is fetched: the body holds it, or a form's part."""
        with hasher.place():
            upload = await read_upload(request)
            return JSONResponse(await hasher.ask(Purpose.HASH, upload.content))

    @router.post("/match", response_model=MatchedOut, openapi_extra=UPLOAD)
    async def match_upload(request: Request, sets: Sets = None) -> JSONResponse:
        """Look a file up by its digests and its picture: turned, mirrored, without flat bars."""
        with hasher.place():
            upload = await read_upload(request)
            hashed = await hasher.ask(Purpose.MATCH, upload.content)
        digests = [HashQuery(**query) for query in hashed["digests"]]
        pictures = [HashQuery(**query) for query in hashed["pictures"]]
        met = await answers.picture(digests, pictures, sets)
        return JSONResponse({"sha256": digests[0].value, **met, "error": hashed["error"]})

    @router.post("/lookup", response_model=LookupOut)
    async def look_up(asked: LookupIn) -> JSONResponse:
        """Look hashes up, each for itself. One that is no hash gets an ``error``."""
        if len(asked.hashes) > config.max_batch:
            message = f"More than {config.max_batch} hashes; send several requests, or a stream."
            raise Refusal(413, "batch-too-large", message)
        revision, results = await _look_up(answers, asked.hashes, asked.sets)
        return JSONResponse({"revision": revision, "results": results})

    @router.post(
        "/lookup/stream",
        openapi_extra=_LINES,
        status_code=200,
        response_class=Response,
        responses={200: {"content": {"application/x-ndjson": {"schema": _result_schema()}}}},
    )
    async def look_up_stream(request: Request, sets: Sets = None) -> NdjsonStream:
        """Look up one hash per line, and answer with one result per line, in order."""
        known = {hash_set.name for hash_set in await answers.sets()}
        if unknown := set(sets or ()) - known:
            raise Refusal(422, "match-error", f"there is no set '{min(unknown)[:80]}'")

        async def look_up(hashes: list[HashIn]) -> list[dict[str, Any]]:
            return (await _look_up(answers, hashes, sets))[1]

        return NdjsonStream(request, look_up, config=config)

    @router.get("/sets", response_model=SetsOut)
    async def sets() -> JSONResponse:
        """All hash sets, and what is said of them."""
        fields = SetOut.model_fields
        rows = [to_plain(hash_set) for hash_set in await answers.sets()]
        return JSONResponse({"sets": [{name: row[name] for name in fields} for row in rows]})

    @router.get("/index/status", response_model=IndexOut)
    async def index_status() -> JSONResponse:
        """How many entries of each kind may match, and how far the index is behind the sets."""
        return JSONResponse(await answers.status())

    return router


async def _look_up(
    answers: Answers, hashes: list[HashIn], sets: list[str] | None
) -> tuple[int, list[dict[str, Any]]]:
    """The revision of the index, and one result for each hash, in order."""
    queries: list[HashQuery] = []
    places: list[int] = []
    results: list[dict[str, Any]] = []
    for place, hash_in in enumerate(hashes):
        results.append({"id": hash_in.id, **_NO_RESULT, "error": None})
        try:
            queries.append(query_of(hash_in.kind, hash_in.value, quality=hash_in.quality))
            places.append(place)
        except Refusal as refusal:
            results[place]["error"] = {"code": refusal.code, "message": refusal.detail}
    revision, found = await answers.results(queries, sets)
    for place, result in zip(places, found, strict=True):
        results[place].update(result)
    return revision, results


def _result_schema() -> dict[str, Any]:
    return {"type": "string", "description": f"Lines of {ResultOut.__name__}, as in /v1/lookup."}
