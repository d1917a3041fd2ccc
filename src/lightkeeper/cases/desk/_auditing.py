"""Verify the audit of a store, and that nobody emptied it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lightkeeper.cases.audit import verify
from lightkeeper.cases.triage import CaseFilter

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from lightkeeper.cases import CaseReader
    from lightkeeper.cases.audit import Anchor, ChainReport

_BEFORE_ALL: Final = -(1 << 63)
"""A row that was put before the first event is read too."""


def verify_audit(
    reader: CaseReader, key: bytes, *, now: datetime, anchors: Iterable[Anchor] = ()
) -> ChainReport:
    """Read the whole audit of one reading and say where it was altered.

    Parameters
    ----------
    key : bytes
        The audit key.
    anchors : iterable of Anchor
        Points that were written down elsewhere.
    """
    # Opening a case is an event: where there are cases, there was one.
    expected = reader.count(CaseFilter(), now=now, most=1) > 0
    events = reader.events(after=_BEFORE_ALL)
    return verify(events, reader.head(), key, anchors=anchors, expected=expected)
