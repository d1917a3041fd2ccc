"""Paths and shapes of Meta's Hasher-Matcher-Actioner, so that its clients need a new host only.

Read from ``OpenMediaMatch`` of facebook/ThreatExchange (``blueprints/hashing.py``,
``blueprints/matching.py`` and their tests, 2023 to 2026). A bank is a hash set, content is an
entry, ``video_md5`` is the MD5 of any file. Four things differ. Nothing is fetched: ``url`` is
refused. A picture that cannot be opened is refused and not an error of the server. A picture of
too little quality, whose hash HMA gives as an empty text, has that empty text here too, and looked
up it meets nothing. A missing parameter of ``/m/raw_lookup`` is answered 400 with a message, as in
older versions; newer ones leave it to their framework.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from lightkeeper.matching._guards import HEX_DIGITS
from lightkeeper.matching._lookup import HashQuery, LookupResult
from lightkeeper.service._refusal import Refusal
from lightkeeper.service.lookups._answers import Answers, query_of
from lightkeeper.service.lookups._hash_worker import Purpose
from lightkeeper.service.lookups._models import HmaFailure
from lightkeeper.service.lookups._uploads import read_form

if TYPE_CHECKING:
    from lightkeeper.matching import Match
    from lightkeeper.service.lookups._hasher import Hasher

_FAILURES: dict[int | str, dict[str, Any]] = {
    status: {"model": HmaFailure} for status in (400, 401, 403, 408, 413, 422, 429, 503, 504)
}
_KINDS = {"video_md5": "md5"}
_NAMES = {"md5": "video_md5"}
_SIGNALS = {"photo": ("pdq",), "video": ("video_md5",)}
"""Content types, which are the names of form fields, and the signals of each."""
_MINIMUM_QUALITY = 50
_RADIUS_BITS = 31
_NO_DISTANCE = "-"
_TRUE, _FALSE = {"true", "1", "yes", "on"}, {"false", "0", "no", "off", ""}
_FILE = {"type": "string", "format": "binary"}
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"photo": _FILE, "video": _FILE},
                    "minProperties": 1,
                    "maxProperties": 1,
                    "additionalProperties": False,
                }
            }
        },
    }
}
_PAIRS = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "additionalProperties": {
                        "type": "array",
                        "items": {"type": "string"},
                        "minItems": 2,
                        "maxItems": 2,
                    },
                }
            }
        },
    }
}
_NO_FETCH = "This service fetches nothing: POST the file instead of giving its url."

Text = Annotated[str | None, Query()]


def hma_routes(answers: Answers, hasher: Hasher) -> APIRouter:
    """The routes of HMA's hasher and matcher."""
    router = APIRouter(responses=_FAILURES, tags=["HMA"])

    @router.get("/h/hash", response_model=dict[str, str])
    async def hash_url(url: Text = None) -> JSONResponse:
        """Refused: nothing is fetched."""
        if url is None:
            raise Refusal(400, "no-url", "url is required")
        raise Refusal(403, "no-fetch", _NO_FETCH)

    @router.post("/h/hash", response_model=dict[str, str], openapi_extra=_FORM)
    async def hash_file(request: Request, types: Text = None) -> JSONResponse:
        """Signals of a file, by their types."""
        with hasher.place():
            hashed = await _hash_form(request, hasher, types)
        return JSONResponse({name: query.value for name, query in hashed.items()})

    @router.get("/m/raw_lookup", response_model=dict[str, Any])
    async def raw_lookup(
        signal: Text = None,
        signal_type: Text = None,
        banks: Text = None,
        include_distance: str = "false",
    ) -> JSONResponse:
        """Numbers of the entries that a signal meets, with distances where asked for."""
        query = await _query(answers, signal, signal_type)
        result = await _look_up(answers, query, banks)
        if _flag(include_distance):
            return JSONResponse({"matches": [_content(match) for match in result.matches]})
        return JSONResponse({"matches": [match.entry.number for match in result.matches]})

    @router.get("/m/lookup", response_model=dict[str, Any])
    async def lookup_signal(
        signal: Text = None, signal_type: Text = None, banks: Text = None, url: Text = None
    ) -> JSONResponse:
        """Entries that a signal meets, by bank."""
        if url:
            raise Refusal(403, "no-fetch", _NO_FETCH)
        if not signal or not signal_type:
            message = "Either url or both signal and signal_type are required"
            raise Refusal(400, "missing", message)
        query = await _query(answers, signal, signal_type)
        return JSONResponse(_by_bank(await _look_up(answers, query, banks)))

    @router.post("/m/lookup", response_model=dict[str, Any], openapi_extra=_FORM)
    async def lookup_file(request: Request, types: Text = None, banks: Text = None) -> JSONResponse:
        """Entries that a file meets, by signal type and bank."""
        with hasher.place():
            hashed = await _hash_form(request, hasher, types)
        met = {
            name: _by_bank(await _look_up(answers, query, banks)) if query.value else {}
            for name, query in hashed.items()
        }
        return JSONResponse(met)

    @router.post("/m/compare", response_model=dict[str, Any], openapi_extra=_PAIRS)
    async def compare(request: Request) -> JSONResponse:
        """Whether two signals of a type match, and their distance."""
        try:
            pairs = await request.json()
        except (ValueError, RecursionError):
            raise Refusal(400, "no-json", "The body is no JSON.") from None
        if not isinstance(pairs, dict):
            raise Refusal(400, "no-object", "Request input was not a dict")
        opaque = await _has_opaque(answers)
        return JSONResponse({n: _compare(n, pair, opaque=opaque) for n, pair in pairs.items()})

    @router.get("/m/index/status", response_model=dict[str, Any])
    async def index_status(signal_type: Text = None) -> JSONResponse:
        """Whether each type of signal has an index, how old it is, and its size."""
        entries = (await answers.status())["entries"]
        sizes = {"pdq": 0, "video_md5": 0}
        sizes |= {_NAMES.get(kind, kind): size for kind, size in entries.items()}
        if signal_type is not None and signal_type not in sizes:
            raise Refusal(400, "no-type", f"No such signal type '{signal_type[:80]}'")
        chosen = sizes if signal_type is None else {signal_type: sizes[signal_type]}
        now = int(time.time())
        return JSONResponse(
            {
                name: {"present": True, "built_to": now, "size": size}
                for name, size in chosen.items()
            }
        )

    @router.get("/c/banks", response_model=list[dict[str, Any]])
    async def banks() -> JSONResponse:
        """Banks that may match."""
        sets = [s for s in await answers.sets() if not s.negative]
        return JSONResponse(
            [
                {"name": s.name, "matching_enabled_ratio": float(s.state.value == "active")}
                for s in sets
            ]
        )

    return router


async def _hash_form(request: Request, hasher: Hasher, types: str | None) -> dict[str, HashQuery]:
    upload = await read_form(request)
    signals = _SIGNALS.get(upload.field or "")
    if signals is None:
        raise Refusal(400, "no-type", f"no such content_type: '{(upload.field or '')[:80]}'")
    wanted = _chosen(types, signals)
    hashed = await hasher.ask(Purpose.HASH, upload.content)
    if "pdq" in wanted and hashed["pdq"] is None:
        raise Refusal(400, hashed["error"]["code"], hashed["error"]["message"])
    return {name: _signal(name, hashed) for name in wanted}


def _chosen(types: str | None, signals: tuple[str, ...]) -> tuple[str, ...]:
    if types is None:
        return signals
    names = tuple(name.strip() for name in types.split(",") if name.strip())
    if not names:
        raise Refusal(400, "no-type", "empty signal type selection")
    for name in names:
        if name not in signals:
            message = f"signal type '{name[:80]}' doesn't exist or is disabled"
            raise Refusal(400, "no-type", message)
    return names


def _signal(name: str, hashed: dict[str, Any]) -> HashQuery:
    if name == "video_md5":
        return HashQuery(kind="md5", value=hashed["md5"])
    found = hashed["pdq"]
    value = found["hash"] if found["quality"] >= _MINIMUM_QUALITY else ""
    return HashQuery(kind="pdq", value=value, quality=found["quality"])


async def _query(answers: Answers, signal: str | None, signal_type: str | None) -> HashQuery:
    for name, value in (("signal", signal), ("signal_type", signal_type)):
        if value is None:
            raise Refusal(400, "missing", f"{name} is required")
    kind = _kind(str(signal_type), opaque=await _has_opaque(answers))
    try:
        return query_of(kind, str(signal))
    except Refusal as refusal:
        raise Refusal(400, refusal.code, f"invalid signal: {refusal.detail}") from None


async def _has_opaque(answers: Answers) -> bool:
    entries: dict[str, int] = (await answers.status())["entries"]
    return any(size for kind, size in entries.items() if kind not in HEX_DIGITS)


def _kind(signal_type: str, *, opaque: bool) -> str:
    """Kind of a signal type; names of opaque kinds are not known one by one."""
    kind = _KINDS.get(signal_type, signal_type)
    if kind not in HEX_DIGITS and not opaque:
        raise Refusal(400, "no-type", f"No such SignalType '{signal_type[:80]}'")
    return kind


async def _look_up(answers: Answers, query: HashQuery, banks: str | None) -> LookupResult:
    sets = None
    if banks:
        wanted = set(banks.split(","))
        sets = [s.name for s in await answers.sets() if s.negative or s.name in wanted]
    return (await answers.found([query], sets))[0]


def _by_bank(result: LookupResult) -> dict[str, Any]:
    met: dict[str, Any] = {}
    for match in result.matches:
        met.setdefault(match.hash_set.name, []).append(_content(match))
    return met


def _content(match: Match) -> dict[str, Any]:
    """A match as both generations of HMA's clients read it: the number's name was changed."""
    distance = str(match.distance_bits) if match.entry.kind == "pdq" else _NO_DISTANCE
    number = match.entry.number
    return {"bank_content_id": number, "content_id": number, "distance": distance}


def _flag(text: str) -> bool:
    if text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    raise Refusal(400, "no-flag", "invalid boolean parameter - prefer true/false")


def _compare(name: str, pair: Any, *, opaque: bool) -> list[Any]:
    if not isinstance(pair, list):
        raise Refusal(400, "no-list", f"Comparison hashes for {name[:80]} was not a list")
    if len(pair) != 2:
        raise Refusal(400, "no-pair", "Comparison hash list length must be exactly 2")
    kind = _kind(name, opaque=opaque)
    try:
        left, right = (query_of(kind, text).value for text in pair)
    except Refusal as refusal:
        raise Refusal(400, refusal.code, f"Invalid {name[:80]} hash: {refusal.detail}") from None
    if kind != "pdq":
        return [left == right, {"distance": _NO_DISTANCE}]
    distance = (int(left, 16) ^ int(right, 16)).bit_count()
    return [distance <= _RADIUS_BITS, {"distance": distance}]
