"""What a package says of a case: ``case.json``, from which the two readable forms are made."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from lightkeeper import __version__
from lightkeeper.cases.audit import Action
from lightkeeper.cases.desk._standing import by_item
from lightkeeper.plain import to_plain
from lightkeeper.reporting.ai_evidence import gather
from lightkeeper.reporting.cybertipline._account import ARISINGS
from lightkeeper.reporting.cybertipline._files import viewed_entirely
from lightkeeper.reporting.package._redact import findings_told
from lightkeeper.reporting.package._text import encodable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lightkeeper.cases.audit import Event, Head
    from lightkeeper.cases.decision import Decision, ItemDecision
    from lightkeeper.cases.item import Item, MediaFacts, View
    from lightkeeper.cases.record import Case
    from lightkeeper.reporting.package._organisation import Organisation

SCHEMA: Final = "lightkeeper.package/1"
"""Changes its number whenever a key changes its meaning or goes; added keys keep it."""

DOES_NOT_PROVE: Final = (
    "Who made, uploaded or possessed anything: accounts and addresses are as the source gave them.",
    "Who is depicted, how old anybody is, or whether a depicted person exists.",
    "That a file is generated, or that it is not, beyond the basis given beside each statement: "
    "unsigned metadata and public watermarks can be forged by anybody, and can be removed.",
    "Anything by the absence of a finding: what was not examined is listed.",
    "That material is lawful or unlawful anywhere. Categories follow the industry's classification "
    "and the C axis, not the law of a country.",
    "That evidence of generation makes a case less urgent: generated material may show real "
    "children, or be made from pictures of them.",
)
# Reasons that people typed may speak of other cases, other sets and other authorities.
_WITHHELD: Final = frozenset({"because", "request"})
_REPORTS: Final = frozenset({Action.REPORT_SENT.value, Action.REPORT_RETRACTED.value})


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of the vault as it was found just now, and its name in the package."""

    state: str
    """``whole``, ``altered``, ``missing``, or ``not-read``."""
    entry: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """All that the store holds of a case, of one reading."""

    case: Case
    items: Sequence[Item]
    decisions: Sequence[Decision]
    views: Sequence[View]
    events: Sequence[Event]
    head: Head | None


def contents(
    record: Record,
    *,
    at: datetime,
    by: str,
    sender: Organisation | None = None,
    kept: Mapping[str, Kept] | None = None,
) -> dict[str, Any]:
    """Everything that is known of a case, as plain JSON values; equal for equal input.

    People stand under their identifiers. What the owner of a hash set keeps to few is withheld.

    Parameters
    ----------
    at, by
        When the package was made, and for whom: an actor's identifier.
    sender : Organisation, optional
        Who hands it out.
    kept : mapping, optional
        How each file was found in the vault, by its item; nothing was read without it.
    """
    standing = by_item(record.decisions)
    row = {
        "schema": SCHEMA,
        "made": _time(at),
        "made_by": by,
        "sender": to_plain(sender),
        "software": f"lightkeeper {__version__}",
        "case": _case(record.case),
        "items": [
            _item(number, item, record, standing.get(item.id), (kept or {}).get(item.id))
            for number, item in enumerate(record.items, 1)
        ],
        "decisions": [_decision(each) for each in record.decisions],
        "custody": _custody(record),
        "audit": _audit(record),
        "does_not_prove": list(DOES_NOT_PROVE),
    }
    plain: dict[str, Any] = encodable(row)
    return plain


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat(timespec="seconds")


def _case(case: Case) -> dict[str, Any]:
    return {
        "id": case.id,
        "arising": case.arising.value,
        "arising_means": ARISINGS[case.arising].replace("the reporter", "the sender"),
        "intake": case.intake.value,
        "opened": _time(case.opened),
        "occurred": _time(case.occurred),
        "state": case.state.value,
        "subject": to_plain(case.subject),
        "times_reported": case.times_reported,
        "signals": sorted(signal.value for signal in case.signals),
        "preserve_until": _time(case.preserve_until),
        "legal_hold": case.hold is not None,
        "note_of_source": case.note or None,
    }


def _item(
    number: int,
    item: Item,
    record: Record,
    standing: tuple[Decision, ItemDecision] | None,
    kept: Kept | None,
) -> dict[str, Any]:
    decision, part = standing or (None, None)
    return {
        "number": number,
        "id": item.id,
        "kind": item.kind.value,
        "added": _time(item.added),
        "examination": item.state.value,
        "file_name": item.file_name,
        "file": _file(item.media, kept) if item.media else None,
        "text": item.text,
        "said_by_source": dict(sorted(item.facts.items())),
        "viewed_entirely": viewed_entirely(item.id, record.views) if item.media else None,
        "decision": decision.id if decision else None,
        "labels": None if part is None else _labels(part),
        "evidence": to_plain(gather(item, decision, arising=record.case.arising)),
        "findings": to_plain(findings_told(item.examination)),
    }


def _file(media: MediaFacts, kept: Kept | None) -> dict[str, Any]:
    return {
        "format": media.format,
        "size_bytes": media.size_bytes,
        "width": media.width,
        "height": media.height,
        "hashes": {
            "md5": media.md5,
            "sha1": media.sha1,
            "sha256": media.sha256,
            "pdq": media.pdq,
            "pdq_quality": media.pdq_quality,
        },
        "in_vault": kept.state if kept else "not-read",
        "in_package": kept.entry if kept else None,
    }


def _labels(part: ItemDecision) -> dict[str, Any]:
    """Each field of the classification, those that nobody has set too."""
    return {
        "classification": {
            each.name: {
                key: to_plain(getattr(getattr(part.labels, each.name), key))
                for key in ("value", "basis", "set_by")
            }
            for each in fields(part.labels)
        },
        "artefacts": {key.value: seen.value for key, seen in sorted(part.artefacts.items())},
        "annotations": to_plain(part.annotations),
        "carried_over_from": part.spread_from,
    }


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "id": decision.id,
        "person": decision.person,
        "made": _time(decision.made),
        "outcome": decision.outcome.value,
        "confidence": decision.confidence.value,
        "blind_second_opinion": decision.second,
        "carried_over_from": decision.spread_from,
        "stands": decision.stands,
        "undone": _time(decision.undone),
        "undone_by": decision.undone_by,
        "items": [{"item": part.item, **_labels(part)} for part in decision.items],
    }


def _custody(record: Record) -> dict[str, Any]:
    return {
        "views": [
            {
                "item": view.item,
                "person": view.person,
                "mode": view.mode.value,
                "started": _time(view.started),
                "seconds": round(view.seconds, 1),
                "entire": view.entire,
            }
            for view in record.views
        ],
        "reports": [
            {"at": _time(e.at), "action": e.action, "number": e.details.get("report") or None}
            for e in record.events
            if e.action in _REPORTS
        ],
    }


def _audit(record: Record) -> dict[str, Any]:
    """The case's events with the digests that chain them, and where the whole audit ends."""
    head = record.head
    end = None if head is None else {"sequence": head.sequence, "digest": head.digest.hex()}
    return {"end": end, "events": list(_events(record.events))}


def _events(events: Iterable[Event]) -> Iterable[dict[str, Any]]:
    for event in events:
        withheld = sorted(_WITHHELD & event.details.keys())
        yield {
            "sequence": event.sequence,
            "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "actor": event.actor,
            "action": event.action,
            "object": event.object,
            "case": event.case,
            "details": {k: v for k, v in sorted(event.details.items()) if k not in _WITHHELD},
            "details_withheld": withheld,
            "previous": event.previous.hex(),
            "digest": event.digest.hex(),
        }
