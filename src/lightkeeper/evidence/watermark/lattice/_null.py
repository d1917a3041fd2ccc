"""What the reader found in pictures that carry no mark."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True, kw_only=True)
class LatticeNull:
    """Result of a run over unmarked crops; no picture is kept."""

    id: str
    description: str
    pictures: int
    hits: int


@cache
def shipped_null() -> LatticeNull:
    """The null that ships with Lightkeeper (``null.toml`` in this package)."""
    text = resources.files(__package__).joinpath("null.toml").read_text(encoding="utf-8")
    fields = LatticeNull.__dataclass_fields__
    return LatticeNull(**{k: v for k, v in tomllib.loads(text).items() if k in fields})
