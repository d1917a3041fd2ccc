"""What a cascade would have cost and lost, on scores that were measured."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.detectors.statistics import auc

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_CURVE_POINTS = 200


@dataclass(frozen=True, slots=True)
class ScoreMatrix:
    """Scores of several detectors on the same pictures; a trigger is a score of 0 or 1."""

    generated: NDArray[np.bool_]
    scores: Mapping[str, NDArray[np.float64]]

    def column(self, name: str) -> NDArray[np.float64]:
        """Scores of one detector.

        Raises
        ------
        InvalidConfiguration
            There is none of that name.
        """
        if name not in self.scores:
            raise InvalidConfiguration(
                f"the matrix has no column {name}", hint="it has " + ", ".join(self.scores)
            )
        return self.scores[name]


@dataclass(frozen=True, slots=True)
class Simulation:
    """One threshold of the first stage."""

    first: str
    threshold: float
    generated_kept: float
    """Share of generated pictures that reach the last stage: the recall of the first one."""
    real_escalated: float
    cost: float
    """Of the cascade, as a share of running the last stage on everything."""
    auc: float
    """Of the cascade; all that does not reach the last stage ties below what does.

    It is never below ``full_auc`` by more than the share of generated pictures that is lost.
    """
    full_auc: float
    seconds_per_million: float


def read_matrix(path: Path) -> ScoreMatrix:
    """Read a CSV with a column ``label`` (``real`` or ``generated``) and one per detector.

    An empty cell is an abstention and never reaches the next stage.

    Raises
    ------
    InvalidConfiguration
    """
    where = f"score matrix {path}"
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidConfiguration(f"{where}: {error}") from error
    if any(None in row.values() for row in rows):
        raise InvalidConfiguration(f"{where}: a line has fewer cells than the first one")
    names = rows[0] if rows else ()
    return matrix_of({name: [row[name] for row in rows] for name in names}, where=where)


def matrix_of(table: Mapping[str, list[Any]], *, where: str) -> ScoreMatrix:
    """A matrix from columns; an empty text or ``None`` is an abstention.

    Raises
    ------
    InvalidConfiguration
    """
    labels = table.get("label", [])
    try:
        columns = {name: _column(cells) for name, cells in table.items() if name != "label"}
    except (ValueError, TypeError) as error:
        raise InvalidConfiguration(f"{where}: {error}") from error
    if set(labels) != {"real", "generated"} or not columns:
        raise InvalidConfiguration(
            f"{where}: it needs a label, real and generated, and a detector's column"
        )
    if any(np.isnan(column).any() for column in columns.values()):
        raise InvalidConfiguration(f"{where}: NaN is no score; leave the cell empty")
    return ScoreMatrix(np.array([label == "generated" for label in labels]), columns)


def _column(cells: list[Any]) -> NDArray[np.float64]:
    return np.array([-math.inf if cell in ("", None) else float(cell) for cell in cells])


def simulate(
    matrix: ScoreMatrix,
    *,
    first: str,
    last: str,
    keep: float,
    seconds: Mapping[str, float],
    prevalence: float,
) -> Simulation:
    """Put ``first`` before ``last``, at the highest threshold that keeps a share of generated.

    Parameters
    ----------
    keep : float
        Share of generated pictures that must reach the last stage.
    seconds : mapping
        Cost of both stages for one picture.
    prevalence : float
        Share of generated pictures among all that arrive.

    Raises
    ------
    InvalidConfiguration
    """
    descending = np.sort(matrix.column(first)[matrix.generated])[::-1]
    needed = max(1, math.ceil(keep * descending.size - 1e-9))
    return _at(matrix, float(descending[needed - 1]), first, last, seconds, prevalence)


def trade_off(
    matrix: ScoreMatrix,
    *,
    first: str,
    last: str,
    seconds: Mapping[str, float],
    prevalence: float,
) -> tuple[Simulation, ...]:
    """The whole curve of one first stage, from few pictures escalated to all."""
    distinct = np.unique(matrix.column(first))[::-1]
    finite = distinct[np.isfinite(distinct)]
    places = np.unique(np.linspace(0, finite.size - 1, _CURVE_POINTS).astype(int))
    return tuple(
        _at(matrix, float(threshold), first, last, seconds, prevalence)
        for threshold in finite[places]
    )


def _at(
    matrix: ScoreMatrix,
    threshold: float,
    first: str,
    last: str,
    seconds: Mapping[str, float],
    prevalence: float,
) -> Simulation:
    gate, final = matrix.column(first), matrix.column(last)
    if not 0 < prevalence < 1:
        raise InvalidConfiguration("the prevalence lies between 0 and 1")
    if not seconds[last] > 0 or seconds[first] < 0:
        raise InvalidConfiguration("a stage's seconds must be positive")
    passed = (gate >= threshold) & np.isfinite(gate)
    kept = float(passed[matrix.generated].mean())
    escalated = float(passed[~matrix.generated].mean())
    reaching = prevalence * kept + (1 - prevalence) * escalated
    each = seconds[first] + reaching * seconds[last]
    return Simulation(
        first,
        threshold,
        round(kept, 6),
        round(escalated, 6),
        round(each / seconds[last], 6),
        round(_auc(np.where(passed, final, -math.inf), matrix.generated), 6),
        round(_auc(final, matrix.generated), 6),
        round(each * 1e6, 3),
    )


def _auc(scores: NDArray[np.float64], generated: NDArray[np.bool_]) -> float:
    return auc(scores[generated], scores[~generated])
