"""One row per picture and condition: all that a card is computed from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from lightkeeper.errors import EvidenceError
from lightkeeper.evidence.detectors.evaluation._sample import PHOTO, Label
from lightkeeper.evidence.detectors.treatment import Condition  # noqa: TC001 - rows are read by it
from lightkeeper.plain import to_plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray


class Outcome(StrEnum):
    """What a detector made of one picture."""

    SCORED = "scored"
    ABSTAINED = "abstained"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """What a detector said of one picture under one condition; no path and no hash."""

    picture: int
    condition: Condition
    label: Label
    kind: str
    source: str
    generator: str | None
    pair: str | None
    drawn: bool
    seen: bool
    """The detector says that it was trained on this source or generator."""
    outcome: Outcome
    score: float | None
    seconds: float


def write_rows(rows: Iterable[ScoreRow]) -> bytes:
    """Rows as JSON lines, in one byte-exact form."""
    lines = [
        json.dumps(to_plain(row), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        for row in rows
    ]
    return "".join(line + "\n" for line in lines).encode()


def read_rows(content: bytes) -> tuple[ScoreRow, ...]:
    """Rows back from JSON lines.

    Raises
    ------
    EvidenceError
        A line is no row.
    """
    decoder = msgspec.json.Decoder(ScoreRow)
    try:
        rows = tuple(decoder.decode(line) for line in content.splitlines() if line)
    except msgspec.MsgspecError as error:
        raise EvidenceError(f"the scores beside the card cannot be read: {error}") from error
    if any((row.score is None) == (row.outcome is Outcome.SCORED) for row in rows):
        raise EvidenceError("the scores beside the card contradict themselves")
    return rows


class Scores:
    """Rows of one condition as columns.

    An abstention or a failure scores minus infinity: it never fires, so it costs recall where the
    picture was generated and spares a false alarm where it was not.
    """

    def __init__(self, rows: Sequence[ScoreRow]) -> None:
        self.rows = rows
        self.score = np.array(
            [-np.inf if r.score is None else r.score for r in rows], dtype=np.float64
        )
        self.generated = np.array([r.label is Label.GENERATED for r in rows], dtype=bool)
        kinds = np.array([r.kind for r in rows], dtype=np.str_)
        fresh = np.array([not r.seen for r in rows], dtype=bool)
        drawn = np.array([r.drawn for r in rows], dtype=bool)
        self.kind = kinds
        self.source = np.array([r.source for r in rows], dtype=np.str_)
        self.generator = np.array([r.generator or "" for r in rows], dtype=np.str_)
        self.made = self.generated & fresh
        """Generated pictures that count."""
        self.photo = ~self.generated & (kinds == PHOTO) & ~drawn & fresh
        """Photographs that count."""
        self.other = ~self.generated & ((kinds != PHOTO) | drawn)
        """Real pictures that are no photographs."""

    @classmethod
    def of(cls, rows: Iterable[ScoreRow], condition: Condition) -> Scores:
        """The rows of one condition."""
        return cls([row for row in rows if row.condition is condition])

    def at(self, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Scores under a mask."""
        return self.score[mask]

    def pairs(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Scores of re-syntheses and of their own photographs, in the same order."""
        halves: dict[str, dict[Label, float]] = {}
        for row, score in zip(self.rows, self.score, strict=True):
            if row.pair is not None and not row.seen:
                halves.setdefault(row.pair, {})[row.label] = float(score)
        whole = [half for _, half in sorted(halves.items()) if len(half) == len(Label)]
        generated = np.array([half[Label.GENERATED] for half in whole], dtype=np.float64)
        return generated, np.array([half[Label.REAL] for half in whole], dtype=np.float64)
