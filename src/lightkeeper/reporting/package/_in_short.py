"""The first page: what half a minute's reading has to tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from lightkeeper.reporting.package._words import amount, label, time


def in_short(said: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Names and sentences, the most urgent first."""
    case, items = said["case"], said["items"]
    if case["signals"]:
        yield "URGENT", ", ".join(map(label, case["signals"]))
    yield "Sent by", _sender(said["sender"])
    yield "What it is", f"{_kinds(items)}. {case['arising_means']}"
    yield "About", f"{label(case['subject']['kind'])} {case['subject']['identifier']}"
    yield "Came in", time(case["opened"])
    yield "Decided", _decided(said)
    yield "Classes", _classes(items)
    yield "Generated with AI, by people", _generated(items)
    yield "Origin, by the program", _origins(items)
    if conflicts := sum(len(item["evidence"]["conflicts"]) for item in items):
        yield "CONFLICTS", f"{amount(conflicts, 'contradiction')} in the evidence: see each item"
    yield "Known material", _known(items)
    files = [item for item in items if item["file"]]
    if files:
        seen = sum(bool(item["viewed_entirely"]) for item in files)
        yield "Seen by a person", f"{seen} of {amount(len(files), 'file')}, from edge to edge"
        yield "The files", _files(files)
    if not_seen := sum(len(item["evidence"]["not_examined"]) for item in items):
        yield "Not examined", f"{amount(not_seen, 'gap')}: see each item"
    yield "Reported before", _reports(said["custody"]["reports"])


def _sender(sender: dict[str, str] | None) -> str:
    if sender is None:
        return "not named in this package: ask whoever gave it to you"
    return f"{sender['name']}. Contact: {sender['contact']}"


def _kinds(items: list[dict[str, Any]]) -> str:
    names = {"media": "file", "prompt": "prompt", "text": "text", "model": "model reference"}
    found = Counter(item["kind"] for item in items)
    return ", ".join(amount(found[k], name) for k, name in names.items() if found[k]) or "No item"


def _decided(said: dict[str, Any]) -> str:
    standing = [each for each in said["decisions"] if each["stands"]]
    if not standing:
        return "no decision stands: nobody's judgement is in this package"
    awaited = said["case"]["state"] == "second-opinion"
    end = "; a second opinion is still awaited" if awaited else ""
    last = standing[-1]
    others = f" (and {amount(len(standing) - 1, 'other decision')})" if len(standing) > 1 else ""
    return (
        f"{label(last['outcome'])}, {last['confidence']} confidence, {time(last['made'])} by "
        f"{last['person']}{others}{end}"
    )


def _classes(items: list[dict[str, Any]]) -> str:
    found = Counter(_value(item, "industry_class") for item in items if item["kind"] != "model")
    return _counted(found, none="not labelled")


def _generated(items: list[dict[str, Any]]) -> str:
    found = Counter(
        _value(item, "computer_generated") if _by_person(item) else None
        for item in items
        if item["kind"] != "model"
    )
    return _counted(found, none="nobody has said")


def _by_person(item: dict[str, Any]) -> bool:
    labels = item["labels"]
    set_by = labels and labels["classification"]["computer_generated"]["set_by"]
    return set_by not in (None, "machine")


def _value(item: dict[str, Any], field: str) -> Any:
    return None if item["labels"] is None else item["labels"]["classification"][field]["value"]


def _counted(found: Counter[Any], *, none: str) -> str:
    parts = [
        f"{none if value is None else label(value)}: {count}"
        for value, count in sorted(found.items(), key=lambda pair: str(pair[0]))
    ]
    return ", ".join(parts) or none


def _origins(items: list[dict[str, Any]]) -> str:
    answers = [item["evidence"]["answer"] for item in items]
    found = Counter(
        f"{label(each['origin'])} ({label(each['strength']).lower()})" for each in answers if each
    )
    parts = [f"{said}: {count}" for said, count in sorted(found.items())]
    return ", ".join(parts) or "nothing was examined"


def _known(items: list[dict[str, Any]]) -> str:
    origins = Counter(
        match["origin"]
        for item in items
        for match in item["evidence"]["matches"]
        if not match["benign"]
    )
    matched = sum(any(not m["benign"] for m in item["evidence"]["matches"]) for item in items)
    if not matched:
        examined = any(item["file"] and item["examination"] == "examined" for item in items)
        return "no match among the findings" if examined else "no file was looked up"
    sets = ", ".join(f"{label(origin).lower()}" for origin in sorted(origins))
    return f"{amount(matched, 'item')} with matches in hash sets of origin: {sets}"


def _files(files: list[dict[str, Any]]) -> str:
    inside = sum(item["file"]["in_package"] is not None for item in files)
    lost = sum(item["file"]["in_vault"] in ("altered", "missing") for item in files)
    if inside:
        said = f"{inside} of {len(files)} are in this package, in the folder media"
    else:
        said = "no picture is in this package, only hashes; the sender keeps the files encrypted"
    return said + (f"; {lost} could not be taken out of the vault whole" if lost else "")


def _reports(reports: list[dict[str, Any]]) -> str:
    sent = [each for each in reports if each["action"] == "report-sent"]
    parts = [f"{time(each['at'])}, number {each['number'] or 'not known'}" for each in sent]
    return "; ".join(parts) or "no report was sent by this service"
