"""The guards as ``sets`` applies them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lightkeeper.matching import EntryState
from lightkeeper.matching._columns import EntryColumns
from lightkeeper.matching._corpus import BenignCorpus
from lightkeeper.matching._guards import ONES_OFF, check_batch
from lightkeeper.matching._transfer import BatchCheck, batches

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lightkeeper.matching import Entry, HashSet, SetStore

Benign = Annotated[
    Path | None,
    typer.Option(help="Folder of benign images: an entry that matches one is junk."),
]
OnesOff = Annotated[
    int,
    typer.Option(
        "--ones-off",
        min=0,
        max=64,
        help="Take PDQ hashes with so many ones more or fewer than 128.",
    ),
]
_NUMBERS_SHOWN = 1_000


def list_check(benign: Path | None, *, ones_off: int = ONES_OFF) -> Callable[[], BatchCheck]:
    """The guards, with the operator's own benign pictures; made only when they are needed."""
    return lambda: _Guards(benign, ones_off)


class _Guards:
    def __init__(self, benign: Path | None, ones_off: int) -> None:
        self._ones_off = ones_off
        corpus = BenignCorpus.drawn()
        self._corpus = corpus.with_folder(benign) if benign else corpus

    def __call__(self, hash_set: HashSet, entries: Sequence[Entry], /) -> list[str | None]:
        columns = EntryColumns.of(entries)
        reasons = check_batch(columns, hash_set, ones_off=self._ones_off)
        sound = [i for i, reason in enumerate(reasons) if reason is None]
        rest = columns if len(sound) == len(columns) else columns.chosen(sound)
        found = self._corpus.check_batch(rest, hash_set)
        for i, reason in zip(sound, found, strict=True):
            reasons[i] = reason
        return reasons


def junk_rows(store: SetStore, name: str, check: BatchCheck) -> dict[str, Any]:
    """What the guards would refuse of a set today, by reason and entry number."""
    hash_set = store.hash_set(name)
    reasons: Counter[str] = Counter()
    numbers: list[dict[str, Any]] = []
    entries = 0
    for batch in batches(store.entries(name)):
        standing = [entry for entry in batch if entry.state is not EntryState.WITHDRAWN]
        entries += len(standing)
        for entry, reason in zip(standing, check(hash_set, standing), strict=True):
            if reason is not None:
                reasons[reason] += 1
                if len(numbers) < _NUMBERS_SHOWN:
                    numbers.append({"number": entry.number, "reason": reason})
    return {
        "set": name,
        "entries": entries,
        "junk": reasons.total(),
        "reasons": dict(sorted(reasons.items())),
        "numbers": numbers,
    }


def render_junk(row: dict[str, Any]) -> str:
    """What is junk in a set, in a few lines."""
    lines = [f"{row['set']}: {row['junk']:,} of {row['entries']:,} entries are junk"]
    lines += [f"  {reason:<20}{count:>8,}" for reason, count in row["reasons"].items()]
    return "\n".join(lines)
