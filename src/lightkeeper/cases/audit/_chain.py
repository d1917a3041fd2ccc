"""How an event joins the chain, and how the end of the chain is sealed.

Format 1: the digest of an event is SHA-256 over the line ``lightkeeper.audit/1`` and the canonical
JSON of all its fields but the digest itself: ``sequence``, ``at`` (UTC, microseconds), ``actor``,
``action``, ``object``, ``case``, ``details``, and ``previous`` in lower-case hex. The first event
has sequence 1, and 32 zero bytes before it. The head's MAC is HMAC-SHA256 over the line
``lightkeeper.audit-head/1``, the sequence as eight bytes, and the digest of the last event.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from lightkeeper.cases.audit._canonical import canonical
from lightkeeper.cases.audit._event import Event, Head
from lightkeeper.errors import CaseError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lightkeeper.cases.audit._event import EventDraft

GENESIS: Final = bytes(32)
"""What stands before the first event."""

_EVENT: Final = b"lightkeeper.audit/1\n"
_HEAD: Final = b"lightkeeper.audit-head/1\n"
_UNKEEPABLE = re.compile("[\0\ud800-\udfff]")
"""NUL, which PostgreSQL's text lacks, and half pairs, which UTF-8 lacks."""


def link(previous: bytes, sequence: int, draft: EventDraft) -> Event:
    """The event that follows the one with digest ``previous``.

    Characters that no data base keeps become U+FFFD first, so that what is read back is what was
    chained.
    """
    at = draft.at.astimezone(UTC)
    text = keepable
    case = None if draft.case is None else text(draft.case)
    details = {text(name): text(value) for name, value in draft.details.items()}
    action = draft.action.value
    actor, thing = text(draft.actor), text(draft.object)
    return Event(
        sequence=sequence,
        at=at,
        actor=actor,
        action=action,
        object=thing,
        case=case,
        details=details,
        previous=previous,
        digest=_digest(previous, sequence, at, actor, action, thing, case, details),
    )


def extend(head: Head | None, drafts: Sequence[EventDraft], key: bytes) -> tuple[list[Event], Head]:
    """Chain events, at least one, after a head, and seal the new end: how a store appends.

    Raises
    ------
    CaseError
        The head was not sealed by this key. Sealing what comes after it would hide that somebody
        has cut the chain, so nothing is appended until a person has looked.
    """
    if head is not None and not is_sealed(head, key):
        raise CaseError(
            "the end of the audit was altered, or is of another key file; nothing is written",
            hint="Run: lightkeeper audit verify",
        )
    events: list[Event] = []
    sequence, digest = (head.sequence, head.digest) if head else (0, GENESIS)
    for draft in drafts:
        event = link(digest, sequence + 1, draft)
        sequence, digest = event.sequence, event.digest
        events.append(event)
    return events, seal(events[-1], key)


def digest_of(event: Event) -> bytes:
    """The digest that the fields of an event ask for, whatever it says itself.

    Raises
    ------
    ValueError
        A field holds what no event can.
    """
    return _digest(
        event.previous,
        event.sequence,
        event.at,
        event.actor,
        event.action,
        event.object,
        event.case,
        event.details,
    )


def seal(event: Event, key: bytes) -> Head:
    """The head of a chain that ends with this event."""
    return Head(event.sequence, event.digest, _mac(event.sequence, event.digest, key))


def is_sealed(head: Head, key: bytes) -> bool:
    """Whether a head was sealed under this key."""
    return hmac.compare_digest(head.mac, _mac(head.sequence, head.digest, key))


def _digest(
    previous: bytes,
    sequence: int,
    at: datetime,
    actor: str,
    action: str,
    thing: str,
    case: str | None,
    details: dict[str, str],
) -> bytes:
    if at.tzinfo is None:
        raise ValueError("a time without its zone")
    fields = {
        "sequence": sequence,
        "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": actor,
        "action": action,
        "object": thing,
        "case": case,
        "details": details,
        "previous": previous.hex(),
    }
    return hashlib.sha256(_EVENT + canonical(fields)).digest()


def _mac(sequence: int, digest: bytes, key: bytes) -> bytes:
    return hmac.digest(key, _HEAD + sequence.to_bytes(8, "big") + digest, "sha256")


def keepable(text: str) -> str:
    """Text that every data base and every encoding keeps as it is."""
    return _UNKEEPABLE.sub("\N{REPLACEMENT CHARACTER}", text)
