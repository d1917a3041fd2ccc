"""Shapes of requests and answers, as OpenAPI shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Quality = Annotated[int, Field(ge=0, le=100, strict=True)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Problem(_Strict):
    """Why something failed: a stable code and a sentence."""

    code: str
    message: str


class Failure(_Strict):
    """Body of a refused request."""

    error: Problem


class HmaFailure(_Strict):
    """Body of a refused request on a path of HMA's."""

    message: str


class HashIn(_Strict):
    """A hash to look up: one of a look-up's list, or a line of a stream."""

    kind: str = Field(max_length=32, examples=["pdq"])
    """md5, sha1, sha256, pdq or the name of an opaque kind."""
    value: str = Field(max_length=8192)
    quality: Quality | None = None
    """PDQ quality; an unknown one excludes nothing."""
    id: str | None = Field(default=None, max_length=256)
    """Handed back with the result."""


class LookupIn(_Strict):
    """Hashes to look up."""

    hashes: list[HashIn] = Field(min_length=1)
    sets: list[str] | None = Field(default=None, max_length=1000)
    """Names of the sets to look in; all of them where it is left out."""


class Labels(_Strict):
    """What the sources say of the material."""

    industry_class: str | None
    computer_generated: bool | None
    modelled_after_person: bool | None
    age_group: str | None
    victim_identified: bool | None


class Named(_Strict):
    """A source that named the entry."""

    source: str
    source_id: str | None
    added: datetime


class MatchOut(_Strict):
    """An entry that was met. Its value is not told: a look-up is no way to copy a list."""

    set: str
    origin: str
    handling: str
    entry: int
    kind: str
    state: str
    set_state: str
    """A parked set gives leads only."""
    distance_bits: int
    transform: str
    variant: str | None
    quality: int | None
    query_quality: int | None
    labels: Labels
    mentions: list[Named]
    added: datetime | None
    seen: datetime | None
    expires: datetime | None
    votes_for: int
    votes_against: int


class ResultOut(_Strict):
    """What one hash or picture met, each list nearest first; ``error`` where it is no hash."""

    id: str | None = None
    line: int | None = None
    """Line of a stream, from 1."""
    matches: list[MatchOut] = []
    leads: list[MatchOut] = []
    benign: list[MatchOut] = []
    suppressed: list[MatchOut] = []
    error: Problem | None = None


class LookupOut(_Strict):
    """Results in the order of the hashes, and the index revision that gave them."""

    revision: int
    results: list[ResultOut]


class PdqOut(_Strict):
    """PDQ, bit-identical to the reference, of the picture in its EXIF orientation."""

    hash: str
    quality: int
    variant: str
    dihedral: list[str]


class HashOut(_Strict):
    """Digests and PDQ; where the pixels are no use, ``pdq`` is null and ``error`` says why."""

    md5: str
    sha1: str
    sha256: str
    blake3: str
    size_bytes: int
    pdq: PdqOut | None
    error: Problem | None


class MatchedOut(_Strict):
    """What an upload met, by its digests and by its picture: turned, mirrored, without bars."""

    revision: int
    sha256: str
    matches: list[MatchOut]
    leads: list[MatchOut]
    benign: list[MatchOut]
    suppressed: list[MatchOut]
    error: Problem | None


class SetOut(BaseModel):
    """A hash set."""

    name: str
    owner: str
    purpose: str
    origin: str
    scheme: str | None
    handling: str
    terms: str | None
    radius_bits: int
    minimum_quality: int
    negative: bool
    state: str


class SetsOut(_Strict):
    """All sets, by name."""

    sets: list[SetOut]


class IndexOut(_Strict):
    """Where the index stands. ``behind`` counts changes of the store that it does not show yet."""

    revision: int
    behind: int
    entries: dict[str, int]


class StateOut(_Strict):
    """Whether the service is up."""

    status: str


HmaMatches = dict[str, Any]
