"""Findings as they may leave the house: what a set's owner keeps to few is taken out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lightkeeper.reporting._sharing import may_be_shared
from lightkeeper.reporting.ai_evidence._row import objects

KNOWN: Final = frozenset({"known-material", "known-benign"})
WITHHELD: Final = "Matches a hash set whose owner keeps its name."
# Named one by one, so that a detail that is added later stays in the house.
_TOLD: Final = ("origin", "handling", "kind", "distance_bits", "transform", "further_entries")


def findings_told(row: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The findings of an examination, in full but for what restricted sets keep."""
    return [_told(finding) for finding in objects((row or {}).get("findings"))]


def _told(finding: dict[str, Any]) -> dict[str, Any]:
    if finding.get("claim") not in KNOWN:
        return finding
    found = finding.get("details")
    details: dict[str, Any] = found if isinstance(found, dict) else {}
    suppressed = list(objects(details.get("suppressed")))
    told = {**finding, "details": _match(details)}
    if suppressed:
        told["details"]["suppressed"] = [_match(each) for each in suppressed]
    if not all(may_be_shared(each) for each in (details, *suppressed)):
        told["summary"] = WITHHELD
    return told


def _match(details: dict[str, Any]) -> dict[str, Any]:
    if may_be_shared(details):
        return {key: value for key, value in details.items() if key != "suppressed"}
    return {key: details[key] for key in _TOLD if key in details} | {"withheld": True}
