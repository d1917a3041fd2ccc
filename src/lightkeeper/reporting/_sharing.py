"""What a set's owner allows to leave the house (Traffic Light Protocol 2.0)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lightkeeper.matching import Tlp

_SHAREABLE: Final = (Tlp.CLEAR.value, Tlp.GREEN.value)


def may_be_shared(match: Mapping[str, Any]) -> bool:
    """Whether a set's name and an entry's hash may be told, by the details of a match.

    That a set of some origin was matched, and how near, may always be said.
    """
    return match.get("handling") in _SHAREABLE
