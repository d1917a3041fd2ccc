"""Lines of JSON: rows of a scan, or prompts and texts."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from lightkeeper.cases.item import ItemKind
from lightkeeper.evidence import Claim
from lightkeeper.plain import name_from_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MOST_LINE: Final = 64 << 20
_MOST_TEXT: Final = 500_000
_MOST_FACTS: Final = 50
_MOST_FACT: Final = 4_000
_SCAN: Final = "lightkeeper.scan/"
_SCHEMA: Final = "lightkeeper.scan/1"
_USUAL_PRIORITY: Final = 50
_SHA256: Final = re.compile("[0-9a-f]{64}")
_FOR_REVIEW: Final = frozenset(
    claim.value
    for claim in (
        Claim.KNOWN_MATERIAL,
        Claim.PARAMETERS,
        Claim.MODEL_REFERENCE,
        Claim.CARRIES_MARK,
        Claim.GENERATED,
        Claim.AI_EDITED,
        Claim.CONTRADICTION,
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: a scanned file, a text, why it is neither, or why it is left out."""

    where: str
    file: str | None = None
    sha256: str | None = None
    subject: str | None = None
    kind: ItemKind | None = None
    text: str | None = field(default=None, repr=False)
    facts: dict[str, str] = field(default_factory=dict)
    problem: tuple[str, str] | None = None
    left_out: str | None = None
    """``nothing`` or ``error``: a row of a scan that asks for nobody."""


def lines_of(path: Path, *, every_row: bool) -> Iterator[Line]:
    """Every line of a file, one at a time; a line that is wrong is a line with a problem."""
    try:
        with path.open("rb") as stream:
            number = 0
            while raw := stream.readline(_MOST_LINE + 1):
                number += 1
                where = f"{path}:{number}"
                if len(raw) > _MOST_LINE:
                    yield _wrong(where, "the line is too long")
                    while raw and not raw.endswith(b"\n"):
                        raw = stream.readline(_MOST_LINE)
                elif raw.strip():
                    yield _line(where, raw, every_row=every_row)
    except OSError as error:
        yield Line(where=str(path), problem=("unreadable", error.strerror or "cannot be read"))


def asks_for_review(row: dict[str, Any]) -> bool:
    """Whether a scan found something for a person: a match in a hash set, generation parameters,
    a mark, a statement of origin, or a priority above the usual."""
    findings, assessment = row.get("findings"), row.get("assessment")
    claims = [one.get("claim") for one in findings or () if isinstance(one, dict)]
    if not _FOR_REVIEW.isdisjoint(claim for claim in claims if isinstance(claim, str)):
        return True
    if not isinstance(assessment, dict):
        return False
    routing = assessment.get("routing")
    priority = routing.get("priority") if isinstance(routing, dict) else None
    is_high = isinstance(priority, (int, float)) and priority > _USUAL_PRIORITY
    return is_high or assessment.get("origin") not in (None, "undetermined")


def _line(where: str, raw: bytes, *, every_row: bool) -> Line:
    try:
        row = json.loads(raw)
    except (ValueError, RecursionError):
        return _wrong(where, "the line is not JSON")
    if not isinstance(row, dict):
        return _wrong(where, "the line is not a JSON object")
    if not _encodes(row):
        return _wrong(where, "the line spells half a character")
    if str(row.get("schema", "")).startswith(_SCAN):
        return _scanned(where, row, every_row=every_row)
    return _text(where, row)


def _scanned(where: str, row: dict[str, Any], *, every_row: bool) -> Line:
    if row["schema"] != _SCHEMA:
        return _wrong(where, f"a row of another schema than {_SCHEMA}")
    file, digests = row.get("file"), row.get("digests")
    if row.get("file_bytes") is not None:
        file = _name(row["file_bytes"])
    if not isinstance(file, str) or not file or "\0" in file:
        return _wrong(where, "the row names no file")
    if not every_row and not asks_for_review(row):
        return Line(where=where, left_out="error" if row.get("status") == "error" else "nothing")
    sha256 = digests.get("sha256") if isinstance(digests, dict) else None
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        return Line(where=file, problem=("no-digest", "the row holds no SHA-256 to find it by"))
    return Line(where=where, file=file, sha256=sha256)


def _name(encoded: object) -> str | None:
    try:
        return name_from_bytes(encoded) if isinstance(encoded, str) else None
    except ValueError:
        return None


def _text(where: str, row: dict[str, Any]) -> Line:
    kinds = [kind for kind in (ItemKind.PROMPT, ItemKind.TEXT) if kind.value in row]
    if len(kinds) != 1:
        return _wrong(where, "the line is no row of a scan, and has no 'prompt' or 'text'")
    text, subject, facts = row[kinds[0].value], row.get("subject"), row.get("facts", {})
    if not isinstance(text, str) or not text or len(text) > _MOST_TEXT:
        return _wrong(where, f"'{kinds[0].value}' is no text of 1 to {_MOST_TEXT:,} characters")
    if subject is not None and (not isinstance(subject, str) or not subject):
        return _wrong(where, "'subject' is no name")
    if not _are_facts(facts):
        return _wrong(where, "'facts' is no object of short texts")
    return Line(where=where, subject=subject, kind=kinds[0], text=text, facts=facts)


def _are_facts(facts: Any) -> bool:
    return (
        isinstance(facts, dict)
        and len(facts) <= _MOST_FACTS
        and all(len(name) <= _MOST_FACT for name in facts)
        and all(isinstance(each, str) and len(each) <= _MOST_FACT for each in facts.values())
    )


def _encodes(row: dict[str, Any]) -> bool:
    """Whether it can be kept: escapes of JSON can spell half a surrogate pair."""
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _wrong(where: str, message: str) -> Line:
    return Line(where=where, problem=("bad-line", message))
