"""A score matrix from CSV or Parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lightkeeper.assessment.policy import ScoreMatrix, read_matrix
from lightkeeper.assessment.policy._simulate import matrix_of
from lightkeeper.errors import InvalidConfiguration, MissingExtra

if TYPE_CHECKING:
    from pathlib import Path


def load_matrix(path: Path) -> ScoreMatrix:
    """Read a matrix; a null of Parquet abstains, as an empty cell of CSV does.

    Raises
    ------
    InvalidConfiguration
    MissingExtra
        It is Parquet, and ``pyarrow`` is not installed.
    """
    if path.suffix.lower() != ".parquet":
        return read_matrix(path)
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import read_table
    except ImportError as error:
        raise MissingExtra("a score matrix in Parquet", extra="parquet") from error
    try:
        with path.open("rb") as stream:
            table: dict[str, list[Any]] = read_table(stream).to_pydict()
    except (OSError, ArrowException) as error:
        raise InvalidConfiguration(f"score matrix {path}: {error}") from error
    return matrix_of(table, where=f"score matrix {path}")
