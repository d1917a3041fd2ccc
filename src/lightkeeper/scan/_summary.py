"""Counts over all rows: the last line of a scan and the plots of its report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lightkeeper.assessment import Origin
from lightkeeper.evidence import Basis, Claim
from lightkeeper.scan._row import valid_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lightkeeper.scan._row import ScanRow

_PLAINER = {"captured": "camera fields", "stripped": "no metadata"}
_KNOWN = {"known-material": "known in", "known-benign": "benign in"}
_MOST_NAMES = 5_000
"""Distinct names that are counted: files may carry any number of invented ones."""


@dataclass(slots=True)
class Summary:
    """What a scan found, in numbers."""

    files: int = 0
    seconds: float = 0.0
    origins: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(origin, strength) to files."""
    evidence: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(claim, basis) to files with at least one such finding."""
    tools: Counter[str] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    marks: Counter[str] = field(default_factory=Counter)
    conflicts: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    conflicting_files: int = 0
    known_files: int = 0
    """Files that match known material."""
    damaged_files: int = 0
    """Files whose rows carry problems or failures of examiners."""

    def add(self, row: ScanRow) -> None:
        """Count one row."""
        self.files += 1
        self.seconds += row.seconds
        self.damaged_files += bool(row.problems or row.failures)
        if row.error is not None:
            self.errors[row.error["code"]] += 1
        if row.assessment is None:
            return
        self.origins[row.assessment["origin"], row.assessment["strength"]] += 1
        codes = {conflict["code"] for conflict in row.assessment["conflicts"]}
        self.conflicting_files += bool(codes)
        self.known_files += bool(known_sets(row))
        self.conflicts.update(codes)
        self.evidence.update({(f["claim"], f["basis"]) for f in row.findings})
        for counter, names in (
            (self.tools, tools(row)),
            (self.models, models(row)),
            (self.marks, marks(row)),
        ):
            counter.update(n for n in set(names) if n in counter or len(counter) < _MOST_NAMES)

    def of_origin(self, origin: str) -> int:
        """Files of this origin, whatever the strength."""
        return sum(count for (name, _), count in self.origins.items() if name == origin)

    def __str__(self) -> str:
        parts = [
            f"{count:,} {origin.value}" for origin in Origin if (count := self.of_origin(origin))
        ]
        if self.errors:
            parts.append(_plural(self.errors.total(), "error"))
        text = f"{_plural(self.files, 'file')}: {', '.join(parts) or 'nothing to say'}"
        if self.known_files:
            text += f"; {self.known_files:,} known"
        if self.conflicting_files:
            text += f"; {self.conflicting_files:,} with conflicting evidence"
        return text


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def tools(row: ScanRow) -> list[str]:
    """Tools that generation parameters in this file name, in the order found."""
    return _named(row, "tool")


def models(row: ScanRow) -> list[str]:
    """Checkpoints that generation parameters in this file name, in the order found."""
    return _named(row, "model_name")


def marks(row: ScanRow) -> list[str]:
    """Watermarks found in this file."""
    return _named(row, "mark", claim="carries-mark")


def known_sets(row: ScanRow) -> list[str]:
    """Hash sets of known material that this file matches."""
    firm = (f for f in row.findings if f["basis"] == Basis.KNOWN)
    names = (f["details"]["set_name"] for f in firm if f["claim"] == Claim.KNOWN_MATERIAL)
    return list(dict.fromkeys(names))


def traces(row: ScanRow) -> Iterator[str]:
    """A few words for each finding, the way a person would list them."""
    seen: set[str] = set()
    for finding in row.findings:
        words = _words(finding)
        if words not in seen:
            seen.add(words)
            yield words


def _words(finding: dict[str, Any]) -> str:
    details = finding["details"] or {}
    claim, basis = finding["claim"], finding["basis"]
    if claim == "parameters":
        return f"{details.get('tool', 'generation')} parameters"
    if claim == "carries-mark":
        return f"mark {details.get('mark', '')}".strip()
    if claim.startswith("known-"):
        kind = "lead in" if basis != "known" else _KNOWN.get(claim, str(claim))
        return f"{kind} {details.get('set_name', '')}".strip()
    if finding["source"].startswith("c2pa"):
        return f"C2PA {claim}" + (" (signed)" if basis == "signed" else "")
    if claim == "edited" and details.get("name"):
        return f"saved by {details['name']}"
    return _PLAINER.get(claim, str(claim))


def _named(row: ScanRow, key: str, *, claim: str = "parameters") -> list[str]:
    values = (
        (finding["details"] or {}).get(key) for finding in row.findings if finding["claim"] == claim
    )
    return list(dict.fromkeys(valid_text(v) for v in values if isinstance(v, str) and v))
