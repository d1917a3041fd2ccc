"""The readable form of a package, before it becomes HTML or PDF: both say the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from lightkeeper.reporting.package._in_short import in_short
from lightkeeper.reporting.package._item_blocks import item_blocks
from lightkeeper.reporting.package._words import amount, label, time, yes

MOST_ITEMS: Final = 200
MOST_LINES: Final = 500
_ROUTINE: Final = frozenset({"read", "claimed", "released", "skipped", "handed-over", "signalled"})


@dataclass(frozen=True, slots=True)
class Heading:
    """Level 1 is the document's own."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph; ``quoted`` where a stranger wrote it."""

    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Points:
    """A list of sentences."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """Names and values."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[int, ...]
    """Relative."""


Block = Heading | Words | Points | Rows | Grid


def document(said: dict[str, Any]) -> tuple[Block, ...]:
    """The blocks of a package, from its content; the first page tells all of it in short."""
    return tuple(_blocks(said))


def _blocks(said: dict[str, Any]) -> Iterator[Block]:
    yield Heading(1, f"Evidence package: case {said['case']['id']}")
    yield Words(
        f"Made {time(said['made'])} by {said['software']}. Observations and decisions are told "
        "apart: a program observes, people decide. Full detail is in case.json."
    )
    yield Heading(2, "In short")
    yield Rows(tuple(in_short(said)))
    yield Heading(2, "What this package does not prove")
    yield Points(tuple(said["does_not_prove"]))
    yield from _case(said["case"])
    destroyed = said["case"]["state"] == "destroyed"
    for item in said["items"][:MOST_ITEMS]:
        yield from _made(item_blocks(item, destroyed=destroyed))
    if len(said["items"]) > MOST_ITEMS:
        yield Words(f"{len(said['items']) - MOST_ITEMS:,} more items are in case.json.")
    yield from _decisions(said["decisions"])
    yield from _custody(said)
    yield Heading(2, "How to check this package")
    yield Words(
        "manifest.json names every entry with its size and SHA-256, and manifest.sig is the "
        "sender's Ed25519 signature over it. Ask the sender for the public key by another way, "
        "then: lightkeeper package verify FILE --key PUBLIC_KEY. Any tool for SHA-256 and Ed25519 "
        "does the same."
    )


def _made(parts: Iterator[tuple[str, Any]]) -> Iterator[Block]:
    for kind, value in parts:
        if kind == "heading":
            yield Heading(2, value)
        elif kind == "sub":
            yield Heading(3, value)
        elif kind == "quote":
            yield Words(value, quoted=True)
        elif kind == "rows":
            yield Rows(tuple(value))
        else:
            yield Words(value)


def _case(case: dict[str, Any]) -> Iterator[Block]:
    subject = case["subject"]
    details = sorted(subject["details"].items())
    yield Heading(2, "Case")
    rows = [
        ("Identifier", case["id"]),
        ("Where it arose", f"{label(case['arising'])}. {case['arising_means']}"),
        ("Came in", f"{time(case['opened'])}, {label(case['intake'])}"),
        ("Happened", time(case["occurred"])),
        ("State", label(case["state"])),
        ("Reported to the sender", amount(case["times_reported"], "time")),
        ("About", f"{label(subject['kind'])}: {subject['identifier']}"),
        *((f"{label(name)} (said by the source)", text) for name, text in details),
        ("Signals of urgency", ", ".join(map(label, case["signals"])) or "none was set"),
        ("Kept until at least", time(case["preserve_until"], none="no date is set")),
        ("Legal hold", yes(case["legal_hold"])),
    ]
    yield Rows(tuple(rows))
    if case["note_of_source"]:
        yield Heading(3, "Note of whoever opened the case")
        yield Words(case["note_of_source"], quoted=True)


def _decisions(decisions: list[dict[str, Any]]) -> Iterator[Block]:
    yield Heading(2, "Decisions of people")
    if not decisions:
        yield Words("Nobody has decided yet.")
        return
    rows = []
    for each in decisions:
        undone = f"no: undone {time(each['undone'])} by {each['undone_by']}"
        notes = [
            "blind second opinion" if each["blind_second_opinion"] else "",
            "carried over from a near-duplicate" if each["carried_over_from"] else "",
        ]
        rows.append(
            (
                time(each["made"]),
                each["person"],
                f"{label(each['outcome'])}, {each['confidence']} confidence",
                "yes" if each["stands"] else undone,
                ", ".join(filter(None, notes)),
            )
        )
    heads = ("When", "Person", "Decision", "Stands", "Note")
    yield Grid(heads, tuple(rows), (4, 4, 5, 4, 4))


def _custody(said: dict[str, Any]) -> Iterator[Block]:
    numbers = {item["id"]: item["number"] for item in said["items"]}
    events = said["audit"]["events"]
    shown = [event for event in events if event["action"] not in _ROUTINE]
    yield Heading(2, "Chain of custody")
    yield Words(
        "From the sender's audit, in which each event is chained to the one before it by SHA-256. "
        "People and programs stand under the sender's identifiers. "
        f"{amount(len(events) - len(shown), 'event')} of reading and claiming, and every full "
        "digest, are in case.json."
    )
    rows = tuple(
        (
            str(event["sequence"]),
            time(event["at"]),
            event["actor"],
            f"{label(event['action'])}{_object(event['object'], numbers)}",
            event["digest"][:16],
        )
        for event in shown[:MOST_LINES]
    )
    yield Grid(("No.", "When", "Who", "What", "Digest begins"), rows, (2, 5, 5, 6, 5))
    if len(shown) > MOST_LINES:
        yield Words(f"{len(shown) - MOST_LINES:,} more events are in case.json.")
    if (end := said["audit"]["end"]) is not None:
        yield Words(f"When this was made the audit ended with event {end['sequence']}:")
        yield Words(end["digest"])


def _object(thing: str, numbers: dict[str, int]) -> str:
    kind, _, identifier = thing.partition(":")
    return f", item {numbers[identifier]}" if kind == "item" and identifier in numbers else ""
