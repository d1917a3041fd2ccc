"""From a case to its columns: the one place that writes them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from lightkeeper.cases.record import Case, Signal
from lightkeeper.storage._rows import to_time
from lightkeeper.storage.cases._encoding import Encoding

if TYPE_CHECKING:
    from collections.abc import Iterable

CASES: Final = Encoding(Case)

# Written to disk: a new signal gets a new bit, and none is ever used again.
_BITS: Final = {
    Signal.IMMINENT_HARM: 1,
    Signal.LIVE: 2,
    Signal.SEXTORTION: 4,
    Signal.IDENTIFIED_CHILD: 8,
    Signal.POSSIBLE_REAL_CHILD: 16,
}


def case_values(case: Case) -> dict[str, Any]:
    """All columns of a case."""
    return {
        "record": CASES.dump(case),
        "id": case.id,
        "version": case.version,
        "source_digest": source_digest(case.source, case.source_id),
        "state": case.state.value,
        "opened": to_time(case.opened),
        "opened_down": -to_time(case.opened),
        "queue": case.queue,
        "arising": case.arising.value,
        "intake": case.intake.value,
        "signals": signal_bits(case.signals),
        "reports_down": -case.times_reported,
        "origin": case.outline.origin,
        "known": bool(case.outline.set_origins),
        "subject_kind": case.subject.kind.value,
        "subject_digest": digest(case.subject.identifier),
        "assigned": case.assigned,
        "held": case.hold is not None,
        "preserve_until": None if case.preserve_until is None else to_time(case.preserve_until),
        **_urgency(case),
        **_claim(case),
    }


def _urgency(case: Case) -> dict[str, Any]:
    triage = case.triage
    return {"rank": triage.rank, "score_down": -triage.score, "due": to_time(triage.due)}


def _claim(case: Case) -> dict[str, Any]:
    if case.claim is None:
        return {"claim_person": None, "claim_until": None}
    return {"claim_person": case.claim.person, "claim_until": to_time(case.claim.until)}


def signal_bits(signals: Iterable[Signal]) -> int:
    """Signals as the bits of a number."""
    return sum(_BITS[signal] for signal in signals)


def source_digest(source: str, source_id: str | None) -> bytes | None:
    """What is the same for the same identifier of the same source."""
    return None if source_id is None else digest(source, source_id)


def digest(*names: str) -> bytes:
    """Short, and the same for the same names."""
    made = hashlib.blake2b(digest_size=16)
    for name in names:
        content = name.encode(errors="surrogatepass")
        made.update(len(content).to_bytes(8, "big") + content)
    return made.digest()
