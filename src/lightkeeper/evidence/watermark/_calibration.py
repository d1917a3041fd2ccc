"""The empirical null: what the test gave on photographs that carry no mark."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True, kw_only=True)
class EmpiricalNull:
    """Result of a run over unmarked photographs; no picture is kept.

    ``largest_z`` is over all pictures, marks and variants; ``z_deviation`` should be at most 1;
    it is not known where only the largest z of each picture was kept.
    """

    id: str
    description: str
    pictures: int
    tests: int
    hits: int
    largest_z: float
    z_deviation: float | None = None


@cache
def shipped_null(search: str = "stored") -> EmpiricalNull:
    """A null that ships with Lightkeeper (``null.toml`` in this package).

    ``search`` is ``stored`` for the stored grid and its copies, ``cropped`` for all places of the
    grid.
    """
    text = resources.files(__package__).joinpath("null.toml").read_text(encoding="utf-8")
    fields = EmpiricalNull.__dataclass_fields__
    return EmpiricalNull(**{k: v for k, v in tomllib.loads(text)[search].items() if k in fields})
