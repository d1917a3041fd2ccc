"""The C2PA Soft Binding Resolution API over the registry of marked pictures.

Paths, parameters and answers follow the published OpenAPI document, version 1.1.0. Nothing is
fetched, so ``/matches/byReference``, which is optional, is not offered.

References
----------
.. [1] C2PA Technical Specification 2.2, "Soft Binding Resolution API".
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from lightkeeper.errors import EvidenceError, MatchError
from lightkeeper.evidence.watermark.registry._entry import SOFT_BINDING_ALGORITHM
from lightkeeper.evidence.watermark.registry._recover import kept_manifest
from lightkeeper.service._refusal import Refusal
from lightkeeper.service.lookups._failures import refusal_of
from lightkeeper.service.lookups._marks import recovered
from lightkeeper.service.lookups._uploads import read_upload
from lightkeeper.service.lookups._v1 import FAILURES, UPLOAD

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from lightkeeper.service.lookups._config import LookupConfig
    from lightkeeper.service.lookups._hasher import Hasher
    from lightkeeper.service.lookups._marks import MarkEntries

_IDENTIFIER = re.compile(r"sha256:([0-9a-f]{64})")
_PAYLOAD_BYTES = 6
_HEXADECIMAL = re.compile(rb"[0-9a-fA-F]{12}")

MaxResults = Annotated[int, Query(alias="maxResults", ge=1, le=100)]
Algorithm = Annotated[str, Query(max_length=200)]


class AlgorithmOut(BaseModel):
    """One soft-binding algorithm, by its name in the C2PA list."""

    alg: str


class AlgorithmsOut(BaseModel):
    """What can be asked for."""

    watermarks: list[AlgorithmOut]
    fingerprints: list[AlgorithmOut]


class MatchOut(BaseModel):
    """A manifest that this service keeps; ``GET /v1/manifests/{manifestId}`` gives it."""

    manifestId: str  # noqa: N815 (the specification's spelling)


class MatchesOut(BaseModel):
    """Manifests, the likeliest first; none where nothing is known."""

    matches: list[MatchOut]


class BindingIn(BaseModel):
    """A soft binding to look up."""

    alg: str = Field(max_length=200)
    value: str = Field(max_length=10_000)


def resolution_routes(marks: MarkEntries, hasher: Hasher, config: LookupConfig) -> APIRouter:
    """Answer clients of the published API."""
    router = APIRouter(prefix="/v1", responses=FAILURES, tags=["soft bindings"])

    @router.get("/services/supportedAlgorithms", operation_id="getSupportedBindings")
    async def supported() -> AlgorithmsOut:
        """The open mark's algorithm."""
        return AlgorithmsOut(watermarks=[AlgorithmOut(alg=SOFT_BINDING_ALGORITHM)], fingerprints=[])

    async def matched(alg: str, value: str, most: int) -> JSONResponse:
        payload = _payload(alg, value)
        try:
            known = await asyncio.to_thread(marks.found_all, [payload])
        except MatchError as error:
            raise refusal_of(error) from None
        entries = known.get(payload, ())
        named = [e.manifest_sha256 for _, e in entries if e.withdrawn is None and e.manifest_sha256]
        return _matches(await asyncio.to_thread(_kept, config.manifests, named), most)

    @router.get("/matches/byBinding", response_model=MatchesOut, operation_id="queryByBinding")
    async def by_binding(
        alg: Algorithm,
        value: Annotated[str, Query(max_length=2_000)],
        most: MaxResults = 10,
    ) -> JSONResponse:
        """Manifests of a payload, which is the soft binding's value in base64."""
        return await matched(alg, value, most)

    @router.post(
        "/matches/byBinding", response_model=MatchesOut, operation_id="queryByLargeBinding"
    )
    async def by_large_binding(asked: BindingIn, most: MaxResults = 10) -> JSONResponse:
        """The same with the value in the body."""
        return await matched(asked.alg, asked.value, most)

    @router.post(
        "/matches/byContent",
        response_model=MatchesOut,
        operation_id="uploadFile",
        openapi_extra=UPLOAD,
    )
    async def by_content(
        request: Request, alg: Algorithm = SOFT_BINDING_ALGORITHM, most: MaxResults = 10
    ) -> JSONResponse:
        """Manifests of the marks that a picture carries, where it is the picture of their entry.

        A mark that was copied onto another picture leads nowhere. ``hintAlg`` and ``hintValue`` are
        not needed and not read.
        """
        _check_algorithm(alg)
        with hasher.place():
            upload = await read_upload(request)
            read = await recovered(marks, hasher, upload.content)
        if read["error"]:
            raise Refusal(415, read["error"]["code"], read["error"]["message"])
        found = [mark["manifest"]["sha256"] for mark in read["marks"] if mark["manifest"]]
        return _matches(found, most)

    @router.get(
        "/manifests/{manifestId}",
        operation_id="getManifestById",
        response_class=Response,
        responses={200: {"content": {"application/c2pa": {}}}, 404: {}},
    )
    async def manifest(
        manifestId: str,  # noqa: N803 (the specification's spelling)
        active_only: Annotated[bool, Query(alias="returnActiveManifest")] = False,
    ) -> Response:
        """The manifest store of an identifier, byte for byte."""
        if active_only:
            raise Refusal(
                400,
                "whole-store-only",
                "Manifests are given as they were registered, whole; leave returnActiveManifest "
                "out.",
            )
        found = _IDENTIFIER.fullmatch(manifestId)
        content = None
        if found and config.manifests is not None:
            try:
                content = await asyncio.to_thread(kept_manifest, config.manifests, found[1])
            except EvidenceError as error:
                raise refusal_of(error) from None
        if content is None:
            raise Refusal(404, "no-manifest", "There is no such manifest here.")
        return Response(content, media_type="application/c2pa")

    return router


def _check_algorithm(alg: str) -> None:
    if alg != SOFT_BINDING_ALGORITHM:
        raise Refusal(
            400, "unknown-algorithm", f"Only {SOFT_BINDING_ALGORITHM} can be looked up here."
        )


def _payload(alg: str, value: str) -> int:
    """The 48 bits of a value: six bytes, or the hexadecimal digits that manifests hold."""
    _check_algorithm(alg)
    try:
        content = base64.b64decode(value.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if len(content) == _PAYLOAD_BYTES:
        return int.from_bytes(content)
    if _HEXADECIMAL.fullmatch(content):
        return int(content, 16)
    raise Refusal(
        400, "bad-value", "The value is the base64 of six bytes or of twelve hexadecimal digits."
    )


def _kept(folder: Path | None, digests: Iterable[str]) -> list[str]:
    if folder is None:
        return []
    return [d for d in dict.fromkeys(digests) if (folder / f"{d}.c2pa").is_file()]


def _matches(digests: Iterable[str], most: int) -> JSONResponse:
    named = [{"manifestId": f"sha256:{digest}"} for digest in dict.fromkeys(digests)]
    return JSONResponse({"matches": named[:most]})
