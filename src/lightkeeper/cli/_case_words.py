"""Cases for a terminal and for other programs: never pixels, and no key of the vault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lightkeeper.cases.custody._retention import is_past_retention
from lightkeeper.cases.record import UNDECIDED
from lightkeeper.plain import to_plain

if TYPE_CHECKING:
    from datetime import datetime

    from lightkeeper.cases.decision import Decision
    from lightkeeper.cases.desk import CaseFile
    from lightkeeper.cases.item import Item
    from lightkeeper.cases.record import Case

_OF_MEDIA = ("size_bytes", "sha256", "sha1", "md5", "format", "width", "height", "pdq")


def case_row(case: Case, *, now: datetime) -> dict[str, Any]:
    """What a list says of a case."""
    return {
        "case": case.id,
        "state": case.state.value,
        "arising": case.arising.value,
        "queue": case.queue,
        "intake": case.intake.value,
        "subject": {"kind": case.subject.kind.value, "identifier": case.subject.identifier},
        "score": case.triage.score,
        "reasons": [to_plain(reason) for reason in case.triage.reasons],
        "signals": sorted(signal.value for signal in case.signals),
        "opened": _time(case.opened),
        "due": _time(case.triage.due),
        "overdue": case.state in UNDECIDED and case.triage.due < now,
        "items": case.outline.items,
        "waiting": case.outline.waiting,
        "origin": case.outline.origin,
        "strength": case.outline.strength,
        "known": list(case.outline.set_origins),
        "preserve_until": _time(case.preserve_until),
        "hold": case.hold,
        "retention_over": is_past_retention(case, now),
    }


def case_line(row: dict[str, Any]) -> str:
    """One line of a list."""
    subject = f"{row['subject']['kind']} {row['subject']['identifier']}"
    line = f"{row['case']:<16}  {row['score']:>4}  {row['state']:<14}  {row['arising']:<18}"
    line += f"  {row['items']:>4}  {row['opened'][:16].replace('T', ' ')}  {subject}"
    return line + ("".join(f"  ! {mark}" for mark in _marks(row)))


HEADING = (
    f"{'case':<16}  {'score':>5} {'state':<14}  {'arising':<18}  {'items':>4} "
    f" {'opened (UTC)':<16}  subject"
)


def file_row(file: CaseFile, *, now: datetime) -> dict[str, Any]:
    """A case with all that it holds, as its page shows it."""
    return {
        **case_row(file.case, now=now),
        "note": file.case.note,
        "blind": file.blind,
        "contents": [_item(item, seen=item.id in file.viewed) for item in file.items],
        "decisions": [_decision(decision) for decision in file.decisions],
    }


def file_text(row: dict[str, Any], *, explain: bool) -> str:
    """A case in lines. Texts are not printed: a terminal keeps what it has shown."""
    subject = f"{row['subject']['kind']}, {row['subject']['identifier']}"
    facts = {
        "Subject": subject,
        "State": ", ".join([row["state"], *_marks(row)]),
        "Arose": f"{row['arising']}, came in by {row['intake']} to queue {row['queue']}",
        "Opened": f"{row['opened'][:16].replace('T', ' ')} UTC",
        "Score": str(row["score"]),
        "Signals": ", ".join(row["signals"]),
        "Evidence": " ".join(filter(None, (row["origin"], row["strength"]))),
        "Known": ", ".join(row["known"]),
        "Keep until": (row["preserve_until"] or "")[:16].replace("T", " "),
        "Hold": row["hold"] or "",
        "Note": row["note"],
    }
    lines = [f"Case {row['case']}"]
    for name, value in facts.items():
        if value:
            lines.append(f"  {name:<11} {value}")
            if name == "Score" and explain:
                lines += [
                    f"    {'+' + str(r['points']):>6} {r['sentence']}" for r in row["reasons"]
                ]
    lines += ["", f"Items: {len(row['contents'])}"]
    lines += [_item_line(item) for item in row["contents"]]
    if row["blind"]:
        lines += ["", "A second opinion is asked for: earlier decisions are not shown."]
    elif row["decisions"]:
        lines += ["", "Decisions"]
        lines += [
            f"  {one['made'][:16].replace('T', ' ')}  {one['outcome']:<8} {one['person']}"
            + ("  (undone)" if one["undone"] else "")
            for one in row["decisions"]
        ]
    return "\n".join(lines)


def _marks(row: dict[str, Any]) -> list[str]:
    marks = {
        "overdue": row["overdue"],
        f"{row['waiting']} not examined yet": row["waiting"],
        "held": row["hold"],
        "retention over": row["retention_over"],
    }
    return [mark for mark, is_so in marks.items() if is_so]


def _item(item: Item, *, seen: bool) -> dict[str, Any]:
    media = item.media
    examination = item.examination or {}
    assessment = examination.get("assessment") or {}
    return {
        "item": item.id,
        "kind": item.kind.value,
        "state": item.state.value,
        "file_name": item.file_name,
        "media": {name: getattr(media, name) for name in _OF_MEDIA} if media else None,
        "text": item.text,
        "facts": dict(item.facts),
        "origin": assessment.get("origin"),
        "strength": assessment.get("strength"),
        "error": examination.get("error"),
        "cluster": item.cluster,
        "likeness": item.likeness,
        "seen_entirely": seen,
    }


def _item_line(item: dict[str, Any]) -> str:
    if item["media"]:
        media = item["media"]
        what = f"{media['size_bytes']:,} bytes {media['format'] or ''} {item['file_name'] or ''}"
    else:
        what = f"{len(item['text'] or ''):,} characters" if item["text"] else ""
    found = " ".join(filter(None, (item["origin"], item["strength"])))
    found = (item["error"] or {}).get("message") or found
    return f"  {item['item']:<16}  {item['kind']:<7} {item['state']:<9} {what}  {found}".rstrip()


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "decision": decision.id,
        "person": decision.person,
        "made": _time(decision.made),
        "outcome": decision.outcome.value,
        "confidence": decision.confidence.value,
        "undone": _time(decision.undone),
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
