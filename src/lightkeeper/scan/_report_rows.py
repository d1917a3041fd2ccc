"""Rows as a report embeds them: what a person reads, bounded, and nothing twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lightkeeper.assessment._explain import DECODERS_NAME_NO_GENERATOR, MADE
from lightkeeper.plain import name_bytes, to_plain
from lightkeeper.scan._summary import traces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lightkeeper.scan._row import ScanRow

_LONGEST_VALUE = 300
_LONGEST_PROMPT = 4_000
_MOST_VALUES = 24
_MOST_FINDINGS = 64
_PROMPTS = {"positive_prompt": "Prompt", "negative_prompt": "Negative prompt (not wanted)"}
_LEFT_OUT = frozenset({*_PROMPTS, "raw", "extra", "payload", "overlay"})


class ReportRows:
    """Shortens rows and keeps the sentences that many of them share in one list."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        """Reasons, weights' rules and the like; rows point into it."""
        self._places: dict[str, int] = {}

    def shorten(self, row: ScanRow) -> dict[str, Any]:
        """The part of a row that a report shows."""
        short: dict[str, Any] = {
            # Bytes that are no text are shown as escapes, so that two such names stay two.
            "file": row.file.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
            if name_bytes(row.file)
            else row.file,
            "facts": list(_facts(row)),
            "notes": list(_notes(row)),
            "thumbnail": row.thumbnail,
        }
        if row.error is not None:
            short |= {"origin": "error", "error": row.error, "traces": [row.error["message"]]}
        if row.assessment is not None:
            short |= self._assessed(row, row.assessment)
        return {key: value for key, value in short.items() if value not in (None, [], "")}

    def _assessed(self, row: ScanRow, assessment: dict[str, Any]) -> dict[str, Any]:
        weights = {weight["finding"]: weight for weight in assessment["weights"]}
        routing = assessment["routing"]
        return {
            "origin": assessment["origin"],
            "strength": assessment["strength"],
            "lr": assessment["log10_lr"],
            "generator": [self._share(words) for words in _generator(row.attribution)],
            "traces": list(traces(row)),
            "findings": [
                self._finding(finding, weights.get(index))
                for index, finding in enumerate(row.findings[:_MOST_FINDINGS])
            ],
            "more": max(0, len(row.findings) - _MOST_FINDINGS) or None,
            "conflicts": [
                {**conflict, "summary": self._share(conflict["summary"])}
                for conflict in assessment["conflicts"]
            ],
            "unexamined": [
                self._share(f"{skipped['examiner']}: {skipped['reason']}")
                for skipped in assessment["not_examined"]
            ],
            "priority": routing["priority"],
            "reasons": [self._share(reason) for reason in routing["reasons"]],
        }

    def _finding(self, finding: dict[str, Any], weight: dict[str, Any] | None) -> dict[str, Any]:
        details = finding["details"] or {}
        short = {
            key: finding[key]
            for key in ("claim", "basis", "source", "examiner", "p_value", "tests", "null_size")
        }
        short |= {
            "summary": _cut(finding["summary"], _LONGEST_VALUE * 2),
            "limits": finding["limits"],
            "prompts": [
                [label, _cut(details[key], _LONGEST_PROMPT)]
                for key, label in _PROMPTS.items()
                if isinstance(details.get(key), str) and details[key]
            ],
            "values": list(_values(details))[:_MOST_VALUES],
            "map": _map(details),
        }
        if weight is not None:
            short["weight"] = {
                "lr": weight["log10_lr"],
                "supports": weight["supports"],
                "reason": self._share(weight["reason"]),
                "counted": weight["counted"],
            }
        return {key: value for key, value in short.items() if value not in (None, [], "")}

    def _share(self, sentence: str) -> int:
        if sentence not in self._places:
            self._places[sentence] = len(self.sentences)
            self.sentences.append(sentence)
        return self._places[sentence]


def _generator(attribution: dict[str, Any] | None) -> Iterator[str]:
    if attribution is None:
        return
    if attribution["origin"] in MADE or attribution["candidates"]:
        name = _cut(attribution["generator"] or "unknown", _LONGEST_VALUE)
        yield f"Generator: {name}. {attribution['reason']}"
    for decoder in attribution["decoders"]:
        yield f"It came through the decoder {decoder['autoencoder']} (measured)."
    if attribution["decoders"]:
        yield DECODERS_NAME_NO_GENERATOR


def _facts(row: ScanRow) -> Iterator[tuple[str, str]]:
    if row.format:
        yield "Format", f"{row.format.upper()}, {row.width} × {row.height}"
    if row.digests:
        yield "Size", f"{row.digests['size_bytes']:,} bytes"
        yield "SHA-256", row.digests["sha256"]
    if row.pdq:
        yield "PDQ", row.pdq["hash"]
        yield "PDQ quality", f"{row.pdq['quality']} of 100"
    yield "Examined in", f"{row.seconds * 1000:,.0f} ms"


def _notes(row: ScanRow) -> Iterator[str]:
    """What went wrong, each thing once: several examiners fail over the same broken pixels."""
    seen: dict[tuple[str, str], list[str]] = {}
    for note in (*row.problems, *row.failures):
        examiners = seen.setdefault((note["message"], note["code"]), [])
        examiners += [note["examiner"]] if "examiner" in note else []
    for (message, code), examiners in seen.items():
        yield f"{message} ({', '.join([code, *examiners])})"


def _map(details: dict[str, Any]) -> dict[str, Any] | None:
    if "overlay" not in details:
        return None
    from lightkeeper.evidence.detectors.regions import draw

    drawing = draw(details)
    return None if drawing is None else to_plain(drawing)


def _values(details: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in details.items():
        if key in _LEFT_OUT or value in (None, [], {}, ""):
            continue
        text = _cut(_in_words(value), _LONGEST_VALUE)
        if text:
            yield key.replace("_", " "), text


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        name = value.get("name")
        if isinstance(name, str) and name:
            weight = value.get("weight")
            return name if weight is None else f"{name} ({weight})"
        if value.keys() == {"kind", "value"}:
            return f"{value['kind']} {value['value']}"
        parts = (f"{k.replace('_', ' ')} {_in_words(v)}" for k, v in value.items() if v)
        return ", ".join(parts)
    if isinstance(value, list):
        return "; ".join(filter(None, map(_in_words, value[:_MOST_VALUES])))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}… ({len(text):,} characters)"
