"""Between rows and the words of :mod:`lightkeeper.matching`."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from lightkeeper.errors import MatchError
from lightkeeper.matching import (
    Entry,
    EntryLabels,
    EntryState,
    HashSet,
    Mention,
    SetOrigin,
    SetState,
    Tlp,
)
from lightkeeper.matching._guards import HEX_DIGITS

if TYPE_CHECKING:
    from collections.abc import Iterable

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
DAY = 86_400_000_000
HOUR = 3_600_000_000


def to_time(moment: datetime) -> int:
    """Microseconds since 1970."""
    if moment.tzinfo is None:
        raise MatchError("a time without a time zone")
    return (moment - _EPOCH) // _MICROSECOND


def from_time(stored: int) -> datetime:
    """The moment, in UTC."""
    return _EPOCH + timedelta(microseconds=stored)


def from_time_or_none(stored: int | None) -> datetime | None:
    """The moment, where there is one."""
    return None if stored is None else from_time(stored)


def to_value(kind: str, value: str) -> bytes:
    """Bytes of a hex kind, UTF-8 of an opaque one; ValueError where it is neither."""
    digits = HEX_DIGITS.get(kind)
    if digits is None:
        return value.encode()
    raw = bytes.fromhex(value)
    if len(value) != digits or len(raw) * 2 != digits:
        raise ValueError(value)
    return raw


def from_value(kind: str, stored: bytes) -> str:
    """The inverse of :func:`to_value`."""
    return stored.hex() if kind in HEX_DIGITS else stored.decode()


def set_values(hash_set: HashSet) -> dict[str, Any]:
    """Columns of a set, without its number."""
    names = (field.name for field in fields(hash_set) if field.name != "number")
    return {name: getattr(hash_set, name) for name in names}


def to_set(row: Any) -> HashSet:
    """A set from its row."""
    values = dict(row._mapping)
    values["origin"] = SetOrigin(row.origin)
    values["handling"] = Tlp(row.handling)
    values["state"] = SetState(row.state)
    return HashSet(**values)


def to_entry(row: Any, mentions: Iterable[Any]) -> Entry:
    """An entry from its row and the rows of those who named it."""
    named = sorted(mentions, key=lambda mention: (mention.added, mention.name))
    return Entry(
        kind=row.kind,
        value=from_value(row.kind, row.value),
        number=row.number,
        variant=row.variant,
        quality=row.quality,
        labels=EntryLabels(
            industry_class=row.industry_class,
            computer_generated=row.computer_generated,
            modelled_after_person=row.modelled_after_person,
            age_group=row.age_group,
            victim_identified=row.victim_identified,
        ),
        state=EntryState(row.state),
        mentions=tuple(Mention(m.name, m.source_id, from_time(m.added)) for m in named),
        added=from_time(row.added),
        seen=from_time(max((m.seen for m in named), default=row.added)),
        expires=from_time_or_none(row.expires),
        withdrawn=from_time_or_none(row.withdrawn),
        votes_for=row.votes_for,
        votes_against=row.votes_against,
    )
