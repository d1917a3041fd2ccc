"""What ThreatExchange tools write: threat updates, bank contents, dataset dumps.

Shapes read in facebook/ThreatExchange (python-threatexchange 1.2.17, ``threat_updates.py`` and
``dataset_cmd.py``; HMA 1.1.x, ``blueprints/curation.py``):

- a threat update: ``{"id", "indicator", "type": "HASH_PDQ", "should_delete", "status", …}``, alone
  or in pages ``{"data": […], "paging": …}``;
- a bank's content: ``{"id", "signals": {"pdq": …}, "metadata": {"content_id": …}}``;
- a signal: ``{"signal_type", "signal_str", …}``, and ``threatexchange dataset --csv`` with columns
  ``signal_type, signal_str, collab, category, tags``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, Final

from lightkeeper.matching.formats._csv import read_csv
from lightkeeper.matching.formats._fields import entry_of
from lightkeeper.matching.formats._json_objects import json_objects
from lightkeeper.matching.formats._mapping import Mapping
from lightkeeper.matching.formats._row import Block, RejectedRowError, Row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

KINDS: Final = {
    "pdq": "pdq",
    "md5": "md5",
    "video_md5": "md5",
    "vmd5": "md5",
    "sha1": "sha1",
    "sha256": "sha256",
    "video_sha256": "sha256",
    "photodna": "photodna",
    "pdna": "photodna",
    "tmk": "tmk",
    "vpdq": "vpdq",
}
"""Signal types that are hashes; texts and addresses are not material that a hash set holds."""

_DATASET: Final = Mapping(
    columns={"signal_type": "kind", "signal_str": "value", "category": "state"},
    values={
        "kind": KINDS,
        "state": {"POSITIVE_CLASS": "active", "INVESTIGATION_SEED": "seed"},
    },
)
_STATES: Final = {"MALICIOUS": "active", "SUSPICIOUS": "seed", "UNKNOWN": "seed"}


def read_threatexchange(
    stream: BinaryIO, *, source: str | None, now: datetime
) -> Iterator[Row | Block]:
    """Read any of the shapes above."""
    start = stream.peek(1)[:1] if hasattr(stream, "peek") else b"{"
    if start not in b"{[ \t\r\n":
        yield from read_csv(stream, source=source, now=now, mapping=_DATASET)
        return
    for number, value in json_objects(stream):
        if isinstance(value, str):
            yield Row(number, reason=value)
        else:
            yield from _rows(number, value, source, now)


def _rows(number: int, value: Any, source: str | None, now: datetime) -> Iterator[Row]:
    try:
        signals, state = _signals(value)
    except RejectedRowError as error:
        yield Row(number, reason=error.reason, raw=str(value)[:200])
        return
    own_id = _own_id(value)
    for kind, signal in signals:
        fields = {"kind": kind, "value": signal, "source_id": own_id, "state": state}
        try:
            yield Row(number, entry_of(fields, source=source, now=now), raw=str(signal))
        except RejectedRowError as error:
            yield Row(number, reason=error.reason, raw=str(signal)[:200])


def _signals(value: Any) -> tuple[list[tuple[str, object]], str]:
    """Kinds and values of an object, and the state of them all."""
    if not isinstance(value, dict):
        raise RejectedRowError("not-an-object")
    if isinstance(value.get("signals"), dict):
        return [(_kind(k), v) for k, v in value["signals"].items()], "active"
    if "signal_type" in value:
        signal = value.get("signal_str", value.get("signal_value"))
        return [(_kind(value["signal_type"]), signal)], "active"
    return [(_kind(value.get("type")), value.get("indicator"))], _update_state(value)


def _update_state(value: dict[str, Any]) -> str:
    if value.get("should_delete"):
        return "withdrawn"
    state = _STATES.get(value.get("status", "MALICIOUS"))
    if state is None:
        raise RejectedRowError("not-positive")
    return state


def _kind(name: object) -> str:
    if not isinstance(name, str):
        raise RejectedRowError("missing-kind")
    kind = KINDS.get(name.lower().removeprefix("hash_"))
    if kind is None:
        raise RejectedRowError("unsupported-kind")
    return kind


def _own_id(value: dict[str, Any]) -> str | None:
    metadata = value.get("metadata")
    own = metadata.get("content_id") if isinstance(metadata, dict) else None
    own = own if own is not None else value.get("id")
    return str(own) if isinstance(own, (str, int)) else None
