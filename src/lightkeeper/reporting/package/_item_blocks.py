"""What is printed of one item."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from lightkeeper.reporting.package._words import label, time, yes

_LONGEST_TEXT: Final = 4_000
_UNSEEN: Final = {
    "waiting": "not known: it has not been examined yet",
    "failed": "not known: it could not be examined",
}


def item_blocks(item: dict[str, Any], *, destroyed: bool) -> Iterator[tuple[str, Any]]:
    """``heading``, ``sub``, ``words``, ``quote`` or ``rows``, and what it holds."""
    yield "heading", f"Item {item['number']}: {label(item['kind']).lower()}"
    yield "rows", list(_identity(item))
    if item["text"] is not None:
        yield "sub", "Its text"
        yield "quote", _cut(item["text"])
    if item["said_by_source"]:
        yield "sub", "Said by the source"
        yield "rows", list(item["said_by_source"].items())
    yield "sub", "Decided by people"
    yield "rows", list(_labels(item["labels"]))
    yield "sub", "Observed by the program"
    yield "rows", list(_observed(item["evidence"])) or [("Findings", _nothing(item, destroyed))]
    if item["evidence"]["matches"]:
        yield "sub", "Matches with hash sets"
        yield "rows", [_match(each) for each in item["evidence"]["matches"]]
    yield "sub", "Not examined"
    gaps = [(each["what"], each["why"]) for each in item["evidence"]["not_examined"]]
    yield "rows", gaps or [("Gaps", "none was noted")]


def _identity(item: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "Identifier", item["id"]
    yield "Came in", time(item["added"])
    yield "Examination", label(item["examination"])
    file = item["file"]
    if file is None:
        return
    yield "File name", item["file_name"] or "not known"
    sides = f", {file['width']} x {file['height']} pixels" if file["width"] else ""
    yield "File", f"{file['format'] or 'unknown format'}, {file['size_bytes']:,} bytes{sides}"
    for kind, name in (("md5", "MD5"), ("sha1", "SHA-1"), ("sha256", "SHA-256")):
        yield name, file["hashes"][kind]
    if file["hashes"]["pdq"]:
        yield "PDQ", file["hashes"]["pdq"]
        yield "PDQ quality", f"{file['hashes']['pdq_quality']} of 100"
    yield "A person saw all of it", yes(item["viewed_entirely"])
    yield "In the vault", label(file["in_vault"])
    yield "In this package", file["in_package"] or "no"


def _labels(labels: dict[str, Any] | None) -> Iterator[tuple[str, str]]:
    if labels is None:
        yield "Decision", "no standing decision names this item"
        return
    for field, each in labels["classification"].items():
        if each["value"] is None:
            yield label(field), "nobody has said"
        else:
            who = "the program" if each["set_by"] == "machine" else each["set_by"]
            basis = label(each["basis"]) if each["basis"] else "no basis given"
            yield label(field), f"{label(each['value'])}; basis: {basis.lower()}; by {who}"
    for artefact, seen in labels["artefacts"].items():
        yield f"Trace of generation: {label(artefact).lower()}", label(seen)
    if labels["annotations"]:
        yield "Annotations", ", ".join(labels["annotations"])
    if labels["carried_over_from"]:
        yield "Looked at", f"a near-duplicate was, not this item: {labels['carried_over_from']}"


def _observed(evidence: dict[str, Any]) -> Iterator[tuple[str, str]]:
    answer = evidence["answer"]
    if answer is not None:
        ratio = _ratio(answer["log10_lr"], answer["calibration"])
        yield "All findings together", f"{label(answer['origin'])}, {answer['strength']}; {ratio}"
    for each in evidence["observations"]:
        support = f" Supports: {label(each['supports']).lower()}." if each["supports"] else ""
        yield (
            label(each["claim"]),
            f"{each['summary']['text']}{support} Basis: {label(each['basis']).lower()}; "
            f"{_ratio(each['log10_lr'], each['calibration'])}. {each['examiner']} "
            f"{each['version']}, {each['source']}.",
        )
    for each in evidence["conflicts"]:
        yield "CONFLICT", each["summary"]["text"]
    for section, count in evidence["left_out"].items():
        yield "More", f"{count:,} more of '{section}' are in case.json"


def _nothing(item: dict[str, Any], destroyed: bool) -> str:
    """That nothing was found is said only where somebody has looked."""
    if destroyed:
        return "destroyed with the file: what was observed is not kept"
    return _UNSEEN.get(item["examination"], "none")


def _ratio(log10_lr: float | None, calibration: str | None) -> str:
    if log10_lr is None:
        return "no calibrated likelihood ratio"
    under = f", calibration {calibration}" if calibration else ", no calibration named"
    return f"likelihood ratio 10^{log10_lr:.1f}{under}"


def _match(match: dict[str, Any]) -> tuple[str, str]:
    name = match["set"] or "a set whose owner keeps its name"
    what = "known benign" if match["benign"] else f"origin {label(match['origin']).lower()}"
    near = f"{match['distance_bits']} bits away" if match["kind"] == "pdq" else "the same digest"
    return f"{match['kind'].upper()}, {near}", f"{name}; {what}; {match['transform']}"


def _cut(text: str) -> str:
    more = len(text) - _LONGEST_TEXT
    end = f"\n[{more:,} more characters are in case.json]" if more > 0 else ""
    return text[:_LONGEST_TEXT] + end
