"""Files of the page: read once, served under an address that changes with them."""

from __future__ import annotations

import hashlib
import mimetypes
from functools import cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from lightkeeper.service._refusal import Refusal

_FOLDER: Final = Path(__file__).parent / "static"
_FOR_A_YEAR: Final = "public, max-age=31536000, immutable"
_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@cache
def _files() -> dict[str, bytes]:
    paths = sorted(path for path in _FOLDER.rglob("*") if path.is_file())
    return {path.relative_to(_FOLDER).as_posix(): path.read_bytes() for path in paths}


@cache
def _build() -> str:
    digest = hashlib.sha256()
    for name, content in _files().items():
        digest.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    return digest.hexdigest()[:16]


def asset(name: str) -> str:
    """Address of a file of the page; ``KeyError`` where there is none."""
    _files()[name]
    return f"/static/{_build()}/{name}"


def static_routes() -> APIRouter:
    """The files, which may be kept for ever: other content has another address."""
    router = APIRouter(include_in_schema=False)

    @router.get("/static/{build}/{name:path}")
    async def file(build: str, name: str) -> Response:
        content = _files().get(name)
        if content is None or build != _build():
            raise Refusal(404, "not-found", "There is no such file.")
        suffix = Path(name).suffix
        kind = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Response(content, media_type=kind, headers={"Cache-Control": _FOR_A_YEAR})

    return router
