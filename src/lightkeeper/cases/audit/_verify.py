"""Read the whole chain again, and say where it was altered."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from lightkeeper.cases.audit._chain import GENESIS, digest_of, is_sealed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lightkeeper.cases.audit._anchor import Anchor
    from lightkeeper.cases.audit._event import Event, Head

_MOST_FLAWS: Final = 100


class Flaw(StrEnum):
    """What is wrong at one place of the chain."""

    CHANGED = "changed"
    """A field of this event was changed after it was chained."""
    BROKEN_LINK = "broken-link"
    """It does not follow the event before it: one of the two was exchanged."""
    MISSING = "missing"
    """One or more events before this one are gone."""
    OUT_OF_ORDER = "out-of-order"
    """An event was inserted here, or moved."""
    END_DIFFERS = "end-differs"
    """The chain ends elsewhere than the head says: events were removed, added or rewritten."""
    HEAD_MISSING = "head-missing"
    """There are events and no head."""
    HEAD_FORGED = "head-forged"
    """The head was not sealed by this service's key."""
    EMPTIED = "emptied"
    """There is no event, though something was done that is one."""
    ANCHOR_DIFFERS = "anchor-differs"
    """When the anchor was made, this event was another: history was rewritten up to here."""
    ANCHOR_MISSING = "anchor-missing"
    """When the anchor was made, there was an event of this number."""

    @property
    def sentence(self) -> str:
        """What it means, to go on after the number of the event."""
        return _SENTENCES[self]


_SENTENCES: Final = {
    Flaw.CHANGED: "a field was changed after the event was written",
    Flaw.BROKEN_LINK: "it does not follow the event before it; one of the two was exchanged",
    Flaw.MISSING: "one or more events before it are gone",
    Flaw.OUT_OF_ORDER: "an event was inserted or moved here",
    Flaw.END_DIFFERS: "the audit ends elsewhere than its seal says; events were removed, added "
    "or rewritten from here on",
    Flaw.HEAD_MISSING: "the seal at the end is gone",
    Flaw.HEAD_FORGED: "the seal at the end is not of this key file",
    Flaw.EMPTIED: "there are cases, and no event; somebody has emptied the audit",
    Flaw.ANCHOR_DIFFERS: "it is another event than when the anchor was made; history up to here "
    "was rewritten",
    Flaw.ANCHOR_MISSING: "the anchor saw this event, and it is gone",
}


@dataclass(frozen=True, slots=True)
class Break:
    """One flaw, and the sequence number at which it shows."""

    flaw: Flaw
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainReport:
    """What a verification found."""

    events: int
    last: int
    """Sequence number of the last event; 0 where there is none."""
    breaks: tuple[Break, ...]
    """The first hundred."""
    found: int
    """All of them."""
    anchors: int
    """Anchors through which the chain runs."""
    sealed: bool | None
    """Whether the head's seal is genuine; ``None`` where no key was given, or nothing is there."""

    @property
    def intact(self) -> bool:
        """Nothing was found. Without a key and without anchors, that says little."""
        return self.found == 0


def verify(
    events: Iterable[Event],
    head: Head | None,
    key: bytes | None,
    *,
    anchors: Iterable[Anchor] = (),
    expected: bool = False,
) -> ChainReport:
    """Verify a whole chain, from its first event, in one pass and constant memory.

    Parameters
    ----------
    events : iterable of Event
        All of them, in the order of the store, of the same reading as ``head``.
    key : bytes, optional
        The audit key. Without it a rewritten end is seen by anchors alone.
    anchors : iterable of Anchor
        Points that were written down elsewhere.
    expected : bool
        Something is there that cannot be without an event.
    """
    walk = _Walk(anchors)
    for event in events:
        walk.pass_by(event)
    return walk.end(head, key, expected=expected)


class _Walk:
    def __init__(self, anchors: Iterable[Anchor]) -> None:
        self._ahead: defaultdict[int, list[bytes]] = defaultdict(list)
        for anchor in anchors:
            self._ahead[anchor.sequence].append(anchor.digest)
        self._events = self._last = self._found = self._anchors = 0
        self._digest = GENESIS
        self._breaks: list[Break] = []

    def pass_by(self, event: Event) -> None:
        if event.sequence <= self._last:
            self._note(Flaw.OUT_OF_ORDER, event.sequence)
        elif event.sequence > self._last + 1:
            self._note(Flaw.MISSING, event.sequence)
        elif event.previous != self._digest:
            self._note(Flaw.BROKEN_LINK, event.sequence)
        if not _is_whole(event):
            self._note(Flaw.CHANGED, event.sequence)
        for digest in self._ahead.pop(event.sequence, ()):
            if digest == event.digest:
                self._anchors += 1
            else:
                self._note(Flaw.ANCHOR_DIFFERS, event.sequence)
        self._events += 1
        self._last = event.sequence
        self._digest = event.digest

    def end(self, head: Head | None, key: bytes | None, *, expected: bool) -> ChainReport:
        if expected and not self._events:
            self._note(Flaw.EMPTIED, 1)
        for sequence in sorted(self._ahead):
            self._note(Flaw.ANCHOR_MISSING, sequence)
        sealed = None
        if head is not None:
            if head.sequence != self._last:
                self._note(Flaw.END_DIFFERS, min(head.sequence, self._last) + 1)
            elif head.digest != self._digest:
                self._note(Flaw.END_DIFFERS, self._last)
            sealed = None if key is None else is_sealed(head, key)
            if sealed is False:
                self._note(Flaw.HEAD_FORGED, head.sequence)
        elif self._events:
            self._note(Flaw.HEAD_MISSING, self._last)
        return ChainReport(
            events=self._events,
            last=self._last,
            breaks=tuple(self._breaks),
            found=self._found,
            anchors=self._anchors,
            sealed=sealed,
        )

    def _note(self, flaw: Flaw, sequence: int) -> None:
        self._found += 1
        if len(self._breaks) < _MOST_FLAWS:
            self._breaks.append(Break(flaw, sequence))


def _is_whole(event: Event) -> bool:
    try:
        return digest_of(event) == event.digest
    except (ValueError, TypeError, AttributeError, OverflowError):
        # The data base holds what no event can: somebody put it there.
        return False
