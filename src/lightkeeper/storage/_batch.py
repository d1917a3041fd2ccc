"""What is to be stored of a batch, as columns."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from lightkeeper.matching import EntryState, HashSet
from lightkeeper.matching._columns import EntryColumns, distinct
from lightkeeper.matching._guards import HEX_DIGITS
from lightkeeper.matching._ports import Refusal
from lightkeeper.storage._rows import DAY, to_time, to_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LABELS = (
    "industry_class",
    "computer_generated",
    "modelled_after_person",
    "age_group",
    "victim_identified",
)

DOUBTED = frozenset({EntryState.SEED, EntryState.PARKED})
"""States of an entry that its source hands on as a lead."""

Key = tuple[str, bytes]


class Row(NamedTuple):
    """One row of a batch; what it says of an entry has the names of columns."""

    variant: str | None
    quality: int | None
    industry_class: str | None
    computer_generated: bool | None
    modelled_after_person: bool | None
    age_group: str | None
    victim_identified: bool | None
    lead: bool
    expires: int | None
    source_id: str | None
    """The source's own id of it."""
    place: int
    """Where it stands in its batch."""


@dataclass(slots=True)
class Batch:
    """Rows whose keys differ, in the order of their keys.

    So a data base meets neighbours of its index one after another.
    """

    entries: EntryColumns
    raws: list[bytes]
    positions: list[int]
    """Where each row stood in what was handed in."""

    def __len__(self) -> int:
        return len(self.raws)

    def key(self, index: int) -> Key:
        """Kind and value of a row."""
        return self.entries.kinds[index], self.raws[index]

    def chosen(self, indices: Sequence[int]) -> Batch:
        """These rows, in this order."""
        return Batch(
            self.entries.chosen(indices),
            [self.raws[i] for i in indices],
            [self.positions[i] for i in indices],
        )

    def row(self, index: int) -> Row:
        """One row by itself."""
        entries = self.entries
        labels, expires = entries.labels[index], entries.expiries[index]
        return Row(
            entries.variants[index],
            entries.qualities[index],
            labels.industry_class,
            labels.computer_generated,
            labels.modelled_after_person,
            labels.age_group,
            labels.victim_identified,
            entries.states[index] in DOUBTED,
            None if expires is None else to_time(expires),
            entries.source_ids[index],
            index,
        )


def read_batches(entries: EntryColumns, *, now: int) -> tuple[list[Batch], list[Refusal]]:
    """Batches in which no key occurs twice, and the rows that cannot be stored.

    Rows that share a key go into batches one after another.
    """
    raws = _raws(entries.kinds, entries.values)
    reasons = _reasons(entries, raws, now)
    whole = Batch(entries, raws, list(range(len(raws))))  # type: ignore[arg-type]
    if reasons:
        whole = whole.chosen([i for i in range(len(raws)) if i not in reasons])
    refused = [Refusal(position, reason) for position, reason in sorted(reasons.items())]
    return [whole.chosen(indices) for indices in _rounds(whole)], refused


def _rounds(whole: Batch) -> Iterator[list[int]]:
    kinds, raws = whole.entries.kinds, whole.raws
    order = sorted(range(len(raws)), key=raws.__getitem__)
    if len({*kinds}) > 1:
        order.sort(key=kinds.__getitem__)
    while order:
        first = order[:1]
        again: list[int] = []
        for before, index in pairwise(order):
            same = raws[before] == raws[index] and kinds[before] == kinds[index]
            (again if same else first).append(index)
        yield first
        order = again


def _raws(kinds: list[str], values: list[str]) -> list[bytes | None]:
    """Values as bytes; ``None`` for one that is not what its kind says."""
    digits = HEX_DIGITS.get(kinds[0]) if len({*kinds}) == 1 else None
    if digits is not None and {*map(len, values)} == {digits}:
        try:
            joined = bytes.fromhex("".join(values))
        except ValueError:
            joined = b""
        size = digits // 2
        if len(joined) == size * len(values):
            return [joined[at : at + size] for at in range(0, len(joined), size)]
    return list(map(_raw, kinds, values))


def _raw(kind: str, value: str) -> bytes | None:
    try:
        return to_value(kind, value)
    except ValueError:
        return None


def _reasons(entries: EntryColumns, raws: Sequence[bytes | None], now: int) -> dict[int, str]:
    """Why rows cannot be stored, by where they stand."""
    reasons: dict[int, str] = {}
    if entries.expiries.count(None) < len(raws):
        for i, expires in enumerate(entries.expiries):
            if expires is not None and to_time(expires) <= now:
                reasons[i] = "expired"
    if EntryState.WITHDRAWN in entries.states:
        reasons |= {
            i: "withdrawn"
            for i, state in enumerate(entries.states)
            if state is EntryState.WITHDRAWN
        }
    for quality in {*entries.qualities}:
        if quality is not None and not 0 <= quality <= 100:
            malformed = (i for i, said in enumerate(entries.qualities) if said == quality)
            reasons |= dict.fromkeys(malformed, "malformed-quality")
    for texts in _texts(entries):
        if not _is_storable("".join(text for text in {*texts} if text)):
            unstorable = (i for i, text in enumerate(texts) if text and not _is_storable(text))
            reasons |= dict.fromkeys(unstorable, "unstorable-text")
    if None in raws:
        reasons |= {i: "malformed-value" for i, raw in enumerate(raws) if raw is None}
    return reasons


def _texts(entries: EntryColumns) -> Iterator[Sequence[str | None]]:
    yield entries.kinds
    yield entries.variants
    yield entries.source_ids
    for name in ("industry_class", "age_group"):
        yield label_column(entries, name)


def _is_storable(text: str) -> bool:
    # PostgreSQL takes no NUL, and neither data base an unpaired surrogate.
    if text.isprintable():
        return True
    return "\0" not in text and not any("\ud800" <= c < "\ue000" for c in text)


def label_column(entries: EntryColumns, name: str) -> list[Any]:
    """What each row says under a label."""
    few = distinct(entries.labels)
    if len(few) == 1:
        return [getattr(few[0], name)] * len(entries)
    return [getattr(labels, name) for labels in entries.labels]


def new_entries(batch: Batch, hash_set: HashSet, *, now: int) -> dict[str, Any]:
    """Columns of entries that are added; a value that is no list is that of every row."""
    entries = batch.entries
    doubtful = hash_set.needs_confirmation
    states = ["seed" if doubtful or state in DOUBTED else "active" for state in entries.states]
    given = [None if at is None else to_time(at) for at in entries.expiries]
    return {
        "set_number": hash_set.number,
        "kind": entries.kinds,
        # SQLite's driver binds a bytearray without the search for adapters that bytes cost.
        "value": list(map(bytearray, batch.raws)),
        "variant": entries.variants,
        "quality": entries.qualities,
        **{name: label_column(entries, name) for name in LABELS},
        "state": states,
        "added": now,
        "changed": now,
        "expires": [expiry(hash_set, at, now) for at in given],
        "expires_given": given,
    }


def expiry(hash_set: HashSet, given: int | None, now: int) -> int | None:
    """When an entry that is named now expires: by the set's policy, or earlier as it says."""
    days = hash_set.expires_after_days
    if days is None:
        return given
    return now + days * DAY if given is None else min(given, now + days * DAY)
