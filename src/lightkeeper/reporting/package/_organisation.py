"""Who hands a case out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """As an operator has named it: nothing proves it but the signature."""

    name: str
    contact: str
    """Where a receiver asks: an address, a telephone number, a person's office."""
