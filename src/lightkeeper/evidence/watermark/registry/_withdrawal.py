"""That an entry does not count any more. It stays, so that everyone can see that it once did."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from lightkeeper.errors import InvalidConfiguration

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Reason(StrEnum):
    """Why an entry was withdrawn; a free text could name a person."""

    MISTAKE = "mistake"
    """It was never right."""
    SUPERSEDED = "superseded"
    """Another entry takes its place."""
    REQUEST = "request"
    """Somebody who may ask for it did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """When and why an entry was withdrawn.

    Parameters
    ----------
    on : str
        Day in UTC, ``2026-03-14``.
    reason : Reason

    Raises
    ------
    InvalidConfiguration
        It is no day.
    """

    on: str
    reason: Reason

    def __post_init__(self) -> None:
        try:
            good = bool(_DAY.fullmatch(self.on)) and bool(date.fromisoformat(self.on))
        except ValueError:
            good = False
        if not good:
            raise InvalidConfiguration(
                "the day on which an entry was withdrawn is no day", hint="such as 2026-03-14"
            )
